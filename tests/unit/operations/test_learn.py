"""What `learn` waits for before a lesson begins."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import NotFound, TookTooLong, WirelabError
from orchestrator.operations.learn import await_listening

TEXT: Any = SimpleNamespace(lesson=SimpleNamespace(shell=("client",)))


class Traffic:
    """The packets of a lab, the first of which is read when a program has run some times."""

    failure = None

    def __init__(self, errors: list[WirelabError]) -> None:
        self.listening = threading.Event()
        self._errors = errors
        self.lab: Any = SimpleNamespace(
            node=lambda _name: SimpleNamespace(run_unrecorded=self._run),
            made=SimpleNamespace(scenario=SimpleNamespace(domain="lab")),
        )

    def _run(self, *_argv: str, seconds: float) -> None:
        assert seconds
        if self._errors:
            raise self._errors.pop()
        self.listening.set()


def test_a_program_that_takes_too_long_on_a_busy_machine_is_run_again() -> None:
    traffic: Any = Traffic([TookTooLong("getent took too long")])
    await_listening(traffic, traffic.lab, TEXT)
    assert traffic.listening.is_set()


def test_a_lab_that_is_gone_ends_the_wait() -> None:
    traffic: Any = Traffic([NotFound("no container")])
    with pytest.raises(NotFound):
        await_listening(traffic, traffic.lab, TEXT)
