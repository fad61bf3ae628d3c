"""The report of one run of checks: the lab, every check with its evidence and its walk, the story, the versions."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from orchestrator.rendering.check_report import CheckReport, LocatedFinding
from orchestrator.rendering.findings import summary_text
from orchestrator.rendering.graph import Picture
from orchestrator.rendering.lab_page import lab_section
from orchestrator.rendering.page import Section, facts, page
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
    sections = [
        _checks(check_report),
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


def _checks(check_report: CheckReport) -> Section:
    """What does not hold stands open; what holds can be opened."""
    body = "\n".join(_check(check_report, placed) for placed in check_report.findings)
    return Section("checks", "The checks", body or "<p>No check was asked.</p>")


def _check(check_report: CheckReport, placed: LocatedFinding) -> str:
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
    shut = "" if finding.verdict == "pass" else " open"
    walk = _walk(finding.why) if finding.why else ""
    return (
        f'<details class="check"{shut}><summary><span class="badge {finding.verdict}">{WORDS[finding.verdict]}</span> '
        f"<h3>{escape(finding.check)}</h3></summary>\n{facts(rows)}{walk}</details>"
    )


def _walk(walk: Walk) -> str:
    """The layers in the order in which they must work, with the first broken one named."""
    layers = "".join(_layer(layer, broken=layer is walk.broken) for layer in walk.layers)
    also = "".join(f"<p>Also: {escape(sentence)}</p>" for sentence in walk.also)
    command = f"<p>Try: <code>{escape(walk.command)}</code></p>" if walk.command else ""
    return (
        f'<div class="walk"><p><strong>Why: {escape(walk.sentence)}</strong></p>{command}{also}<ol>{layers}</ol></div>'
    )


def _layer(layer: Layer, *, broken: bool) -> str:
    """In the words of the terminal; of the broken layer the lines that prove it, of the others all that was seen."""
    suffers = layer.verdict == "fail" and not layer.causes
    kind = ' class="broken"' if broken else ""
    lines = (layer.causes[0].evidence if broken else ()) or layer.evidence
    evidence = "".join(f"<br><code>{escape(line)}</code>" for line in lines)
    mark = SUFFERS if suffers else MARKS[layer.verdict].strip()
    ends = layer.asker if layer.asker == layer.target else f"{layer.asker} to {layer.target}"
    return (
        f'<li{kind}><span class="badge {"unknown" if suffers else layer.verdict}">{mark}</span> '
        f"{escape(layer.title)}, {escape(ends)}: {escape(layer.seen)}{evidence}</li>"
    )
