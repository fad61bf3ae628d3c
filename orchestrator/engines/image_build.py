"""Builds that run side by side, with progress that a person can follow."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engines.image_files import context_of, phrases_of
from orchestrator.engines.image_protocol import ImageStore
from orchestrator.errors import ImageMissing, WirelabError

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
    """Build all of them, up to four at once; after the first failure, or an interrupt, the others are given up."""
    if not builds:
        return
    stop = threading.Event()
    with ThreadPoolExecutor(min(AT_ONCE, len(builds)), thread_name_prefix="image") as pool:
        futures = [pool.submit(_build, build, store, notify, stop) for build in builds]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            _raise_first(done)
        except BaseException:
            # the engine ends a build whose listener goes away
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _raise_first(done: set[Future[None]]) -> None:
    for future in done:
        if error := future.exception():
            raise error


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
    found = STEP.match(line)
    if not found:
        return ""
    number = int(found.group(1))
    words = phrases[number - 1] if number <= len(phrases) else ""
    return f"[{number}/{found.group(2)}] {words}" if words else ""


def _failed(build: Build, error: WirelabError, last: Sequence[str]) -> WirelabError:
    if not isinstance(error, ImageMissing):
        return error
    why = "; ".join([*telling(last), error.why])
    full = "no space left" in why.lower()
    hint = (
        "free some disk space, then: wirelab images build"
        if full
        else ("see whether the package archive can be reached from here, then: wirelab images build")
    )
    return ImageMissing(f"the image {build.name} could not be built", why=why, hint=hint)


def telling(lines: Sequence[str]) -> list[str]:
    """The lines that tell most: the package manager's errors if there are any, otherwise the last ones."""
    plain = [line.strip() for line in lines if line.strip() and not line.startswith(("Step ", " --->"))]
    errors = [line for line in plain if line.startswith(("E: ", "ERROR", "error", "Err:"))]
    return (errors or plain)[-SHOWN_LINES:]
