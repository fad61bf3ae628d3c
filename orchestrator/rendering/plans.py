"""Plans and their steps as text."""

from __future__ import annotations

from orchestrator.events import StepEvent
from orchestrator.planning.plan import AwaitReady, Plan, WriteFiles

MARKS = {"done": "ok", "failed": "FAILED", "skipped": "skipped", "begun": "..."}


def plan_text(plan: Plan) -> str:
    """A line a step; a sentence where there is nothing to do."""
    return str(plan) if plan else f"nothing to do: the lab {plan.lab!r} is as its file declares"


def step_text(event: StepEvent) -> str:
    """What to tell when a step changed its state; empty where there is nothing worth a line."""
    if event.state == "begun" or (event.state == "done" and event.action == WriteFiles.__name__):
        return ""
    what = f"{event.step} {event.detail}".rstrip()
    if event.state == "done" and event.action == AwaitReady.__name__:
        what = event.step
    return f"  {event.seconds:6.2f}s  {MARKS[event.state]:7}  {what}" + (
        f"  ({event.why})" if event.state != "done" else ""
    )
