"""Read the journal of a lab, also while it is written, and follow what is appended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from orchestrator.events import Entry, FindingEvent, LessonEvent, ProbeEvent, ProgramEvent, parse_entry
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import journal_file, older_file

PIECE = 1 << 16  # bytes
POLL_SECONDS = 0.1
# In each line that holds a finding, and in few others: most lines need no parser.
FINDING = f'"event":"{FindingEvent.kind}"'.encode()
LESSON = f'"event":"{LessonEvent.kind}"'.encode()
PROGRAM = f'"event":"{ProgramEvent.kind}"'.encode()


def read_entries(state: StateFolder, lab: str) -> Iterator[Entry]:
    """The entries of a lab, oldest first, until now. A record that a killed process tore is left out."""
    file = journal_file(state, lab)
    for descriptor in _opened(file):
        yield from _entries(_lines_and_close(descriptor))


def has_journal(state: StateFolder, lab: str) -> bool:
    """Whether anything was ever written of that lab, and is still kept."""
    return journal_file(state, lab).exists() or older_file(journal_file(state, lab)).exists()


def follow_entries(
    state: StateFolder,
    lab: str,
    *,
    stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Entry]:
    """The entries of a lab until now, and each new one as it is written, until `stop` says so."""
    file = journal_file(state, lab)
    return _entries(_followed(file, stop, pause))


def probe_events(state: StateFolder, lab: str) -> tuple[ProbeEvent, ...]:
    """When checks probed from which node."""
    events = (entry.event for entry in read_entries(state, lab))
    return tuple(event for event in events if isinstance(event, ProbeEvent))


def last_findings(state: StateFolder, lab: str) -> tuple[Entry, ...]:
    """What the last run that checked the lab found: the last finding of each of its checks."""
    run, entries = "", dict[str, Entry]()
    for descriptor in _opened(journal_file(state, lab)):
        lines = (line for line in _lines_and_close(descriptor) if FINDING in line)
        for entry in _entries(lines):
            if isinstance(entry.event, FindingEvent):
                entries = entries if entry.run == run else {}
                run, entries[entry.event.check] = entry.run, entry
    return tuple(entries.values())


def lesson_events(state: StateFolder, lab: str, since: float = 0.0) -> Iterator[tuple[float, LessonEvent]]:
    """What happened in the lessons of a lab since a time, in seconds since 1970; each event with its time."""
    for descriptor in _opened(journal_file(state, lab)):
        for entry in _entries(line for line in _lines_and_close(descriptor) if LESSON in line):
            if isinstance(entry.event, LessonEvent) and entry.time >= since:
                yield entry.time, entry.event


def program_entries(state: StateFolder, lab: str) -> Iterator[Entry]:
    """When somebody began a program or a shell in a node of a lab, and when a program ended."""
    for descriptor in _opened(journal_file(state, lab)):
        yield from _entries(line for line in _lines_and_close(descriptor) if PROGRAM in line)


class NewEntries:
    """The entries of a kind in the present file of a lab's journal, and those that are appended; it never waits.

    For one thread.
    """

    def __init__(self, state: StateFolder, lab: str, kind: str) -> None:
        self._file = journal_file(state, lab)
        self._mark = f'"event":"{kind}"'.encode()
        self._rest = b""
        self._descriptor = _open(self._file)

    def take(self) -> list[Entry]:
        """The entries since the last call; the first time, all that are there."""
        lines = self._lines()
        if self._descriptor is None or not _is_named(self._descriptor, self._file):
            lines += self._lines()  # what was written before somebody rotated
            self.close()
            self._descriptor = _open(self._file)
            lines += self._lines()
        return list(_entries(line for line in lines if self._mark in line))

    def _lines(self) -> list[bytes]:
        if self._descriptor is None:
            return []
        lines: list[bytes] = []
        while piece := os.read(self._descriptor, PIECE):
            *whole, self._rest = (self._rest + piece).split(b"\n")
            lines += whole
        return lines

    def close(self) -> None:
        """Let go of the file; a later call reads it from its beginning."""
        _close(self._descriptor)
        self._descriptor, self._rest = None, b""


def _entries(lines: Iterator[bytes]) -> Iterator[Entry]:
    for line in lines:
        if line and (entry := parse_entry(line.decode("utf-8", "replace"))):
            yield entry


def _opened(file: Path) -> list[int]:
    """The older file and the present one, as descriptors; once more where somebody rotated between the two."""
    while True:
        present, older = _open(file), _open(older_file(file))
        if present is None or older is None or not os.path.samestat(os.fstat(present), os.fstat(older)):
            return [descriptor for descriptor in (older, present) if descriptor is not None]
        os.close(present)
        os.close(older)


def _open(file: Path) -> int | None:
    with suppress(FileNotFoundError):
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _lines_and_close(descriptor: int) -> Iterator[bytes]:
    """The lines that have their end."""
    try:
        rest = b""
        while piece := os.read(descriptor, PIECE):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
    finally:
        os.close(descriptor)


def _followed(file: Path, stop: Callable[[], bool], pause: Callable[[float], None]) -> Iterator[bytes]:
    """Whole lines, for ever: first what is there, then what is appended, also after the file was rotated away."""
    # What was read last stays open, so that no new file gets its inode number.
    read: int | None = None
    waiting: list[int] = []
    try:
        while True:
            ending = stop()  # looked at first: what was written until then is read
            waiting = _not_yet_read(read, file)
            if not waiting and ending:
                return
            if not waiting:
                pause(POLL_SECONDS)
            while waiting:
                yield from _appended(waiting[0], file, stop, pause, last=len(waiting) == 1)
                _close(read)
                read = waiting.pop(0)
    finally:
        for descriptor in waiting if read is None else (read, *waiting):
            os.close(descriptor)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _not_yet_read(read: int | None, file: Path) -> list[int]:
    """The files of the journal after the one that has been read to its end."""
    opened = _opened(file)
    for place, descriptor in enumerate(opened):
        if read is not None and os.path.samestat(os.fstat(descriptor), os.fstat(read)):
            for earlier in opened[: place + 1]:
                os.close(earlier)
            return opened[place + 1 :]
    return opened


def _appended(
    descriptor: int, file: Path, stop: Callable[[], bool], pause: Callable[[float], None], *, last: bool
) -> Iterator[bytes]:
    """The whole lines of one file; of the last one until it is rotated away, removed, or `stop` says so."""
    rest, ending = b"", not last
    while True:
        if piece := os.read(descriptor, PIECE):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        elif ending:
            return
        else:
            # Once more round after that: what was written until then is read first.
            ending = stop() or not _is_named(descriptor, file)
            if not ending:
                pause(POLL_SECONDS)


def _is_named(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False
