"""Findings as JUnit XML, which every CI system reads.

Nobody owns the format. What is written here is valid against both schemas in wide use, that of Apache Ant
("JUnit.xsd") and that of Jenkins' xUnit plugin ("junit-10.xsd"). Neither has a place for the line of a single test,
so it stands as file:line:column in the text of each failure, and for every check in the suite's output.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from orchestrator.checks.causes import explained_before, shared_causes
from orchestrator.checks.findings import Finding
from orchestrator.rendering.check_report import CheckReport, LocatedFinding
from orchestrator.rendering.findings import cause_sentence, finding_text

# Characters that XML 1.0 cannot hold in any form (section 2.2); a server's answer may hold them.
UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# failed: the lab answered, and not as declared. unknown: it could not be asked, which is an error of the test.
ELEMENTS = {"fail": "failure", "unknown": "error"}


def junit(check_report: CheckReport) -> str:
    """The document: one suite, with one test case a check."""
    root = Element("testsuites")
    suite = SubElement(
        root,
        "testsuite",
        name=check_report.lab,
        package=check_report.scenario,
        id="0",
        timestamp=check_report.at,
        hostname="localhost",
        tests=str(len(check_report.findings)),
        failures=str(check_report.counted("fail")),
        errors=str(check_report.counted("unknown")),
        skipped="0",
        time=f"{check_report.seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    for name, value in {"scenario": check_report.scenario, "file": check_report.file, **check_report.versions}.items():
        SubElement(properties, "property", name=_fit(name), value=_fit(value))
    causes = shared_causes(placed.finding for placed in check_report.findings)
    for placed in check_report.findings:
        _case(suite, check_report, placed, explained_before(placed.finding, causes))
    lines = [cause_sentence(cause) for cause in causes]
    for placed in check_report.findings:
        lines.append(f"{check_report.place(placed)}: {placed.finding.verdict}: {placed.finding.check}")
    SubElement(suite, "system-out").text = _fit("\n".join(lines))
    SubElement(suite, "system-err")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, check_report: CheckReport, placed: LocatedFinding, earlier: str) -> None:
    """One test case; `earlier` is the test case whose walk has explained the same cause already."""
    finding = placed.finding
    case = SubElement(
        suite,
        "testcase",
        name=_token(finding.check),
        classname=_token(check_report.file),
        time=f"{finding.seconds:.3f}",
    )
    if element := ELEMENTS.get(finding.verdict):
        failure = SubElement(case, element, type=finding.kind, message=_fit(_message(finding)))
        failure.text = _fit(f"{check_report.place(placed)}\n{finding_text(finding, earlier)}")


def _message(finding: Finding) -> str:
    """The cause, if it is known, and what was seen; a CI system shows it in a list of failures."""
    seen = f"expected: {finding.judgement.expected}; but seen: {finding.judgement.actual}"
    return f"{finding.why.sentence} ({seen})" if finding.why and finding.why.broken else seen


def _fit(text: str) -> str:
    return UNFIT.sub("\ufffd", text)


def _token(text: str) -> str:
    """As xs:token has it: no blanks at the ends, none doubled, no line ends."""
    return " ".join(_fit(text).split())
