"""Progress for whoever waits: a line when a step is done, plain in a pipe, on standard error."""

from __future__ import annotations

from orchestrator.checks.findings import Finding
from orchestrator.cli.console import say
from orchestrator.lab.step_events import StepEvent
from orchestrator.rendering.findings import finding_text
from orchestrator.rendering.plans import event_text


def tell(event: StepEvent) -> None:
    """One line for a step that ended; the begin of a wait is told too, for it may take long."""
    text = event_text(event.step, event.state, event.seconds)
    if text:
        say(text)


def tell_finding(finding: Finding) -> None:
    say(finding_text(finding))
