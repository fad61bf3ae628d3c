"""Findings as text for people and as documents for programs."""

from __future__ import annotations

from collections import Counter
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
    """All findings, `briefly` one line for what holds; a walk is told once, and last what explains several."""
    told: dict[tuple[object, ...], str] = {}
    lines = []
    for one in findings:
        if briefly and one.verdict == "pass":
            lines.append(held_text(one, marks))
            continue
        earlier = told.setdefault(course(one.why), one.check) if one.why else one.check
        lines.append(finding_text(one, earlier if earlier != one.check else "", marks))
    return "\n".join([*lines, *_causes(findings)])


def _causes(findings: Sequence[Finding]) -> list[str]:
    """A line for each sentence that explains several checks."""
    broken = [one.why for one in findings if one.why and one.why.broken and one.verdict != "pass"]
    counts = Counter(walk.sentence for walk in broken)
    return [f"One cause explains {count} checks: {cause}" for cause, count in counts.items() if count > 1]


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
    said = finding.why.sentence if finding.why else ""
    return f"{marks[finding.verdict]} {finding.check}: {said}".rstrip(": ")


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
