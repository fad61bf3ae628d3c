"""Runs for tests: one whose process lives, and one whose process has died."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.run_registry import Run


@contextmanager
def alive(state: StateFolder) -> Iterator[str]:
    """A run whose process lives."""
    run = Run(state)
    run.begin()
    yield run.id
    run.end()


def dead(state: StateFolder) -> str:
    """A run whose process died."""
    run = Run(state).id
    (state.private(state.root / "runs") / run).touch()
    return run
