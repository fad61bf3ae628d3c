"""Builds that run side by side, with progress that a person can follow."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from orchestrator.engine.images import ImageStore
from orchestrator.errors import DiskFull, ImageMissing, WirelabError
from orchestrator.host.images.files import context_of, phrases_of

AT_ONCE = 4
KEPT_LINES = 40
SHOWN_LINES = 3
STEP = re.compile(r"Step (\d+)/(\d+) ?:")


@dataclass(frozen=True)
class Build:
    """One image to build from its folder."""

    name: str
    tag: str
    folder: Path
    args: Mapping[str, str]
    labels: Mapping[str, str]


def build_side_by_side(builds: Sequence[Build], store: ImageStore, notify: Callable[[str], None]) -> None:
    """Build all of them, up to four at once; after the first failure, or an interrupt, the others are given up.

    Nobody waits for those: an engine may be silent for minutes. It ends a build whose listener goes away, which is at
    its next word, or when this process ends.
    """
    messages: SimpleQueue[str | Exception | None] = SimpleQueue()
    stop = threading.Event()
    waiting, running = deque(builds), 0
    try:
        while waiting or running:
            while waiting and running < AT_ONCE:
                # No pool: the end of the process would wait for its threads.
                threading.Thread(target=_tell, args=(messages, waiting.popleft(), store, stop), daemon=True).start()
                running += 1
            match messages.get():
                case None:
                    running -= 1
                case str(text):
                    notify(text)
                case error:
                    raise error
    finally:
        stop.set()


def _tell(
    messages: SimpleQueue[str | Exception | None], build: Build, store: ImageStore, stop: threading.Event
) -> None:
    """Build, and tell how it goes; at the end None, or the error."""
    try:
        _build(build, store, messages.put, stop)
    except Exception as error:
        messages.put(error)
    else:
        messages.put(None)


def _build(build: Build, store: ImageStore, notify: Callable[[str], None], stop: threading.Event) -> None:
    began = time.monotonic()
    phrases = phrases_of((build.folder / "Dockerfile").read_text(encoding="utf-8"))
    last: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        for line in store.build(build.tag, context_of(build.folder), build.args, build.labels):
            if stop.is_set():
                return
            last.append(line)
            if phrase := phrase_for(line, phrases):
                notify(f"images: {build.name} {phrase}")
    except WirelabError as error:
        raise _failed(build, error, last) from error
    notify(f"images: {build.name} built in {time.monotonic() - began:.1f} s")


def phrase_for(line: str, phrases: Sequence[str]) -> str:
    """`[3/9] installing BIND 9` for the line with which the engine starts a step that has words; otherwise nothing."""
    match = STEP.match(line)
    if not match:
        return ""
    number = int(match.group(1))
    words = phrases[number - 1] if number <= len(phrases) else ""
    return f"[{number}/{match.group(2)}] {words}" if words else ""


def _failed(build: Build, error: WirelabError, last: Sequence[str]) -> WirelabError:
    if not isinstance(error, ImageMissing):
        return error
    why = "; ".join([*telling(last), error.why])
    first = "see whether the package archive can be reached from here"
    if isinstance(error, DiskFull):
        first = "free some disk space"
    hint = f"{first}, then: wirelab images build"
    return type(error)(f"the image {build.name} could not be built", why=why, hint=hint)


def telling(lines: Sequence[str]) -> list[str]:
    """The lines that tell most: the package manager's errors if there are any, otherwise the last ones."""
    plain = [line.strip() for line in lines if line.strip() and not line.startswith(("Step ", " --->"))]
    errors = [line for line in plain if line.startswith(("E: ", "ERROR", "error", "Err:"))]
    return (errors or plain)[-SHOWN_LINES:]
