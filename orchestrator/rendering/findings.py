"""Findings as text for people and as documents for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.checks.findings import Finding
from orchestrator.checks.verdict import worst
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.walk import course, same_walk_text, walk_text

MARKS = {"pass": "pass   ", "fail": "FAIL   ", "unknown": "UNKNOWN"}
SYMBOLS = {"pass": "✓ pass   ", "fail": "✗ FAIL   ", "unknown": "? UNKNOWN"}
COLOURS = {"pass": "32", "fail": "31", "unknown": "33"}


def terminal_marks(*, symbols: bool, colour: bool) -> dict[str, str]:
    """The marks of the verdicts for a terminal; a pipe gets MARKS."""
    marks = SYMBOLS if symbols else MARKS
    return {verdict: f"\x1b[{COLOURS[verdict]}m{mark}\x1b[0m" if colour else mark for verdict, mark in marks.items()}


def findings_text(findings: Sequence[Finding], *, briefly: bool = False, marks: Mapping[str, str] = MARKS) -> str:
    """All findings in their order; `briefly`: causes of several checks first, and one line for a check that holds."""
    if briefly:
        return _brief_text(findings, marks)
    printed: dict[tuple[object, ...], str] = {}
    lines = []
    for finding in findings:
        earlier = printed.setdefault(course(finding.why), finding.check) if finding.why else finding.check
        lines.append(finding_text(finding, earlier if earlier != finding.check else "", marks))
    return "\n".join(lines)


def _brief_text(findings: Sequence[Finding], marks: Mapping[str, str]) -> str:
    """Each cause that explains several checks with one walk and those checks; then all other findings."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        if cause := _cause_key(finding):
            groups.setdefault(cause, []).append(finding)
    shared = [group for group in groups.values() if len(group) > 1]
    explained = {id(finding) for group in shared for finding in group}
    lines = [_cause_text(group, marks) for group in shared]
    for finding in findings:
        if id(finding) not in explained:
            lines.append(held_text(finding, marks) if finding.verdict == "pass" else finding_text(finding, "", marks))
    return "\n".join(lines)


def _cause_key(finding: Finding) -> tuple[str, ...]:
    """What two findings with one cause have in common; empty where nothing is known to be broken."""
    if finding.verdict == "pass" or finding.why is None or finding.why.broken is None:
        return ()
    layer = finding.why.broken
    cause = layer.causes[0]
    if layer.name == "node" and cause.what:  # "db is stopped", whoever wants to reach it
        return (layer.name, cause.what)
    return (layer.name, layer.asker, layer.target, cause.what or cause.sentence)


def _cause_text(group: Sequence[Finding], marks: Mapping[str, str]) -> str:
    """One cause: the walk of the first check that it explains, then a line for each of these checks."""
    walk = group[0].why
    assert walk is not None
    lines = [f"One cause explains {len(group)} checks: {walk.sentence}", walk_text(walk, sentence=False)]
    for finding in group:
        lines.append(f"{marks[finding.verdict]} {finding.check}: {finding.judgement.actual}")
    return "\n".join([*lines, ""])


def finding_text(finding: Finding, earlier: str = "", marks: Mapping[str, str] = MARKS) -> str:
    """The check's sentence with its verdict; what was expected where it does not hold; the evidence; and the walk.

    `earlier` is the check under which the same walk was told already.
    """
    judgement = finding.judgement
    lines = [f"{marks[finding.verdict]} {finding.check}"]
    if finding.verdict != "pass":
        lines.append(f"          expected: {judgement.expected}")
    lines.append(f"          {'seen' if finding.verdict == 'pass' else 'but seen'}: {judgement.actual}")
    lines += [f"          evidence: {line}" for line in judgement.evidence]
    if finding.why:
        lines.append(same_walk_text(finding.why, earlier) if earlier else walk_text(finding.why))
    return "\n".join(lines)


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
