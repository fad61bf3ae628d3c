"""Build the images of a plan, with an event for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from orchestrator.events import Event
from orchestrator.lab.step_events import step_event
from orchestrator.planning.plan import BuildImage, Plan, Step

Publish = Callable[[Event], None]


def build_images(
    plan: Plan,
    build: Callable[[Sequence[str]], object],
    find_missing: Callable[[Sequence[str]], tuple[str, ...]],
    publish: Publish,
) -> Plan:
    """Build what the plan builds, side by side, and return its other steps.

    In this thread, not in the executor's: Ctrl-C ends it at once, and waits for no build. If a build fails, the steps
    of what is still missing failed, and the rest of the plan is skipped.
    """
    names = {step.id: step.action.image for step in plan.steps if isinstance(step.action, BuildImage)}
    if not names:
        return plan
    began = time.monotonic()
    steps = [step for step in plan.steps if step.id in names]
    rest = plan.without(names)
    for step in steps:
        publish(step_event(step, "begun", 0.0))
    try:
        build(list(names.values()))
    except Exception as error:
        missing = find_missing(list(names.values()))
        failed = {step_id for step_id, name in names.items() if name in missing}
        _publish_ends(steps, time.monotonic() - began, publish, failed, error)
        for step in rest.steps:
            publish(step_event(step, "skipped", time.monotonic() - began))
        raise
    _publish_ends(steps, time.monotonic() - began, publish)
    return rest


def _publish_ends(
    steps: Sequence[Step],
    seconds: float,
    publish: Publish,
    failed: Collection[str] = (),
    error: Exception | None = None,
) -> None:
    for step in steps:
        if step.id in failed:
            publish(step_event(step, "failed", seconds, error))
        else:
            publish(step_event(step, "done", seconds))
