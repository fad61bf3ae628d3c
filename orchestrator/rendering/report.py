"""The report of one run of checks: the lab, every check with its evidence and its walk, the story, the versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from orchestrator.checks.causes import ExplainedChecks, group_by_cause
from orchestrator.rendering.check_report import CheckReport, LocatedFinding
from orchestrator.rendering.findings import summary_text
from orchestrator.rendering.graph import Picture
from orchestrator.rendering.lab_page import lab_section
from orchestrator.rendering.page import Section, facts, page
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.story_page import HEADING, story_section
from orchestrator.rendering.walk import MARKS, SUFFERS
from orchestrator.traffic.story import Story

if TYPE_CHECKING:
    from orchestrator.checks.walk import Layer, Walk

WORDS = {"pass": "pass", "fail": "FAIL", "unknown": "UNKNOWN"}
VERDICTS = {
    "pass": "All checks held.",
    "fail": "A check failed.",
    "unknown": "A check could not be answered; that is no pass.",
}
NOTE = "The arrows show what crossed the wire while the checks ran. What only the checks asked is marked so."


@dataclass(frozen=True)
class Report:
    """What the page shows; if there is no story, `no_story` says why.

    `failure` is what a test said that failed in this lab.
    """

    check_report: CheckReport
    picture: Picture
    story: Story | None
    no_story: str
    failure: str = ""


def report_page(report: Report) -> str:
    """The page, in one file."""
    check_report = report.check_report
    lead = (
        f"<p>{_verdict(report)}</p>\n"
        f'<p class="soft">Lab {escape(check_report.lab)}, {escape(check_report.file)}, '
        f"{check_report.at.replace('T', ' ')} UTC</p>"
    )
    story = (
        story_section(report.story) if report.story else Section("story", HEADING, f"<p>{escape(report.no_story)}</p>")
    )
    causes = group_by_cause(placed.finding for placed in check_report.findings)
    sections = [
        *([_causes(check_report, causes)] if causes else []),
        _checks(check_report, causes),
        lab_section(report.picture, NOTE if report.story else ""),
        story,
        Section("versions", "Versions", facts((name, escape(value)) for name, value in check_report.versions.items())),
    ]
    if report.failure:
        sections.insert(0, Section("test", "The test that failed", f'<pre tabindex="0">{escape(report.failure)}</pre>'))
    title = f"{check_report.scenario}: {check_report.title}"
    return page(title, lead, sections, f"Made by wirelab {check_report.versions.get('wirelab', '')}.")


def _verdict(report: Report) -> str:
    """The whole in a line. A test may fail in a lab whose checks all hold."""
    check_report = report.check_report
    verdict, summary = (
        ("fail", "A test failed.") if report.failure else (check_report.verdict, VERDICTS[check_report.verdict])
    )
    if check_report.findings:
        findings = [placed.finding for placed in check_report.findings]
        summary = f"{summary} {escape(summary_text(findings, check_report.seconds))}"
    elif not report.failure:
        return "No check was asked."
    return f'<span class="badge {verdict}">{WORDS[verdict]}</span> {summary}'


def _causes(check_report: CheckReport, causes: Sequence[ExplainedChecks]) -> Section:
    """Each cause once: the sentence, the command to try, one walk, and a line for each check that it explains."""
    return Section("causes", "What is broken", "\n".join(_cause(check_report, cause) for cause in causes))


def _cause(check_report: CheckReport, cause: ExplainedChecks) -> str:
    checks = "\n".join(_check(check_report, placed) for placed in check_report.findings if placed.finding in cause)
    count = counted(len(cause.findings), "check")
    return (
        f'<article class="cause"><h3>{escape(cause.walk.sentence)}</h3>\n{_walk(cause.walk)}\n'
        f"<p>This explains {count}:</p>\n{checks}</article>"
    )


def _checks(check_report: CheckReport, causes: Sequence[ExplainedChecks]) -> Section:
    """The checks that no cause explains: first those that do not hold, which stand open, then those that hold."""
    others = [
        placed for placed in check_report.findings if not any(placed.finding in explained for explained in causes)
    ]
    others.sort(key=lambda placed: placed.finding.verdict == "pass")
    body = "\n".join(_check(check_report, placed, shut=placed.finding.verdict == "pass") for placed in others)
    if not others:
        body = f"<p>{'Every check is explained above.' if causes else 'No check was asked.'}</p>"
    return Section("checks", "The other checks" if causes else "The checks", body)


def _check(check_report: CheckReport, placed: LocatedFinding, *, shut: bool = True) -> str:
    """One line, which opens to what was expected and seen; a walk that found nothing broken stands there too."""
    finding = placed.finding
    judgement = finding.judgement
    evidence = "".join(f"<li><code>{escape(line)}</code></li>" for line in judgement.evidence)
    rows = [
        ("expected", escape(judgement.expected)),
        ("seen", escape(judgement.actual)),
        ("evidence", f"<ul>{evidence}</ul>" if evidence else "none"),
        ("asked by", escape(finding.asker)),
        ("took", f"{finding.seconds:.2f} s"),
        ("declared in", f"<code>{escape(check_report.place(placed))}</code>"),
    ]
    walk = finding.why
    explained = f"<p><strong>Why: {escape(walk.sentence)}</strong></p>" if walk else ""
    if walk and walk.broken is None:
        explained += _walk(walk)
    badge = f'<span class="badge {finding.verdict}">{WORDS[finding.verdict]}</span>'
    return (
        f'<details class="check"{"" if shut else " open"}><summary>{badge} <h3>{escape(finding.check)}</h3></summary>\n'
        f"{facts(rows)}{explained}</details>"
    )


def _walk(walk: Walk) -> str:
    """What to try, and the layers in the order in which they must work, with who asks whom above them."""
    parts = [f"<p>Try: <code>{escape(walk.command)}</code></p>"] if walk.command else []
    parts += [f"<p>Also: {escape(sentence)}</p>" for sentence in walk.also]
    number = 1
    for (asker, target), leg in groupby(walk.layers, key=lambda layer: (layer.asker, layer.target)):
        layers = list(leg)
        ends = asker if asker == target else f"From {asker} to {target}"
        items = "".join(_layer(layer, broken=layer is walk.broken) for layer in layers)
        parts.append(f'<p class="soft">{escape(ends)}</p><ol start="{number}">{items}</ol>')
        number += len(layers)
    return f'<div class="walk">{"".join(parts)}</div>'


def _layer(layer: Layer, *, broken: bool) -> str:
    """A line in the words of the terminal, with what proves it: of the broken layer at once, of others when opened."""
    suffers = layer.verdict == "fail" and not layer.causes
    kind = ' class="broken"' if broken else ""
    mark = SUFFERS if suffers else MARKS[layer.verdict].strip()
    line = (
        f'<span class="badge {"unknown" if suffers else layer.verdict}">{mark}</span> '
        f"{escape(layer.title)}: {escape(layer.summary)}"
    )
    evidence = (layer.causes[0].evidence if broken else ()) or layer.evidence
    proof = "<br>".join(f"<code>{escape(text)}</code>" for text in evidence)
    if broken or not proof:
        return f"<li{kind}>{line}{'<br>' if proof else ''}{proof}</li>"
    return f"<li><details><summary>{line}</summary><p>{proof}</p></details></li>"
