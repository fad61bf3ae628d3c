"""The process of a lesson dies: the next `wirelab learn` goes on there, with the same question and the same fault."""

from __future__ import annotations

import re
import signal
import time

import pytest
from lab_bench import DEADLINE, Bench
from learner import HELP, Learner

CHOICE = re.compile(r"^ +\d+ +(.+)$", re.MULTILINE)


def faults(bench: Bench) -> list[str]:
    """The faults that are in the lab."""
    return [line.split()[0] for line in bench.cli("faults").out.splitlines() if line.startswith("record-")]


def killed(learner: Learner, number: signal.Signals) -> None:
    learner.process.send_signal(number)
    learner.process.wait(DEADLINE)


@pytest.mark.waits
def test_a_killed_lesson_goes_on_with_its_question_and_breaks_the_lab_once(bench: Bench) -> None:
    """By SIGKILL in a question, by SIGKILL while a task breaks the lab, and by SIGHUP as its terminal is closed."""
    with Learner(bench, seed=11) as learner:
        learner.types("restore order")
        learner.hears("task 5 of 8")
        learner.types("help")
        learner.hears(HELP)
        choices = CHOICE.findall(learner.said.rpartition("task 5 of 8")[2])
        assert len(choices) >= 6
        killed(learner, signal.SIGKILL)
    with Learner(bench, seed=11) as learner:
        learner.hears("task 5 of 8")
        learner.types("help")
        learner.hears(HELP)
        assert CHOICE.findall(learner.said.rpartition("task 5 of 8")[2]) == choices
        learner.types("restore repair")
        until = time.monotonic() + DEADLINE
        while not faults(bench) and time.monotonic() < until:
            continue
        killed(learner, signal.SIGKILL)  # the task may have told what is to be done, or not yet
    for number in (signal.SIGHUP, None):
        with Learner(bench, seed=11) as learner:
            learner.hears("task 8 of 8")
            assert faults(bench) == ["record-app.shop.lab"]
            if number:
                killed(learner, number)
                continue
            assert bench.cli("heal").code == 0
            learner.hears("done: The app answers by its name")
            assert learner.ends() == 0
    assert faults(bench) == []
