"""Progress for whoever waits: a line when a step is done, plain in a pipe, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.console import say

if TYPE_CHECKING:
    from orchestrator.lab.step_events import StepEvent


def print_step(event: StepEvent) -> None:
    """Print a line for a step that ended, where it is worth one."""
    from orchestrator.rendering.plans import event_text

    text = event_text(event.step, event.state, event.seconds)
    if text:
        say(text)
