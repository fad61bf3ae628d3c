"""The commands of docs/teaching.md, typed as they stand there, for a class of two seats instead of twelve."""

from __future__ import annotations

import re
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from class_room import DEADLINE, SEAT_DEADLINE, Class
from doc_pages import ROOT, DocPage
from lab_bench import CHECKOUT, Engine, eventually, piped

GUIDE = DocPage("docs/teaching.md", (ROOT / "docs/teaching.md").read_text("utf-8"))
COMMANDS: list[str] = re.findall(r"`?(wirelab class [^`\n|]+?)(?:`|\n)", GUIDE.text)
# What the guide says of a class of many seats, as this test types it.
SMALLER = {"--seats 12": "--seats 2", "--seats 14": "--seats 3", "--seats 30": "--seats 2", "seat03": "seat02"}
# The exit code, where it is not 0: nobody is stuck, and no learner has agreed to a replay.
CODES = {"hint": 2, "replay": 2}
# What each command says, in the order of the guide.
SAYS = {
    "status": r"seat01 .*0 of 8 .*first-packet",
    "hint": "no seat is stuck on the layer 'DNS answer'",
    "mark-done": "seat02: fetch is marked as done",
    "hold": "held: fetch and the tasks after it",
    "open": "open: (fetch|all)",
    "reset": "seat02: its lab is made anew",
    "links": r"seat02  http://127\.0\.0\.1:",
    "export": "seat02,fetch,marked,0,0,no",
    "replay": "the learner has not agreed",
    "codes": r"seat02  \S+-seat02-",
    "stop": "seat02: (its lab is removed|it had no lab)",
}


@dataclass
class Teacher:
    """Somebody who types the commands of the guide, one after the other."""

    room: Class
    folder: Path
    _served: ExitStack = field(default_factory=ExitStack)

    def types(self, command: str) -> None:
        """Type a command. One that serves the class goes on in its own terminal until the next one that does."""
        words = shlex.split(self._own(command))
        target = words[words.index(">") + 1] if ">" in words else ""
        words = words[1 : words.index(">")] if target else words[1:]
        if words[1] == "start":
            self._starts(words)
            return
        ran = self.room.lab("seat01").run(*words)
        said = ran.out + ran.err
        assert ran.code == CODES.get(words[1], 0), said
        assert re.search(SAYS[words[1]], said), said
        if target:
            (self.folder / target).write_text(ran.out, "utf-8")

    def _own(self, command: str) -> str:
        for text, smaller in SMALLER.items():
            command = command.replace(text, smaller)
        return command.replace("monday", self.room.name)

    def _starts(self, words: list[str]) -> None:
        """End the class where it is served, as Ctrl-C does, and serve it again; each seat becomes ready."""
        self._served.close()
        argv = (sys.executable, "-m", "orchestrator", *words)
        pipe = subprocess.PIPE
        process = subprocess.Popen(argv, env=dict(self.room.engine.environ), cwd=CHECKOUT, stdout=pipe, text=True)
        self._served.callback(self._ends, process)
        assert piped(process.stdout).readline().startswith("board  ")
        assert eventually(self._are_ready, SEAT_DEADLINE * 3), self.room.board()

    def _are_ready(self) -> bool:
        return set(self.room.values("state").values()) == {"ready"}

    def _ends(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)

    def goes(self) -> None:
        self._served.close()


@pytest.fixture
def teacher(engine: Engine, tmp_path: Path) -> Iterator[Teacher]:
    room = Class(engine, f"g{secrets.token_hex(3)}", ("seat01", "seat02", "seat03"))
    teacher = Teacher(room, tmp_path)
    yield teacher
    teacher.goes()
    room.cli("stop", "--forget")
    assert [room.lab(seat).left() for seat in room.seats] == [[], [], []]


@pytest.mark.waits
@pytest.mark.sampled(3)
def test_a_teacher_types_the_guide_from_its_beginning_to_its_end(teacher: Teacher) -> None:
    """All that can be typed as it stands; a room with --lan and the collection of results have tests of their own."""
    typed = [command for command in COMMANDS if "FOLDER" not in command and "--lan" not in command]
    assert {command.split()[2] for command in typed} == {*SAYS, "start"}
    once = dict.fromkeys(command for command in typed if command != "wirelab class start monday")
    for command in once:
        if command.endswith("stop monday"):
            teacher.types("wirelab class start monday")  # what survives: the links, the seats, the progress
            teacher.types("wirelab class export monday > monday.csv")
        teacher.types(command)
    assert "seat03" in (teacher.folder / f"{teacher.room.name}.csv").read_text("utf-8")
