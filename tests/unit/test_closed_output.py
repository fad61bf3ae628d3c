"""A command that follows something ends when nobody reads its output any more, also while it writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.closed_output import ends_with_its_reader
from orchestrator.errors import INTERRUPTED

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def following(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`events -f` of a lab in which nothing happens."""
    environ = {**os.environ, "WIRELAB_STATE": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    argv = (sys.executable, "-m", "orchestrator", "events", "basic", "-f")
    running = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield running
    running.kill()
    running.communicate()


def test_it_ends_with_its_reader(following: subprocess.Popen[bytes]) -> None:
    assert following.stdout
    assert following.stderr
    following.stdout.close()
    assert following.wait(30) == INTERRUPTED
    assert b"Traceback" not in following.stderr.read()


def test_it_stays_while_somebody_may_read(following: subprocess.Popen[bytes]) -> None:
    time.sleep(2)
    assert following.poll() is None


def test_what_has_ended_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a file, which has no reader."""
    read, write = os.pipe()
    told: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: told.append(number))
    try:
        with os.fdopen(write, "w") as pipe:
            monkeypatch.setattr(sys, "stdout", pipe)
            with ends_with_its_reader():
                pass
            os.close(read)
            time.sleep(0.7)
        with open(os.devnull, "w") as nobody:
            monkeypatch.setattr(sys, "stdout", nobody)
            with ends_with_its_reader():
                time.sleep(0.7)
    finally:
        monkeypatch.undo()
        signal.signal(signal.SIGINT, before)
    assert told == []
