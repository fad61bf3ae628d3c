"""The journal of a lab: what several processes write, others read, and nothing tears."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import get_args

import pytest

from orchestrator.events import (
    KINDS,
    Actor,
    CommandEvent,
    Entry,
    Event,
    KnownEvent,
    LessonEvent,
    NodeEvent,
    OtherEvent,
    ProbeEvent,
    ProbeRunEvent,
    ProgramEvent,
    StepEvent,
    parse_entry,
)
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import Journal, journal_file, older_file, prune_journals
from orchestrator.lab.journal_reader import NewEntries, follow_entries, has_journal, probe_events, read_entries

ROOT = Path(__file__).parents[3]
DAY = 86400.0
# One of each kind of what a learner does.
LESSON_EVENTS = (
    LessonEvent("begun", "basic", "look-up"),
    LessonEvent("attempt", "basic", "look-up", "client asked dns for ap.shop.lab: NXDOMAIN."),
    LessonEvent("cause", "basic", "look-up", "The name does not exist.", "DNS answer"),
    LessonEvent("hint", "basic", "look-up", "Use dig."),
    LessonEvent("solution", "basic", "look-up"),
    LessonEvent("done", "basic", "look-up", "client asked dns for app.shop.lab A"),
    LessonEvent("over", "basic"),
)
# A writer in a process of its own: STATE NAME COUNT ROTATE_BYTES; it says on its output when it begins.
WRITER = """
import sys
from pathlib import Path
from orchestrator.events import Actor, StepEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal import Journal
state, name, count, rotate = sys.argv[1:5]
journal = Journal(StateFolder(Path(state)), "basic", Actor(run=name), rotate_bytes=int(rotate))
print("begin", flush=True)
for number in range(int(count)):
    journal.publish(StepEvent(f"{name}:{number}", "done", 0.0, why="x" * (number % 50) * 97))
