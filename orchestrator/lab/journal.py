"""The journal of a lab: one append-only stream of events, outside the lab's folder, so that it outlives the lab.

    <state>/journals/<lab>.jsonl      the events, a line each
    <state>/journals/<lab>.1.jsonl    the older ones; what was older still is gone

Several processes write at once. Each record is one write(2) to a file opened with O_APPEND, with a line feed before and
after it: what a killed process left half written ends there, and the next record is whole. A writer holds a shared lock
(flock(2)) on the file while it writes; the one that rotates holds it alone. Readers take no lock.

A journal that cannot be written is told once, and fails no command.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.errors import WirelabError
from orchestrator.events import Actor, Entry, Event
from orchestrator.host.state_folder import StateFolder

ROTATE_BYTES = 4 * 1024 * 1024  # of each of the two files
LARGEST_TEXT = 4096  # characters of one field
MOST_ITEMS = 32  # of a field that is a list
KEPT_SECONDS = 7 * 86400.0  # how long the journal of a removed lab stays
MOST_KEPT = 200  # journals of removed labs
LOCK_SECONDS = 1.0
HIDDEN = "***"
SHORTEST_SECRET = 6  # characters; a shorter text would hide ordinary words
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def journal_file(state: StateFolder, lab: str) -> Path:
    """The file to which events of a lab are written."""
    return state.root / "journals" / f"{lab}.jsonl"


def older_file(file: Path) -> Path:
    """The file that holds the events before those in `file`."""
    return file.with_suffix(".1.jsonl")


class Journal:
    """Writes the events of one lab. Opens its file when the first event is published."""

    def __init__(
        self,
        state: StateFolder,
        lab: str,
        actor: Actor,
        *,
        on_trouble: Callable[[str], None] = lambda _text: None,
        wall: Callable[[], float] = time.time,
        rotate_bytes: int = ROTATE_BYTES,
    ) -> None:
        self._state = state
        self._lab = lab
        self._actor = actor
        self._on_trouble = on_trouble
        self._wall = wall
        self._rotate_bytes = rotate_bytes
        self._file = journal_file(state, lab)
        self._descriptor: int | None = None
        self._secrets: frozenset[str] = frozenset()
        self._troubled = False
        self._lock = threading.Lock()

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on write `***` in place of these texts."""
        self._secrets |= {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}

    def publish(self, event: Event) -> None:
        """Append the event. Tells once if that is impossible, and raises nothing."""
        actor = self._actor
        entry = Entry(self._wall(), self._lab, self._without_secrets(event), actor.run, actor.via, actor.seat)
        record = f"\n{entry.to_json()}\n".encode(errors="replace")
        with self._lock:
            try:
                self._append(record)
            except (OSError, WirelabError) as error:
                self._tell(error)

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        with self._lock:
            self._close()

    def _append(self, record: bytes) -> None:
        descriptor = self._locked()
        try:
            written = os.write(descriptor, record)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        if written < len(record):
            raise OSError(28, "No space left on device", str(self._file))

    def _locked(self) -> int:
        """The journal's file, opened and locked: the one that bears its name now, for somebody may have rotated."""
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            descriptor = self._opened()
            # Once the file is full, each writer wants it alone, so that writers who never pause cannot put it off.
            full = os.fstat(descriptor).st_size > self._rotate_bytes
            if time.monotonic() > deadline:
                return descriptor  # a process that was stopped while it held the lock holds nobody up
            if not _try_lock(descriptor, fcntl.LOCK_EX if full else fcntl.LOCK_SH):
                time.sleep(0.001)
                continue
            is_current = _is_same_file(descriptor, self._file)
            if is_current and not full:
                return descriptor
            if is_current:
                os.replace(self._file, older_file(self._file))
            self._close()

    def _opened(self) -> int:
        if self._descriptor is None:
            self._state.private(self._file.parent)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._file, flags, 0o600)
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # and with it go its locks
            self._descriptor = None

    def _tell(self, error: OSError | WirelabError) -> None:
        self._close()
        if not self._troubled:
            self._troubled = True
            reason = error.strerror if isinstance(error, OSError) else error.what
            self._on_trouble(
                f"the events of the lab {self._lab!r} cannot be written: {reason}; the lab goes on without"
            )

    def _without_secrets(self, event: Event) -> Event:
        changes = {name: self._plain(value) for name, value in vars(event).items() if isinstance(value, str | tuple)}
        return replace(event, **changes)

    def _plain(self, value: Any) -> Any:
        """The value without secrets, and no longer than a record may be."""
        if isinstance(value, tuple):
            return tuple(self._plain(item) for item in value[:MOST_ITEMS])
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, HIDDEN)
        if "PRIVATE KEY" in value:
            value = PRIVATE_KEY.sub(HIDDEN, value)
        return value if len(value) <= LARGEST_TEXT else value[:LARGEST_TEXT] + "…"


def prune_journals(state: StateFolder, *, wall: Callable[[], float] = time.time) -> None:
    """Remove the journals of labs that were removed a week ago or more, and the oldest where there are too many."""
    folder = state.root / "journals"
    kept: list[tuple[float, Path]] = []
    with suppress(OSError):
        for file in folder.glob("*.jsonl"):
            lab = file.name.removesuffix(".jsonl")
            if "." not in lab and not (state.labs / lab).exists():
                kept.append((file.stat().st_mtime, file))
    kept.sort(reverse=True)
    for place, (written, file) in enumerate(kept):
        if place >= MOST_KEPT or written < wall() - KEPT_SECONDS:
            _remove(file)


def _remove(file: Path) -> None:
    """Remove both files of a journal, unless somebody writes just now."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if _try_lock(descriptor, fcntl.LOCK_EX):
                older_file(file).unlink(missing_ok=True)
                file.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(descriptor: int, file: Path) -> bool:
    """Whether the file of that name is the opened one."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False
