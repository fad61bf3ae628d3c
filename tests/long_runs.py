"""Full counts in parts: `make truth`, `make endurance` and `make engines` run one part and go on where it stopped.

Loaded with `-p tests.long_runs`. Each outcome is one line of the record, written when its test has ended, so that a
killed part loses no more than the test that was running. After `--part-seconds` no further test begins. When no test is
left, the results become dated rows of `docs/measured.md`, and the record goes. Those of `make engines` become the row
of the engine in `docs/engines.md`. The rows of `make endurance` stand in
`docs/reliability.md`, and each part writes anew those of the tests that it ran: how many of all rounds were done, and
how many of these held. So `-k` may choose some of the tests, and the rows of the others stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.engine_table import write_engine

ROOT = Path(__file__).resolve().parents[1]
HELD = ("passed", "skipped")
PAGES = ("docs/measured.md", "docs/engines.md", "docs/truth.md", "docs/reliability.md")
# The targets whose page has rows after each part.
COUNTED = ("endurance",)


@dataclass(frozen=True)
class Outcome:
    """How one test ended. It measured `seconds` and should take `limit` at most; 0 says that it measured nothing.

    `why` it was skipped or failed.
    """

    test: str
    promise: str
    outcome: str
    seconds: float = 0.0
    limit: float = 0.0
    why: str = ""


class Record:
    """The outcomes of the tests that have ended, of one commit and one engine."""

    def __init__(self, path: Path, commit: str, engine: str) -> None:
        self._path = path
        self.commit = commit
        self.engine = engine

    def begin(self) -> bool:
        """Open the record; whether it goes on. One of another commit or engine says nothing of this one and goes."""
        head = {"commit": self.commit, "engine": self.engine}
        if next(iter(self._lines()), None) == head:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(head) + "\n", "utf-8")
        return False

    def add(self, outcome: Outcome) -> None:
        # After a kill in the middle of a line, the next one begins on a line of its own.
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(vars(outcome)) + "\n")

    def outcomes(self) -> dict[str, Outcome]:
        """The last outcome of each test."""
        return {line["test"]: Outcome(**line) for line in self._lines() if "test" in line}

    def remove(self) -> None:
        self._path.unlink()

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self._path.read_text("utf-8").splitlines() if self._path.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # empty, or cut short by a kill


class LongRun:
    """The hooks of one part."""

    def __init__(self, target: str, record: Record, page: Path, seconds: float) -> None:
        self._target, self._record, self._page = target, record, page
        self._deadline = time.monotonic() + seconds
        self._promises: dict[str, str] = {}
        self._planned: list[str] = []
        self._worst: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._summary: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Of the tests that were chosen, leave out those that have ended in an earlier part."""
        # Before `-k` takes some out: a row says how many rounds there are, not how many were chosen.
        self._planned = [_promise(item) for item in items]
        outcome = yield
        done = self._record.outcomes() if self._record.begin() else {}
        self._promises = {item.nodeid: _promise(item) for item in items}
        if done:
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid in done])
        items[:] = [item for item in items if item.nodeid not in done]
        return outcome

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self._worst[report.nodeid] = "failed" if report.failed else self._worst.get(report.nodeid, "skipped")
            self._why.setdefault(report.nodeid, _why(report))
        if report.when == "teardown":
            outcome = self._worst.get(report.nodeid, "passed")
            promise, properties = self._promises[report.nodeid], report.user_properties
            seconds, limit = _number(properties, "seconds"), _number(properties, "limit")
            self._record.add(Outcome(report.nodeid, promise, outcome, seconds, limit, self._why.get(report.nodeid, "")))

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        if time.monotonic() > self._deadline:
            item.session.shouldstop = "this part is over"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        outcomes = self._record.outcomes()
        left = [test for test in self._promises if test not in outcomes]
        if outcomes and self._target in COUNTED:
            # Of a test in a file that was not named this time nobody knows here how many rounds it has.
            known = [outcome for outcome in outcomes.values() if outcome.promise in self._planned]
            rows = _counted_rows(self._record, known, self._planned)
            replace_rows(self._page, self._target, rows, anew=True)
        if left and self._promises:
            self._summary = [
                f"{len(outcomes)} of {len(self._promises)} tests are done; go on with: make {self._target}"
            ]
            if session.exitstatus == pytest.ExitCode.INTERRUPTED and session.shouldstop == "this part is over":
                failed = any(outcome.outcome not in HELD for outcome in outcomes.values())
                session.exitstatus = pytest.ExitCode.TESTS_FAILED if failed else pytest.ExitCode.OK
        elif outcomes:
            if self._target == "engines":
                run = f"{datetime.now(UTC).date().isoformat()}, {self._record.commit}"
                rows = write_engine(self._page, self._record.engine, run, list(outcomes.values()))
            elif self._target not in COUNTED:
                rows = _rows(self._record, list(outcomes.values()))
                replace_rows(self._page, self._target, rows)
            self._record.remove()
            self._summary = [f"done; {self._page.name} has these new rows:", *rows]
            held = all(outcome.outcome in HELD for outcome in outcomes.values())
            session.exitstatus = pytest.ExitCode.OK if held else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self._summary:
            terminalreporter.write_line(line if line.startswith("|") else f"{self._target}: {line}")


