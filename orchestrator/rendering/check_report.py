"""What one run of checks proved, as JUnit output and the report show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.checks.findings import Finding
from orchestrator.checks.verdict import Verdict, worst
from orchestrator.model.checks import BaseCheck
from orchestrator.model.scenario import Scenario
from orchestrator.reading.reading import Path, Position


@dataclass(frozen=True)
class LocatedFinding:
    """A finding, and where its check stands in the scenario's file."""

    finding: Finding
    position: Position


@dataclass(frozen=True)
class CheckReport:
    """The findings of one run. `at` is the time of its beginning, in UTC, as 2026-01-31T12:00:00; `seconds` how long
    it took; `versions` what took part in it, by name."""

    scenario: str
    title: str
    lab: str
    file: str
    findings: tuple[LocatedFinding, ...]
    at: str
    seconds: float
    versions: Mapping[str, str]

    @property
    def verdict(self) -> Verdict:
        return worst(locate_findings.finding.verdict for locate_findings in self.findings)

    def counted(self, verdict: Verdict) -> int:
        """How many checks ended so."""
        return sum(locate_findings.finding.verdict == verdict for locate_findings in self.findings)

    def place(self, locate_findings: LocatedFinding) -> str:
        """file:line:column of a check, as an editor takes it."""
        return f"{self.file}:{locate_findings.position.line}:{locate_findings.position.column}"


def locate_findings(
    scenario: Scenario, checks: Sequence[BaseCheck], findings: Sequence[Finding], positions: Mapping[Path, Position]
) -> tuple[LocatedFinding, ...]:
    """Each finding with the place of its check; `positions` are those of the file that was read."""
    numbers = {id(check): number for number, check in enumerate(scenario.checks)}
    return tuple(
        LocatedFinding(finding, positions.get(("checks", numbers.get(id(check), -1)), Position(1, 1)))
        for check, finding in zip(checks, findings, strict=True)
    )
