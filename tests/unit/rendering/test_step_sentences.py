"""Steps of a plan as sentences: what they begin, have done, could not do."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.events import StepEvent
from orchestrator.planning import plan
from orchestrator.rendering.step_sentences import FORMS, step_sentence

STEPS: tuple[tuple[StepEvent, str], ...] = (
    (
        StepEvent("network:lab", "begun", 0, "MakeNetwork", "missing"),
        "begins to make the network lab (there is none yet)",
    ),
    (
        StepEvent("network:lab", "done", 0.09, "MakeNetwork", "missing"),
        "made the network lab, 0.09 s after the first step began",
    ),
    (
        StepEvent("files:dns", "begun", 0, "WriteFiles", "missing"),
        "begins to write the files of dns (there are none yet)",
    ),
    (
        StepEvent("files:dns", "begun", 0, "WriteFiles", "zone differs"),
        "begins to write the files of dns (zone differs)",
    ),
    (StepEvent("ready:dns", "begun", 0, "AwaitReady", "dns:53"), "begins to wait until dns is ready (probe: dns:53)"),
    (StepEvent("ready:client", "begun", 0, "AwaitReady", "none"), "begins to wait until client is ready"),
    (StepEvent("ready:dns", "done", 2, "AwaitReady", "dns:53"), "found dns ready, 2.00 s after the first step began"),
    (StepEvent("ready:db", "failed", 2, "AwaitReady", "no answer"), "could not wait until db is ready: no answer"),
    (StepEvent("node:db", "skipped", 2, "MakeNode", "network:lab failed"), "did not make db: network:lab failed"),
    (StepEvent("remove:wirelab-my-lab_db", "begun", 0, "RemoveNode", "down"), "begins to remove db"),
    (StepEvent("remove:volume:b_db-29d8", "begun", 0, "RemoveVolume", "down"), "begins to remove the volume b_db-29d8"),
    (StepEvent("leave:lab:wirelab-b_db", "begun", 1, "LeaveNetwork", "down"), "begins to take db off the network lab"),
    (
        StepEvent("leave:db:0123456789ab", "begun", 0, "LeaveNetwork", "moved"),
        "begins to take db off a network (moved)",
    ),
    (
        StepEvent("connect:app:back", "begun", 0, "Reconnect", "fault"),
        "begins to connect app to the network back (fault)",
    ),
    (StepEvent("tide:sea", "begun", 0, "TurnTide", "moon"), "begins to do tide:sea (moon)"),
)


@pytest.mark.parametrize(("event", "sentence"), STEPS, ids=[sentence[:30] for _, sentence in STEPS])
def test_a_step_is_told_in_a_sentence(event: StepEvent, sentence: str) -> None:
    assert step_sentence(event) == sentence


def test_each_action_has_its_words() -> None:
    actions = {action.__name__ for action in get_args(plan.Action)}
    assert actions - {plan.LeaveNetwork.__name__} == set(FORMS)