def _why(report: pytest.TestReport) -> str:
    """The reason of a skip; of a failure what a command said to be wrong, or its first line."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(getattr(crash, "message", "") or report.longreprtext).strip().splitlines()
    told = [line.strip() for line in lines if line.strip().startswith(("error:", "why:"))]
    return " ".join(told[:2] or lines[:1])


def _number(properties: Sequence[tuple[str, object]], name: str) -> float:
    """What a test recorded by this name; 0 where it recorded nothing."""
    return sum(value for recorded, value in properties if recorded == name and isinstance(value, float))


def _promise(item: pytest.Item) -> str:
    """The first sentence of the test's docstring, or the words of its name.

    `{command}` in it is the value of the parameter `command`, so that each value has a row of its own.
    """
    function = getattr(item, "function", None)
    said = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
    for parameter, value in getattr(getattr(item, "callspec", None), "params", {}).items():
        said = said.replace(f"{{{parameter}}}", str(value))
    name: str = getattr(item, "originalname", "") or item.name
    return (said or name.removeprefix("test_").replace("_", " ")).rstrip(".")


def _rows(record: Record, outcomes: Sequence[Outcome]) -> list[str]:
    """One row for each promise."""
    promises = dict.fromkeys(outcome.promise for outcome in outcomes)
    day = datetime.now(UTC).date().isoformat()
    rows = []
    for promise in promises:
        ended = [outcome.outcome for outcome in outcomes if outcome.promise == promise]
        counts = " | ".join(str(ended.count(outcome)) for outcome in ("passed", "failed", "skipped"))
        rows.append(f"| {day} | {record.commit} | {record.engine} | {promise.replace('|', '/')} | {counts} |")
    return rows


def _counted_rows(record: Record, outcomes: Sequence[Outcome], planned: Sequence[str]) -> list[str]:
    """One row for each promise of which a round was done: how many of how many, and of those that measured a time
    how many were in time, and the slowest."""
    day = datetime.now(UTC).date().isoformat()
    rows = []
    for promise in dict.fromkeys(outcome.promise for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.promise == promise]
        ended = [outcome.outcome for outcome in own]
        held, failed, skipped = (ended.count(outcome) for outcome in ("passed", "failed", "skipped"))
        timed = [outcome for outcome in own if outcome.limit or outcome.seconds]
        in_time = sum(outcome.seconds <= outcome.limit for outcome in timed if outcome.limit)
        bounded = sum(bool(outcome.limit) for outcome in timed)
        times = (
            f"{in_time} of {bounded}" if bounded else "",
            f"{max(outcome.seconds for outcome in timed):.1f} s" if timed else "",
        )
        counts = f"{len(own)} of {planned.count(promise)} | {held} | {failed} | {skipped}"
        words = promise.replace("|", "/")
        where = f"{day} | {record.commit} | {record.engine}"
        rows.append(f"| {where} | {words} | {counts} | {' | '.join(times)} |")
    return rows


def replace_rows(page: Path, target: str, rows: Sequence[str], *, anew: bool = False) -> None:
    """Put rows first into the table below the heading of the target.

    With `anew` they take the place of the older rows of the same engine and promise.
    """
    lines = page.read_text("utf-8").splitlines()
    heading = lines.index(f"## make {target}")
    begin = next(number for number in range(heading, len(lines)) if lines[number].startswith("|---")) + 1
    end = next((number for number in range(begin, len(lines)) if not lines[number].startswith("|")), len(lines))
    replaced = {_subject(row) for row in rows} if anew else set()
    kept = [line for line in lines[begin:end] if _subject(line) not in replaced]
    page.write_text("\n".join([*lines[:begin], *rows, *kept, *lines[end:]]) + "\n", "utf-8")


def _subject(row: str) -> tuple[str, ...]:
    """What a row is about: engine and promise, the cells after the date and the commit."""
    return tuple(row.split(" | ")[2:4])


def commit(root: Path = ROOT) -> str:
    """The newest commit of main in this checkout: one that is on another branch only may be gone when somebody looks
    for it. `-dirty` follows where files differ from it, but for the pages of results."""
    base = _git(root, "merge-base", "HEAD", "main") or _git(root, "rev-parse", "HEAD")
    if not base:
        return "unknown"
    files = ("--", ".", *(f":!{page}" for page in PAGES))
    differ = _git(root, "diff", "--name-only", base, *files)
    new = _git(root, "ls-files", "--others", "--exclude-standard", *files)
    return _git(root, "rev-parse", "--short", base) + ("-dirty" if differ or new else "")


def _git(root: Path, *words: str) -> str:
    """What git says; nothing where it fails or is not there."""
    try:
        done = subprocess.run(("git", "-C", str(root), *words), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def engine_version(environ: Mapping[str, str]) -> str:
    """Name and version of the engine in use, as it calls itself, and whether it runs without root."""
    import docker

    client = docker.DockerClient(base_url=environ["DOCKER_HOST"], version="auto")
    try:
        parts = client.version()["Components"]
        rootless = ", rootless" if "name=rootless" in client.info().get("SecurityOptions", ()) else ""
    finally:
        client.close()
    names = {"Engine": "Docker Engine", "Podman Engine": "Podman"}
    known = [(part["Name"], part["Version"]) for part in parts if part["Name"] in names]
    return f"{names[known[0][0]]} {known[0][1]}{rootless}" if known else "unknown"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("long runs")
    group.addoption("--long", metavar="TARGET", help="Record a long run of this name, and go on with it.")
    group.addoption("--part-seconds", type=float, default=480, help="No test begins after so long (default 480).")
    group.addoption("--record-folder", type=Path, default=ROOT / "build" / "long")
    group.addoption("--page", type=Path, help="Where the rows go (default: the page of the target).")


def pytest_configure(config: pytest.Config) -> None:
    if target := config.getoption("long"):
        engine = engine_version(os.environ) if os.environ.get("DOCKER_HOST") else "none"
        name = f"{target}-{engine.replace(' ', '-').replace('/', '-')}.jsonl"
        record = Record(config.getoption("record_folder") / name, commit(), engine)
        pages = {"endurance": "reliability.md", "engines": "engines.md"}
        page = config.getoption("page") or ROOT / "docs" / pages.get(target, "measured.md")
        config.pluginmanager.register(LongRun(target, record, page, config.getoption("part_seconds")))
