"""What a step of a plan means for the journal: its own event, and what it made of a node or of the capture."""

from __future__ import annotations

from typing import Literal

from orchestrator.events import CaptureEvent, NodeEvent, StepEvent
from orchestrator.planning import plan as actions
from orchestrator.planning.plan import Step

StepState = Literal["begun", "done", "failed", "skipped"]
NodeState = Literal["starting", "ready", "running", "stopped", "paused", "removed"]
NODE_STATES: dict[type, NodeState] = {
    actions.MakeNode: "starting",
    actions.StartNode: "starting",
    actions.StopNode: "stopped",
    actions.PauseNode: "paused",
    actions.UnpauseNode: "running",
    actions.AwaitReady: "ready",
    actions.RemoveNode: "removed",
}


def step_event(step: Step, state: StepState, seconds: float, error: Exception | None = None) -> StepEvent:
    """The step in its new state."""
    action = type(step.action).__name__
    return StepEvent(step.id, state, round(seconds, 3), action, step.why, step.shows, str(error) if error else "")


def effect_of(step: Step) -> NodeEvent | CaptureEvent | None:
    """What the step has changed now that it is done; None where that is nothing to tell by itself."""
    node: str = getattr(step.action, "node", "")
    state = NODE_STATES.get(type(step.action))
    if isinstance(step.action, actions.MakeCapture):
        return CaptureEvent("started")
    return NodeEvent(node, state) if node and state else None
