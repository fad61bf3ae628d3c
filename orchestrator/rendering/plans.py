"""Plans and their steps as text."""

from __future__ import annotations

import textwrap

from orchestrator.events import StepEvent
from orchestrator.planning.plan import AwaitReady, KeepCredentials, KeepPassword, Plan, Step, WriteFiles

WIDTH = 80
BELOW = "    "
# The actions that are done at once; only their failure is worth a line.
QUIET = (KeepPassword.__name__, KeepCredentials.__name__, WriteFiles.__name__)

MARKS = {"done": "ok", "failed": "FAILED", "skipped": "skipped", "begun": "..."}


def plan_text(plan: Plan, width: int = WIDTH) -> str:
    """A line a step, and what it needs beside it or, where the line would be too long, below it.

    A sentence where there is nothing to do.
    """
    if not plan:
        return f"nothing to do: the lab {plan.lab!r} is as its file declares"
    return "\n".join(_plan_step(step, width) for step in plan.steps)


def _plan_step(step: Step, width: int) -> str:
    needs = f"needs: {', '.join(step.needs)}" if step.needs else ""
    line = f"{step}  {needs}".rstrip()
    if len(line) <= width or not needs:
        return line
    below = textwrap.wrap(
        needs,
        width,
        initial_indent=BELOW,
        subsequent_indent=BELOW + " " * len("needs: "),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join((str(step), *below))


def step_text(event: StepEvent) -> str:
    """What to tell when a step changed its state; empty where there is nothing worth a line."""
    if event.state == "begun" or (event.state == "done" and event.action in QUIET):
        return ""
    what = f"{event.step} {event.detail}".rstrip()
    if event.state == "done" and event.action == AwaitReady.__name__:
        what = event.step
    return f"  {event.seconds:6.2f}s  {MARKS[event.state]:7}  {what}" + (
        f"  ({event.why})" if event.state != "done" else ""
    )
