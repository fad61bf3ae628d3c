"""Who works in a terminal is told that the engine does not answer, and that it does again."""

from __future__ import annotations

import threading

from orchestrator.errors import WirelabError
from orchestrator.operations.engine_answers import tell_answers

DEADLINE = 60.0


def test_an_engine_that_answers_is_told_so() -> None:
    told: list[bool] = []
    tell_answers(lambda: None, told.append)
    assert told == [True]


def test_a_late_engine_is_told_while_it_is_late_and_again_when_it_answers() -> None:
    """The ping of this engine returns only when somebody was told."""
    told: list[bool] = []
    is_told = threading.Event()

    def ping() -> None:
        assert is_told.wait(DEADLINE)

    def tell(answers: bool) -> None:
        told.append(answers)
        is_told.set()

    tell_answers(ping, tell, late_seconds=0)
    assert told == [False, True]


def test_an_engine_that_is_away_does_not_answer() -> None:
    told: list[bool] = []

    def ping() -> None:
        raise WirelabError("the engine has gone")

    tell_answers(ping, told.append)
    assert told == [False]
