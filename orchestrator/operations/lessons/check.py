"""Judge the check of a task again and again, quietly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.events import Event, ProbeEvent
from orchestrator.model.checks import BindCheck, NodeCheck

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.probe_log import OnProbe
    from orchestrator.lessons.lesson import HoldsTask

# For the tries of a check, mostly one: a task that does not hold yet is judged again and again.
CHECK_SECONDS = 0.05
# Between two judgements of a check, while the learner tries nothing and nobody works on the lab. An attempt beside the
# probes of a check cannot be told from them, so a check that sends packets is judged rarely.
PAUSE_SECONDS = 8.0
QUIET_PAUSE_SECONDS = 1.0


def judge_quietly(lab: Lab, task: HoldsTask, on_probe: OnProbe) -> tuple[Finding, tuple[ProbeEvent, ...]]:
    """Judge the check once; the finding, and when it probed. That this is done again and again is no other news."""
    probes: list[ProbeEvent] = []

    def keep(event: Event) -> None:
        if isinstance(event, ProbeEvent):
            probes.append(event)

    quiet = replace(lab, settings=replace(lab.settings, publish=keep, on_probe=on_probe))
    check = task.holds.model_copy(update={"within": CHECK_SECONDS})
    return quiet.judge([check], is_tried_once=True)[0], tuple(probes)


def pause_after(task: HoldsTask) -> float:
    """Seconds until the check is judged again without a reason."""
    sends_packets = isinstance(task.holds, NodeCheck) and not isinstance(task.holds, BindCheck)
    return PAUSE_SECONDS if sends_packets else QUIET_PAUSE_SECONDS