"""


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def writer(state: StateFolder, name: str, count: int, rotate: int = 1 << 40) -> subprocess.Popen[bytes]:
    arguments = (str(state.root), name, str(count), str(rotate))
    return subprocess.Popen((sys.executable, "-c", WRITER, *arguments), cwd=ROOT, stdout=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> int:
    process.communicate(timeout=120)
    return process.returncode


def steps(state: StateFolder) -> list[str]:
    return [entry.event.step for entry in read_entries(state, "basic") if isinstance(entry.event, StepEvent)]


def of_writer(found: list[str], name: str) -> list[int]:
    return [int(step.partition(":")[2]) for step in found if step.startswith(f"{name}:")]


def test_every_kind_of_event_comes_back_as_it_was_written(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor("r1", "pytest", seat="7"), wall=lambda: 12.5)
    events: list[Event] = [
        CommandEvent("started", ("wirelab", "up", "basic")),
        StepEvent("node:dns", "failed", 1.25, "MakeNode", "missing", "192.168.0.2", "no such image"),
        NodeEvent("dns", "ready"),
        ProgramEvent("ended", "client", ("dig", "app.shop.lab"), 9),
        ProbeEvent("client", 1.0, 2.5),
        ProbeRunEvent("started", "client", ("bash", "80"), False, 4.0),
        *LESSON_EVENTS,
    ]
    for event in events:
        journal.publish(event)
    entries = list(read_entries(state, "basic"))
    assert [entry.event for entry in entries] == events
    assert entries[0] == Entry(12.5, "basic", events[0], "r1", "pytest", "7")
    journal.close()


def test_new_entries_of_a_kind_are_taken_once_also_where_the_file_was_rotated(state: StateFolder) -> None:
    entries = NewEntries(state, "basic", NodeEvent.kind)
    assert entries.take() == []
    journal = Journal(state, "basic", Actor("r1"), rotate_bytes=2000)
    for number in range(60):
        journal.publish(NodeEvent(f"n{number}", "ready"))
        journal.publish(CommandEvent("started", ("wirelab",)))
        assert [entry.event for entry in entries.take()] == [NodeEvent(f"n{number}", "ready")]
        assert entries.take() == []
    assert older_file(journal_file(state, "basic")).exists()
    entries.close()
    journal.close()


def test_each_line_is_a_document_with_its_schema(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor("r1", "command line"), wall=lambda: 12.5)
    journal.publish(NodeEvent("dns", "ready"))
    journal.close()
    lines = [line for line in journal_file(state, "basic").read_text().splitlines() if line]
    assert [json.loads(line) for line in lines] == [
        {
            "schema": 1, "time": 12.5, "lab": "basic", "run": "r1", "via": "command line", "event": "node",
            "node": "dns", "state": "ready",
        },
    ]  # fmt: skip


def test_what_a_later_version_writes_can_be_read() -> None:
    """A kind that is not known, and a field that a known kind did not have."""
    other = parse_entry('{"schema": 1, "time": 1, "lab": "b", "run": "", "via": "", "event": "moon", "phase": [1]}')
    more = parse_entry('{"schema": 1, "time": 1, "lab": "b", "event": "node", "node": "a", "state": "ready", "x": 1}')
    assert other is not None
    assert other.event == OtherEvent("moon", (("phase", [1]),))
    assert json.loads(other.to_json())["phase"] == [1]
    assert more is not None
    assert more.event == NodeEvent("a", "ready")


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "3", '{"time": 1}', '{"time": "x", "lab": 1, "event": []}', "[" * 9999]
)
def test_what_is_no_entry_is_none(line: str) -> None:
    assert parse_entry(line) is None


def test_kinds_have_names_of_their_own() -> None:
    assert len(KINDS) == len(get_args(KnownEvent))
    assert "other" not in KINDS


@pytest.mark.slow
def test_eight_processes_write_at_once_and_nothing_is_lost(state: StateFolder) -> None:
    writers = {f"w{number}": writer(state, f"w{number}", 400) for number in range(8)}
    assert {ended(process) for process in writers.values()} == {0}
    found = steps(state)
    assert {name: of_writer(found, name) for name in writers} == {name: list(range(400)) for name in writers}


@pytest.mark.slow
def test_rotation_while_eight_write_loses_nothing_that_is_still_kept(state: StateFolder) -> None:
    """Of each writer the last records are there, in order and without a gap."""
    writers = {f"w{number}": writer(state, f"w{number}", 300, rotate=200_000) for number in range(8)}
    assert {ended(process) for process in writers.values()} == {0}
    found = steps(state)
    for name in writers:
        numbers = of_writer(found, name)
        assert numbers == list(range(300 - len(numbers), 300))
    assert found
    sizes = [journal_file(state, "basic"), older_file(journal_file(state, "basic"))]
    assert sum(file.stat().st_size for file in sizes if file.exists()) < 2 * 200_000 + 8 * 5000
    assert older_file(journal_file(state, "basic")).exists()


@pytest.mark.slow
def test_a_reader_follows_through_rotations_and_misses_nothing(state: StateFolder) -> None:
    stop: list[bool] = []
    seen: list[str] = []

    def follow() -> None:
        for entry in follow_entries(state, "basic", stop=lambda: bool(stop), pause=lambda _seconds: time.sleep(0.001)):
            assert isinstance(entry.event, StepEvent)
            seen.append(entry.event.step)

    reader = Thread(target=follow)
    reader.start()
    journal = Journal(state, "basic", Actor(), rotate_bytes=20_000)
    for number in range(400):
        journal.publish(StepEvent(f"w:{number}", "done", 0.0, why="x" * 200))
        if number % 50 == 0:
            while len(seen) <= number and reader.is_alive():
                time.sleep(0.001)
    stop.append(True)
    reader.join(60)
    journal.close()
    assert of_writer(seen, "w") == list(range(400))


@pytest.mark.slow
def test_sigkill_at_any_moment_leaves_whole_records_of_the_others(state: StateFolder) -> None:
    """A storm of deaths while one writer lives: all of its records are there, and none of the dead's is damaged."""
    steady = writer(state, "steady", 1500)
    chance = random.Random(7)
    for number in range(12):
        victim = writer(state, f"v{number}", 10**9)
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(chance.random() * 0.02)
        victim.send_signal(signal.SIGKILL)
        ended(victim)
    assert ended(steady) == 0
    found = steps(state)
    assert of_writer(found, "steady") == list(range(1500))
    for number in range(12):
        numbers = of_writer(found, f"v{number}")
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_record_is_left_out_and_the_next_one_is_whole(state: StateFolder, cut: int) -> None:
    journal = Journal(state, "basic", Actor())
    journal.publish(NodeEvent("one", "ready"))
    journal.publish(NodeEvent("torn", "ready"))
    journal.close()
    file = journal_file(state, "basic")
    os.truncate(file, file.stat().st_size - cut)
    journal.publish(NodeEvent("three", "ready"))
    journal.close()
    names = [entry.event.node for entry in read_entries(state, "basic") if isinstance(entry.event, NodeEvent)]
    assert names in (["one", "three"], ["one", "torn", "three"])
    assert names == ["one", "three"] or cut == 1  # the record without its line's end is whole


