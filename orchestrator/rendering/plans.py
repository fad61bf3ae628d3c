"""Plans and their steps as text."""

from __future__ import annotations

from orchestrator.planning.plan import AwaitReady, Plan, Step, WriteFiles

MARKS = {"done": "ok", "failed": "FAILED", "skipped": "skipped", "begun": "..."}


def plan_text(plan: Plan) -> str:
    """A line a step; a sentence where there is nothing to do."""
    return str(plan) if plan else f"nothing to do: the lab {plan.lab!r} is as its file declares"


def event_text(step: Step, state: str, seconds: float) -> str:
    """What to tell when a step changed its state; empty where there is nothing worth a line."""
    if state == "begun" or (state == "done" and isinstance(step.action, WriteFiles)):
        return ""
    what = f"{step.id} {step.shows}".rstrip()
    if state == "done" and isinstance(step.action, AwaitReady):
        what = step.id
    return f"  {seconds:6.2f}s  {MARKS[state]:7}  {what}" + (f"  ({step.why})" if state != "done" else "")
