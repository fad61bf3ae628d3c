"""A class of six learners over its real server: isolated labs, the board, a killed server, resets, results."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from class_room import DEADLINE, Class
from lab_bench import Bench, Engine, eventually, piped
from learner import Learner
from live_view import Visitor, follow
from seat_page import SeatPage

from orchestrator.lessons.sealed_result import seal_of
from orchestrator.lessons.seat_code import parse_seat_code

SEATS = IDEAL, WRONG, SLOW, ABSENT, CHEATING, ATTACKING = tuple(f"seat{number:02}" for number in range(1, 7))
URL = "http://app.shop.lab/items"
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
        time.sleep(3000)
        os._exit(0)
try:
    with open("/tmp/full", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
except OSError:
    pass
"""
# The steps of a request for the items, by how their sentences begin.
STEPS = (
    "client asks dns",
    "client opens a connection to app",
    "client requests GET",
    "app asks dns",
    "app opens a connection to db",
    "app sends an SQL statement",
)


@pytest.fixture
def room(engine: Engine) -> Iterator[Class]:
    """A class of the test's own, of which nothing is left."""
    room = Class(engine, f"c{secrets.token_hex(3)}", SEATS)
    yield room
    ran = room.cli("stop", "--forget")
    assert ran.code == 0, ran.err
    assert [room.lab(seat).left() for seat in SEATS] == [[]] * len(SEATS)


def hello(visitor: Visitor, path: str) -> Any:
    with visitor.socket(path) as page:
        return json.loads(page.recv(timeout=DEADLINE))


@pytest.mark.waits
def test_six_learners_from_the_start_of_a_class_to_its_end(room: Class, tmp_path: Path) -> None:
    """One is ideal, one wrong, one slow, one goes and comes back, one hands in a copy, and one attacks from the seat.

    Meanwhile the server is killed, and goes on; a lab is made anew. Then the first learner goes on with the code of the
    seat, and the results are judged.
    """
    with room.served("--seats", str(len(SEATS)), "--scenario", "basic", ending=signal.SIGKILL) as links:
        assert hello(follow(links["board"]), "/board/socket")["type"] == "board"
        assert_no_way(room, IDEAL, WRONG)
        assert room.in_client(ATTACKING, "python3", "-c", HOSTILE).code == 0
        with seat_page(room, links, IDEAL) as ideal, seat_page(room, links, SLOW) as slow:
            assert ideal.hello["lab"] == f"{room.name}-{IDEAL}"
            ideal.answers("dns", "look-up")
            ideal.does("dig", "app.shop.lab", then="address")
            slow.says("hint")
            assert eventually(lambda: cell(room, SLOW, "first-packet")["hints"] == 1, DEADLINE), room.board()
            assert room.readers(SLOW) == ["dumpcap", "tshark"]  # somebody is there
        assert room.readers(CHEATING) == ["dumpcap"]  # no packet has crossed, and nobody has opened the page
        with seat_page(room, links, ABSENT) as page:
            page.answers("dns", "look-up")  # and goes
        assert eventually(lambda: "client has no process left" in room.values("why")[ATTACKING], DEADLINE), room.board()
        assert room.cli("mark-done", WRONG, "first-packet").code == 0
        assert eventually(lambda: room.is_so({WRONG: "look-up"}, "task"), DEADLINE)
        assert eventually(lambda: is_stuck_by(room, "ap.shop.lab"), DEADLINE), room.board()
        assert room.cli("hint", "Is the name right?", "--layer", "DNS answer").code == 0

    board = room.printed_board()  # also without a server
    assert [(seat["seat"], seat["state"]) for seat in board["seats"]] == [(seat, "away") for seat in SEATS]
    assert stuck_on(board) == [("DNS answer", [WRONG])]
    before = {seat: room.nodes(seat) for seat in SEATS}
    assert room.cli("reset", WRONG).code == 2

    with room.served() as again:
        assert again == links
        assert {seat: room.nodes(seat) for seat in SEATS} == before  # the labs were taken over
        assert eventually(lambda: "client has no process left" in room.values("why")[ATTACKING], DEADLINE), room.board()
        for seat in (ATTACKING, WRONG):
            assert room.cli("reset", seat).code == 0
        with seat_page(room, links, ABSENT) as page:
            page.does("dig", "app.shop.lab", then="address")
        with seat_page(room, links, IDEAL) as ideal:
            finish(ideal, room.lab(IDEAL).address("app"))
        assert eventually(lambda: is_anew(room, WRONG, before[WRONG]), DEADLINE)
        assert room.nodes(ABSENT) == before[ABSENT]
        tasks = {WRONG: "look-up", ABSENT: "address", IDEAL: None}
        assert room.is_so(tasks | dict.fromkeys((SLOW, CHEATING, ATTACKING), "first-packet"), "task")

    rows = room.cli("export").out.splitlines()
    assert f"{room.name},basic,{WRONG},first-packet,marked,0,0,no" in rows
    assert f"{room.name},basic,{SLOW},first-packet,now,0,1,no" in rows
    assert any(row.startswith(f"{room.name},basic,{ABSENT},look-up,done,") for row in rows)
    assert sum(row.startswith(f"{room.name},basic,{IDEAL},") and ",done," in row for row in rows) == len(board["tasks"])
    goes_on_with_the_code(room, tmp_path)
    hands_in_copies(room, tmp_path)


