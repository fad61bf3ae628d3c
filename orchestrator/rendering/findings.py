"""Findings as text for people and as documents for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.checks.causes import ExplainedChecks, shared_causes
from orchestrator.checks.findings import Finding
from orchestrator.checks.verdict import worst
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.walk import same_cause_text, walk_text

MARKS = {"pass": "pass   ", "fail": "FAIL   ", "unknown": "UNKNOWN"}
SYMBOLS = {"pass": "✓ pass   ", "fail": "✗ FAIL   ", "unknown": "? UNKNOWN"}
COLOURS = {"pass": "32", "fail": "31", "unknown": "33"}


def terminal_marks(*, symbols: bool, colour: bool) -> dict[str, str]:
    """The marks of the verdicts for a terminal; a pipe gets MARKS."""
    marks = SYMBOLS if symbols else MARKS
    return {verdict: f"\x1b[{COLOURS[verdict]}m{mark}\x1b[0m" if colour else mark for verdict, mark in marks.items()}


def findings_text(findings: Sequence[Finding], *, briefly: bool = False, marks: Mapping[str, str] = MARKS) -> str:
    """Causes of several checks first, each with one walk and its checks; then all other findings in their order.

    `briefly`: a check that holds, or that such a cause explains, is one line.
    """
    causes = shared_causes(findings)
    parts = [_cause_text(cause, marks, briefly=briefly) for cause in causes]
    for finding in findings:
        if any(finding in cause for cause in causes):
            continue
        held = briefly and finding.verdict == "pass"
        parts.append(held_text(finding, marks) if held else finding_text(finding, marks=marks))
    return "\n".join(parts)


def reasons_text(findings: Sequence[Finding], *, briefly: bool, marks: Mapping[str, str] = MARKS) -> str:
    """The same of findings that do not hold, whose lines were printed already: one cause of all needs no list."""
    causes = shared_causes(findings)
    if briefly and len(causes) == 1 and len(causes[0].findings) == len(findings):
        return "\n".join((cause_sentence(causes[0]), walk_text(causes[0].walk, sentence=False), ""))
    return findings_text(findings, briefly=briefly, marks=marks)


def _cause_text(cause: ExplainedChecks, marks: Mapping[str, str], *, briefly: bool) -> str:
    """One cause: the walk of the first check that it explains, then these checks."""
    lines = [cause_sentence(cause), walk_text(cause.walk, sentence=False)]
    for finding in cause.findings:
        if briefly:
            lines.append(verdict_line(finding, marks))
        else:
            lines += _judgement_lines(finding, marks)
    return "\n".join([*lines, ""])


def cause_sentence(cause: ExplainedChecks) -> str:
    """What explains how many checks."""
    return f"One cause explains {counted(len(cause.findings), 'check')}: {cause.walk.sentence}"


def finding_text(finding: Finding, earlier: str = "", marks: Mapping[str, str] = MARKS) -> str:
    """The check's sentence with its verdict; what was expected where it does not hold; the evidence; and the walk.

    `earlier` is the check whose walk has explained the same cause already.
    """
    lines = _judgement_lines(finding, marks)
    if finding.why:
        lines.append(same_cause_text(finding.why, earlier) if earlier else walk_text(finding.why))
    return "\n".join(lines)


def _judgement_lines(finding: Finding, marks: Mapping[str, str]) -> list[str]:
    judgement = finding.judgement
    lines = [f"{marks[finding.verdict]} {finding.check}"]
    if finding.verdict != "pass":
        lines.append(f"          expected: {judgement.expected}")
    lines.append(f"          {'seen' if finding.verdict == 'pass' else 'but seen'}: {judgement.actual}")
    return lines + [f"          evidence: {line}" for line in judgement.evidence]


def verdict_line(finding: Finding, marks: Mapping[str, str] = MARKS) -> str:
    """One line for a check: its sentence, and what was seen where it does not hold."""
    seen = "" if finding.verdict == "pass" else f": {finding.judgement.actual}"
    return f"{marks[finding.verdict]} {finding.check}{seen}"


def held_text(finding: Finding, marks: Mapping[str, str] = MARKS) -> str:
    """One line for a check that holds, with what its walk says."""
    reason = finding.why.sentence if finding.why else ""
    return f"{marks[finding.verdict]} {finding.check}: {reason}".rstrip(": ")


def summary_text(findings: Sequence[Finding], seconds: float) -> str:
    """How many checks there were, and how they ended."""
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in ("pass", "fail", "unknown")}
    words = {"pass": "passed", "fail": "failed", "unknown": "unknown"}
    parts = [f"{counts[v]} {words[v]}" for v in counts if counts[v] or v == "pass"]
    return f"{counted(len(findings), 'check')}: {', '.join(parts)} in {seconds:.1f} s"


def findings_document(scenario: str, lab: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """As `wirelab check --json` prints it."""
    return {
        "schema": 1,
        "scenario": scenario,
        "lab": lab,
        "verdict": worst(f.verdict for f in findings),
        "findings": [f.document() for f in findings],
    }
