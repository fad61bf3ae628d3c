"""Findings as text for people and as documents for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.judging.findings import Finding, worst
from orchestrator.showing.walk import walk_text

MARKS = {"pass": "pass   ", "fail": "FAIL   ", "unknown": "UNKNOWN"}


def finding_text(finding: Finding) -> str:
    """The check's sentence with its verdict; what was expected where it does not hold; the evidence; and the walk."""
    judgement = finding.judgement
    lines = [f"{MARKS[finding.verdict]} {finding.check}"]
    if finding.verdict != "pass":
        lines.append(f"          expected: {judgement.expected}")
    lines.append(f"          {'seen' if finding.verdict == 'pass' else 'but seen'}: {judgement.actual}")
    lines += [f"          evidence: {line}" for line in judgement.evidence]
    if finding.why:
        lines.append(walk_text(finding.why))
    return "\n".join(lines)


def held_text(finding: Finding) -> str:
    """One line for a check that holds, with what its walk says."""
    said = finding.why.sentence if finding.why else ""
    return f"{MARKS[finding.verdict]} {finding.check}: {said}".rstrip(": ")


def summary_text(findings: Sequence[Finding], seconds: float) -> str:
    """How many checks there were, and how they ended."""
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in ("pass", "fail", "unknown")}
    words = {"pass": "passed", "fail": "failed", "unknown": "unknown"}
    parts = [f"{counts[v]} {words[v]}" for v in counts if counts[v] or v == "pass"]
    noun = "check" if len(findings) == 1 else "checks"
    return f"{len(findings)} {noun}: {', '.join(parts)} in {seconds:.1f} s"


def findings_document(scenario: str, lab: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """As `wirelab check --json` prints it."""
    return {
        "schema": 1,
        "scenario": scenario,
        "lab": lab,
        "verdict": worst(f.verdict for f in findings),
        "findings": [f.document() for f in findings],
    }
