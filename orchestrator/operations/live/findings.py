"""The findings of a lab that somebody watches, as the events of its journal change them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.walk import Walk
from orchestrator.events import CauseEvent, FindingEvent


def with_event(
    findings: Mapping[str, Finding], event: FindingEvent | CauseEvent, checks: Collection[str]
) -> dict[str, Finding]:
    """The findings after an event of the journal. A finding that is known whole is not replaced by its short form."""
    known = findings.get(event.check)
    if event.check not in checks:
        return dict(findings)
    if isinstance(event, FindingEvent):
        judgement = Judgement(event.verdict, event.expected, event.actual, event.evidence)
        if known and known.judgement == judgement:
            return dict(findings)
        finding = Finding(event.check, event.check_kind, event.node, judgement, event.seconds)
        return {**findings, event.check: finding}
    if known is None or known.why:
        return dict(findings)
    return {**findings, event.check: replace(known, why=Walk((), None, event.sentence, ""))}