def seat_page(room: Class, links: dict[str, str], seat: str) -> SeatPage:
    return SeatPage(links[seat], partial(room.in_client, seat))


def finish(page: SeatPage, address: str) -> None:
    """Do the tasks from the third one on as somebody who knows."""
    page.answers(address, "fetch")
    page.does("curl", "-s", URL, then="order")
    choices = page.lesson["task"]["choices"]
    numbers = [number for step in STEPS for number, choice in enumerate(choices, 1) if choice.startswith(step)]
    page.answers(" ".join(map(str, numbers)), "client-of-whom")
    page.answers("db", "post")
    item = re.findall(r"[a-z]+(?=\W+}\W*$)", page.lesson["task"]["title"])[0]
    page.does("curl", "-s", "--json", json.dumps({"name": item}), URL, then="repair")
    assert page.sees(lambda: page.states == {""}), page.nodes  # the learner is to find what is broken
    page.asks("heal", fault=None)
    assert page.sees(lambda: all(task["state"] == "done" for task in page.lesson["tasks"])), page.lesson
    assert page.sees(lambda: page.states == {"running"}), page.nodes


def goes_on_with_the_code(room: Class, folder: Path) -> None:
    """In the terminal, and then on the page."""
    lab = Bench(room.engine, f"{room.name}-{IDEAL}", "basic")
    code = room.cli("codes", "--json").document["codes"][IDEAL]
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
        with SeatPage(piped(process.stdout).readline().strip(), lambda *_argv: None) as page:
            assert page.sees(lambda: page.task == "address"), page.lesson
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)


def hands_in_copies(room: Class, folder: Path) -> None:
    """The first learner's result is right; the copies of it are named, and so is one that somebody has changed."""
    file = folder / f"{room.name}-{IDEAL}-basic.json"
    assert judged(room, folder) == (0, {file.name: "right"})
    text = file.read_text("utf-8")
    document = {**json.loads(text), "seat": CHEATING}
    secret = parse_seat_code(room.cli("codes", "--json").document["codes"][CHEATING]).secret
    (folder / "renamed.json").write_text(json.dumps(document), "utf-8")
    (folder / "sealed.json").write_text(json.dumps({**document, "seal": seal_of(document, secret)}), "utf-8")
    wanted = {file.name: "right", "renamed.json": "altered", "sealed.json": "other seed"}
    assert judged(room, folder) == (1, wanted)
    sealed = next(result for result in results(folder) if result["file"] == "sealed.json")
    assert any(reason.endswith(f"the evidence is that of {IDEAL}") for reason in sealed["why"]), sealed
    assert_packets_are_judged(room, folder / "forged", json.loads(text))
    file.write_text(text.replace('"attempts": 1', '"attempts": 9'), "utf-8")
    assert judged(room, folder)[1][file.name] == "altered"


def assert_packets_are_judged(room: Class, folder: Path, document: Any) -> None:
    """Sealed with the seat's own secret, packets that are cut off are named, and those of another lab."""
    folder.mkdir()
    secret = parse_seat_code(room.cli("codes", "--json").document["codes"][IDEAL]).secret
    evidence = document["tasks"]["look-up"]["evidence"]
    packets, hosts = evidence["packets"]["pcapng"], evidence["hosts"]
    forged = {"cut.json": (packets[:-8], hosts), "other-lab.json": (packets, moved(hosts))}
    for name, (evidence["packets"]["pcapng"], evidence["hosts"]) in forged.items():
        (folder / name).write_text(json.dumps({**document, "seal": seal_of(document, secret)}), "utf-8")
        assert judged(room, folder) == (1, {name: "wrong evidence"})
        (folder / name).unlink()
    assert "the packets are those of another lab" in results(folder)[0]["why"][0]


def moved(hosts: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same hosts in another lab, except the app, whose address the question of the learner had as its answer."""
    kept = {"app", "app.shop.lab"}
    return {host: known if host in kept else ["10.9.9.9"] for host, known in hosts.items()}


def judged(room: Class, folder: Path) -> tuple[int, dict[str, str]]:
    """The exit code of `class collect`, and the verdict on each file."""
    ran = Bench(room.engine, room.name).run(
        "class", "collect", str(folder), "--class", room.name, "--output", str(folder / "judged")
    )
    return ran.code, {result["file"]: result["verdict"] for result in results(folder)}


def results(folder: Path) -> list[Any]:
    document = json.loads((folder / "judged" / "results.json").read_text("utf-8"))
    files: list[Any] = document["files"]
    return files


def cell(room: Class, seat: str, task: str) -> Any:
    """One task of one seat on the board."""
    row = next(row for row in room.board()["seats"] if row["seat"] == seat)
    return next(cell for cell in row["tasks"] if cell["name"] == task)


def is_stuck_by(room: Class, name: str) -> bool:
    """Whether the wrong learner alone is stuck, after an attempt; a slow machine may need another one."""
    room.in_client(WRONG, "dig", name)
    return stuck_on(room.board()) == [("DNS answer", [WRONG])]


def stuck_on(board: Any) -> list[tuple[str, list[str]]]:
    return [(group["layer"], group["seats"]) for group in board["stuck"]]


def is_anew(room: Class, seat: str, before: dict[str, str]) -> bool:
    """Whether all seats are ready, and no machine of this one is an old one."""
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
