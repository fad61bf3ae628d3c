"""A class of two seats over its real server: isolated labs, the board, a killed server, a reset, and the end."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab_bench import CHECKOUT, Bench, Engine, Ran, eventually, piped
from learner import Learner
from live_view import Visitor, follow

from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.class_folder import ClassStore
from orchestrator.web.board_client import ask_board

DEADLINE = 240.0
SEATS = ("seat01", "seat02")
# Takes all processes and fills /tmp; the processes sleep, since other tests need the processor.
HOSTILE = """
import os, time
while True:
    try:
        child = os.fork()
    except OSError:
        break
    if not child:
        os.closerange(0, 3)
        time.sleep(300)
        os._exit(0)
try:
    with open("/tmp/full", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
except OSError:
    pass
"""


@dataclass(frozen=True)
class Class:
    """A class by its name, and the command line for it."""

    engine: Engine
    name: str

    def cli(self, command: str, *words: str) -> Ran:
        return Bench(self.engine, self.name).run("class", command, self.name, *words)

    def lab(self, seat: str) -> Bench:
        return Bench(self.engine, f"{self.name}-{seat}")

    def in_client(self, seat: str, *argv: str) -> Ran:
        return Bench(self.engine, self.name).run("exec", f"{self.name}-{seat}", "client", "--", *argv)

    def nodes(self, seat: str) -> dict[str, str]:
        """Node of the seat's lab -> container id."""
        containers = self.lab(seat).containers()
        ids = {container.labels.get("wirelab.node", ""): container.id for container in containers}
        return {node: container_id for node, container_id in ids.items() if node}

    def printed_board(self) -> Any:
        """The board as the command line prints it."""
        ran = self.cli("status", "--json")
        assert ran.code == 0, ran.err
        return ran.document

    def board(self) -> Any:
        """The same of a class that is served, without a command for each look."""
        kept = ClassStore(StateFolder.of(self.engine.environ)).require(self.name)
        return ask_board(kept.endpoint, kept.board_token, "board")

    def is_so(self, wanted: dict[str, Any], of: str) -> bool:
        """Whether each seat has this value of the board."""
        return {seat["seat"]: seat[of] for seat in self.board()["seats"]} == wanted

    @contextmanager
    def served(self, *words: str, ending: signal.Signals = signal.SIGINT) -> Iterator[dict[str, str]]:
        """The class while it is served, all its seats ready; gives its links. The server gets a signal at the end."""
        argv = (sys.executable, "-m", "orchestrator", "class", "start", self.name, *words)
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, env=dict(self.engine.environ), cwd=CHECKOUT, stdout=pipe, text=True) as process:
            try:
                # Printed once the server answers.
                lines = [piped(process.stdout).readline().split() for _ in ("board", *SEATS)]
                assert eventually(lambda: self.is_so(dict.fromkeys(SEATS, "ready"), "state"), DEADLINE), self.board()
                yield {line[0]: line[1] for line in lines}
            finally:
                process.send_signal(ending)
                process.wait(DEADLINE)


@pytest.fixture
def room(engine: Engine) -> Iterator[Class]:
    """A class of the test's own, of which nothing is left."""
    room = Class(engine, f"c{secrets.token_hex(3)}")
    yield room
    ran = room.cli("stop", "--forget")
    assert ran.code == 0, ran.err
    assert [room.lab(seat).left() for seat in SEATS] == [[], []]


def hello(visitor: Visitor, path: str = "/socket") -> Any:
    with visitor.socket(path) as page:
        return json.loads(page.recv(timeout=DEADLINE))


