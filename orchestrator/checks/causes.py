"""Causes: findings that fail for the same reason, so that each reason is explained once."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.checks.findings import Finding
from orchestrator.checks.walk import Walk
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class ExplainedChecks:
    """The findings that one cause explains, in their order; `walk` is that of the first."""

    walk: Walk
    findings: tuple[Finding, ...]

    def __contains__(self, finding: Finding) -> bool:
        return any(finding is member for member in self.findings)


def group_by_cause(findings: Iterable[Finding]) -> tuple[ExplainedChecks, ...]:
    """The findings that do not hold and whose cause is known, grouped by it, in the order of their first ones."""
    groups: dict[tuple[str, ...], list[tuple[Walk, Finding]]] = {}
    for finding in findings:
        if finding.verdict != "pass" and finding.why and (key := _cause_key(finding.why)):
            groups.setdefault(key, []).append((finding.why, finding))
    return tuple(ExplainedChecks(group[0][0], tuple(finding for _, finding in group)) for group in groups.values())


def shared_causes(findings: Iterable[Finding]) -> tuple[ExplainedChecks, ...]:
    """The causes that explain more than one finding."""
    return tuple(group for group in group_by_cause(findings) if len(group.findings) > 1)


def explained_before(finding: Finding, causes: Iterable[ExplainedChecks]) -> str:
    """The check whose walk explains this finding too; empty where the finding's own walk is to be shown."""
    first = next((group.findings[0] for group in causes if finding in group), finding)
    return "" if first is finding else first.check


def _cause_key(walk: Walk) -> tuple[str, ...]:
    """What two walks with one cause have in common; empty where nothing is known to be broken."""
    layer = walk.broken
    if layer is None:
        return ()
    cause = layer.causes[0]
    if layer.name == "node" and cause.what:  # "db is stopped", whoever wants to reach it
        return (layer.name, cause.what)
    return (layer.name, layer.asker, layer.target, cause.what or cause.sentence)
