"""Runs: each command that makes something has an id, which everything it makes carries as a label.

While the command lives it holds a locked file named after the run. A run whose file is there but not locked is dead:
what bears its label may go (`wirelab sweep`). A run that ended well has no file: its lab stands.

A second command may complete what a dead run began, and labels cannot be changed. So each lab lists its retired runs:
whatever becomes of these, nothing of the lab is removed.

An id begins with the mark of the state folder: people who share an engine have labs of the same name, and each has the
files of his own only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import ForeignLab
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lock import hold
from orchestrator.planning import labels


def mark_of(state: StateFolder) -> str:
    """Which user's which state folder it is."""
    return hashlib.sha256(f"{os.getuid()} ".encode() + os.fsencode(state.root)).hexdigest()[:8]


def is_foreign(state: StateFolder, object_labels: Mapping[str, str]) -> bool:
    """Whether labels are those of a run of another state folder; an id without a mark tells nothing."""
    mark, dash, _ = object_labels.get(labels.RUN, "").partition("-")
    return bool(dash) and mark != mark_of(state)


def refuse_foreign(state: StateFolder, lab: str, objects: Iterable[Mapping[str, str]]) -> None:
    """Raises ForeignLab where things of this lab belong to another state folder: their files are not ours to change."""
    if any(is_foreign(state, object_labels) for object_labels in objects):
        raise ForeignLab(
            f"a lab {lab!r} of somebody else stands on this engine",
            why=f"it was made by another user or with another state folder than {state.root}",
            hint=f"another name for your own: --lab {lab}-2 (or WIRELAB_STATE, if that lab is yours)",
        )


RETIRED_FILE = "retired"
# A run gets its name within a moment. Nobody opens a younger file, because trying its lock would take the lock away.
UNNAMED_SECONDS = 60.0


class Run:
    """One command's claim on what it makes, on the engine of one member, or with an empty name on the one in use."""

    def __init__(self, state: StateFolder, member: str = "") -> None:
        self._state = state
        self._member = member
        self.id = f"{mark_of(state)}-{secrets.token_hex(6)}"
        self._held: int | None = None

    @property
    def _path(self) -> Path:
        return self._state.root / "runs" / self.id

    def begin(self) -> None:
        """From now on, if this process dies, what bears the run's label is a dead run's."""
        self._state.private(self._path.parent)
        # Held before it has its name: who looks for dead runs never meets a file that nobody holds yet.
        unnamed = self._path.with_name(f".{self.id}")
        try:
            self._held = hold(unnamed, self._member)
            unnamed.rename(self._path)
        except OSError:  # a disk that is full
            unnamed.unlink(missing_ok=True)
            raise

    def end(self) -> None:
        """What bears the run's label stands by itself, or is gone."""
        if self._held is None:
            return
        with suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._held)
        self._held = None


def run_member(state: StateFolder, run: str) -> str:
    """The member on whose engine a run makes things; empty for the engine in use."""
    try:
        _, _, member = (state.root / "runs" / run).read_text().partition(" ")
    except (OSError, ValueError):
        return ""
    return member


def dead_runs(state: StateFolder) -> Iterator[str]:
    """The ids of runs whose process died before it was done."""
    folder = state.root / "runs"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            _forget_unnamed(path)
        elif _is_dead(path):
            yield path.name


def _forget_unnamed(path: Path) -> None:
    """Remove the file of a process that was killed before its run had a name: it made nothing. A young file stays."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > UNNAMED_SECONDS and _is_dead(path):
            path.unlink()


def is_dead(state: StateFolder, run: str) -> bool:
    """Whether the process of this run died before it was done."""
    return bool(run) and _is_dead(state.root / "runs" / run)


def is_alive(state: StateFolder, run: str) -> bool:
    """Whether the process of this run is still at work."""
    return bool(run) and not ended_well(state, run) and not is_dead(state, run)


def ended_well(state: StateFolder, run: str) -> bool:
    """Whether the run has ended by itself, so that what it made stands."""
    return not (state.root / "runs" / run).exists()


def retire_runs(state: StateFolder, lab: str, runs: Iterable[str]) -> None:
    """Let the lab outlive these runs. The caller holds the lab's lock."""
    with (state.private(state.labs / lab) / RETIRED_FILE).open("a") as file:
        file.writelines(f"{run}\n" for run in runs)


def is_retired(state: StateFolder, lab: str, run: str) -> bool:
    """Whether the lab outlives this run."""
    with suppress(OSError, ValueError):
        return run in (state.labs / lab / RETIRED_FILE).read_text().splitlines()
    return False


def _is_dead(path: Path) -> bool:
    """Whether the file is there and nobody holds it; a run that ends well while we look has taken it away.

    The lock is a shared one, so that two processes may look at the same time.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_nlink > 0
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def forget_run(state: StateFolder, run: str) -> None:
    """A dead run of which nothing is left."""
    with suppress(FileNotFoundError):
        (state.root / "runs" / run).unlink()