@pytest.mark.waits
def test_a_class_from_its_start_to_its_end(room: Class, tmp_path: Path) -> None:
    """Both learners try the same wrong name; the server is killed, and goes on; a lab is made anew.

    The second learner takes all that the client of the seat may have, which keeps the first one from nothing. Then the
    first learner goes on alone, with the code of the seat.
    """
    with room.served("--seats", "2", "--scenario", "basic", ending=signal.SIGKILL) as links:
        pages = [hello(follow(links[seat])) for seat in SEATS]
        assert [page["lab"] for page in pages] == [f"{room.name}-{seat}" for seat in SEATS]
        assert hello(follow(links["board"]), "/board/socket")["type"] == "board"
        assert_no_way(room, "seat01", "seat02")
        for seat in SEATS:
            assert room.cli("mark-done", seat, "first-packet").code == 0
        assert eventually(lambda: room.is_so(dict.fromkeys(SEATS, "look-up"), "task"), DEADLINE)
        assert eventually(lambda: is_stuck_by(room, "ap.shop.lab"), DEADLINE), room.board()
        assert room.cli("hint", "Is the name right?", "--layer", "DNS answer").code == 0

    board = room.printed_board()  # also without a server
    assert [(seat["seat"], seat["state"]) for seat in board["seats"]] == [(seat, "away") for seat in SEATS]
    assert stuck_on(board) == [("DNS answer", list(SEATS))]
    before = {seat: room.nodes(seat) for seat in SEATS}
    assert room.cli("reset", "seat01").code == 2

    with room.served() as again:
        assert again == links
        assert {seat: room.nodes(seat) for seat in SEATS} == before  # the labs were taken over
        assert room.in_client("seat02", "python3", "-c", HOSTILE).code == 0
        assert eventually(lambda: has_looked_up(room, "app.shop.lab"), DEADLINE), room.board()
        assert room.cli("reset", "seat01").code == 0
        assert eventually(lambda: is_anew(room, "seat01", before["seat01"]), DEADLINE)
        assert room.is_so({"seat01": "address", "seat02": "look-up"}, "task")
        assert room.nodes("seat02") == before["seat02"]

    rows = room.cli("export").out.splitlines()
    assert f"{room.name},basic,seat01,first-packet,marked,0,0,no" in rows
    assert any(row.startswith(f"{room.name},basic,seat01,look-up,done,") for row in rows)
    goes_on_with_the_code(room, tmp_path)


def goes_on_with_the_code(room: Class, folder: Path) -> None:
    """In the terminal, and then on the page; the result is judged, and again after somebody has changed it."""
    lab = Bench(room.engine, f"{room.name}-seat01", "basic")
    code = room.cli("codes", "--json").document["codes"]["seat01"]
    with Learner(lab, code=code, folder=folder) as learner:
        learner.hears("task 1 of 8")
        learner.types("dns")
        learner.hears("task 2 of 8")
        learner.runs("dig", "app.shop.lab")
        learner.hears("task 3 of 8")
        assert learner.ends() == 1
    argv = (sys.executable, "-m", "orchestrator", "learn", "basic", "--seat", code, "--web", "--lab", lab.lab)
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=dict(room.engine.environ), cwd=folder, stdout=pipe, text=True) as process:
        with follow(piped(process.stdout).readline().strip()).socket() as page:
            messages = iter(lambda: json.loads(page.recv(timeout=DEADLINE)), {"type": "ready"})
            lesson = next(message for message in messages if message["type"] == "lesson")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
    assert lesson["task"]["name"] == "address"

    file = folder / f"{room.name}-seat01-basic.json"
    assert judged(room, file) == (0, "right")
    file.write_text(file.read_text("utf-8").replace('"attempts": 1', '"attempts": 9'), "utf-8")
    assert judged(room, file) == (1, "altered")


def judged(room: Class, file: Path) -> tuple[int, str]:
    """The exit code of `class collect`, and the verdict on the file."""
    output = file.parent / "judged"
    ran = Bench(room.engine, room.name).run(
        "class", "collect", str(file.parent), "--class", room.name, "--output", str(output)
    )
    (result,) = json.loads((output / "results.json").read_text("utf-8"))["files"]
    assert result["file"] == file.name
    return ran.code, result["verdict"]


def is_stuck_by(room: Class, name: str) -> bool:
    """Whether both seats are stuck on the same layer, after an attempt; a slow machine may need another one."""
    for seat in SEATS:
        room.in_client(seat, "dig", name)
    return stuck_on(room.board()) == [("DNS answer", list(SEATS))]


def has_looked_up(room: Class, name: str) -> bool:
    """Whether the first seat has the next task, after an attempt, and the second one has not."""
    room.in_client("seat01", "dig", name)
    return room.is_so({"seat01": "address", "seat02": "look-up"}, "task")


def stuck_on(board: Any) -> list[tuple[str, list[str]]]:
    return [(group["layer"], group["seats"]) for group in board["stuck"]]


def is_anew(room: Class, seat: str, before: dict[str, str]) -> bool:
    """Whether the seat is ready, in a lab of which no machine is an old one."""
    is_ready = room.is_so(dict.fromkeys(SEATS, "ready"), "state")
    return is_ready and not set(room.nodes(seat).values()) & set(before.values())


def assert_no_way(room: Class, seat: str, other: str) -> None:
    """From a seat's client no machine of the other one answers, nor the machine of the class; its own does."""
    own = room.in_client(seat, "curl", "-s", "-m", "20", f"http://{room.lab(seat).address('app')}/items")
    assert own.code == 0, own.err
    foreign = room.lab(other).address("app")
    assert room.in_client(seat, "curl", "-s", "-m", "3", f"http://{foreign}/items").code in (7, 28)
    gateway = room.lab(seat).address("app").rpartition(".")[0] + ".1"
    for address in (foreign, gateway):
        assert room.in_client(seat, "ping", "-c", "1", "-W", "2", address).code != 0, address