def test_a_full_disk_is_told_once_and_raises_nothing(state: StateFolder) -> None:
    messages: list[str] = []
    journal = Journal(state, "basic", Actor(), on_trouble=messages.append)
    state.private(journal_file(state, "basic").parent)
    journal_file(state, "basic").symlink_to("/dev/full")
    journal.publish(NodeEvent("one", "ready"))
    journal.publish(NodeEvent("two", "ready"))
    assert messages == [
        "the events of the lab 'basic' cannot be written: No space left on device; the lab goes on without"
    ]


def test_a_folder_where_the_journal_should_be_is_told_too(state: StateFolder) -> None:
    messages: list[str] = []
    journal_file(state, "basic").mkdir(parents=True)
    Journal(state, "basic", Actor(), on_trouble=messages.append).publish(NodeEvent("one", "ready"))
    assert messages == ["the events of the lab 'basic' cannot be written: Is a directory; the lab goes on without"]


def test_secrets_are_never_written(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor())
    journal.hide(["hunter2-hunter2", ""])
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"
    journal.publish(ProgramEvent("started", "db", ("psql", "postgres://app:hunter2-hunter2@db/shop", f"key={key}")))
    journal.publish(StepEvent("node:db", "failed", 0.1, error="password hunter2-hunter2 refused"))
    journal.close()
    text = journal_file(state, "basic").read_text()
    assert "hunter2" not in text
    assert "MIIabc" not in text
    assert text.count("***") == 3


def test_a_long_text_is_cut(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor())
    journal.publish(StepEvent("s", "failed", 0.0, error="é" * 100_000))
    journal.close()
    assert journal_file(state, "basic").stat().st_size < 10_000


@pytest.mark.slow
def test_a_writer_that_was_stopped_while_it_rotates_holds_nobody_up(state: StateFolder) -> None:
    import fcntl

    journal = Journal(state, "basic", Actor())
    journal.publish(NodeEvent("one", "ready"))
    with journal_file(state, "basic").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        journal.publish(NodeEvent("two", "ready"))
    journal.close()
    assert len(list(read_entries(state, "basic"))) == 2


def aged(state: StateFolder, lab: str, seconds: float) -> Path:
    journal = Journal(state, lab, Actor())
    journal.publish(NodeEvent("one", "ready"))
    journal.close()
    file = journal_file(state, lab)
    os.utime(file, (time.time() - seconds, time.time() - seconds))
    return file


def test_a_journal_outlives_its_lab_for_a_week(state: StateFolder) -> None:
    aged(state, "fresh", 6 * DAY)
    aged(state, "old", 8 * DAY)
    aged(state, "standing", 8 * DAY)
    (state.labs / "standing").mkdir(parents=True)
    older_file(journal_file(state, "old")).write_text("")
    prune_journals(state)
    assert [has_journal(state, lab) for lab in ("fresh", "old", "standing")] == [True, False, True]
    assert not older_file(journal_file(state, "old")).exists()


@pytest.mark.slow
def test_of_many_removed_labs_the_last_ones_are_kept(state: StateFolder) -> None:
    for number in range(203):
        aged(state, f"lab-{number}", 1000 - number)
    prune_journals(state)
    remaining = sorted(file.name for file in journal_file(state, "x").parent.iterdir())
    assert len(remaining) == 200
    assert "lab-0.jsonl" not in remaining
    assert "lab-202.jsonl" in remaining


def test_after_it_was_pruned_a_writer_begins_anew(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor())
    journal.publish(NodeEvent("one", "ready"))
    journal_file(state, "basic").unlink()
    journal.publish(NodeEvent("two", "ready"))
    journal.close()
    assert [entry.event for entry in read_entries(state, "basic")] == [NodeEvent("two", "ready")]


def test_a_lab_without_a_journal_has_no_entries(state: StateFolder) -> None:
    assert list(read_entries(state, "basic")) == []
    assert not has_journal(state, "basic")
    assert not state.root.exists()


def test_probe_events_are_found_among_the_others(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor())
    for event in (NodeEvent("a", "ready"), ProbeEvent("a", 1.0, 2.0)):
        journal.publish(event)
    journal.close()
    assert probe_events(state, "basic") == (ProbeEvent("a", 1.0, 2.0),)


def test_a_follower_sees_what_was_there_before(state: StateFolder) -> None:
    journal = Journal(state, "basic", Actor())
    journal.publish(NodeEvent("one", "ready"))
    entries: Iterator[Entry] = follow_entries(state, "basic")
    assert next(entries).event == NodeEvent("one", "ready")
    journal.publish(NodeEvent("two", "ready"))
    assert next(entries).event == NodeEvent("two", "ready")
    entries.close()  # type: ignore[attr-defined]
    journal.close()
