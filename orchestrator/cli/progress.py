"""Progress for whoever waits: a line when a step is done, plain in a pipe, on standard error."""

from __future__ import annotations

from orchestrator.cli.console import say
from orchestrator.events import Event, StepEvent


def print_step(event: Event) -> None:
    """Print a line for a step that ended, where it is worth one."""
    from orchestrator.rendering.plans import step_text

    if isinstance(event, StepEvent) and (text := step_text(event)):
        say(text)
