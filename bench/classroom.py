"""What a class costs, and how soon it shows what happens: bench/classroom.py [--seats N] [--memory MB] [--sample]

Measures on the engine in use, in a class of `basic` of its own,
- from `class start` until each seat is ready, against the same containers by bare calls of the engine's API afterwards
  (as many labs at a time),
- from a packet that completes a task to the seat's page and to the board that say so, with ten seats active at once,
  and once more in as many others while somebody attacks from one seat,
- how soon the board names what is used up in that seat,
- the processor time and the resident sets of the server with its helpers, and of the recorders (dumpcap and tshark), at
  rest and while those seats send; and what the control groups of a seat's containers hold.
A program in each client prints the time of day just before it sends. Pages are those of the class's own server; they
are open for five seconds before that, as a learner reads the task first. With --memory, all containers of the engine
and the server have so many MiB, by the kernel's limit (memory_limit.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from memory_limit import LimitedGroup, memory_limit
from own_state import ROOT, WIRELAB, own_state
from table import HEADER, Row, print_rows

sys.path.insert(0, str(ROOT / "tests" / "support"))
CLASS = f"b{os.getpid()}"
MOST_ACTIVE = 10
AT_ONCE = 2  # labs, as the class does
SECONDS = 600.0
READ_SECONDS = 5.0
LAB = "wirelab.lab"  # the label of all containers of a lab
# What is typed in one seat, and what the board says of it: memory and disk are used up, 1,000 lines a second are
# shown, and more and more processes take all that the node may have of the processor.
ATTACK = (
    ("python3 -c 'bytearray(400 << 20)'", "out of memory"),
    ("dd if=/dev/zero of=/tmp/full bs=1M count=100", "is full"),
    (
        """python3 -c 'import time
begun, count = time.monotonic(), 0
while True:
    missing = int(1000 * (time.monotonic() - begun)) - count
    print("a line of some length\\n" * missing, end="", flush=True)
    count += missing
    time.sleep(0.05)' &""",
        "lines a second",
    ),
    ("while :; do (while :; do :; done) & done 2> /dev/null", "no process left"),
)
SEND = """
import socket, time
print(time.time(), flush=True)
socket.getaddrinfo("app.shop.lab", 80, socket.AF_INET)
"""


def wirelab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*WIRELAB, *words), cwd=ROOT, capture_output=True, text=True, check=True)


def state_of(seat: str) -> Callable[[Any], bool]:
    """Whether a message of the board tells that this seat has done the task."""

    def is_done(message: Any) -> bool:
        rows = {row["seat"]: row for row in message.get("seats", ())}
        return seat in rows and is_task_done(rows[seat]["tasks"])

    return is_done


def is_task_done(tasks: list[dict[str, Any]]) -> bool:
    return any(task["name"] == "look-up" and task["state"] == "done" for task in tasks)


def arrival(page: Any, is_wanted: Callable[[Any], bool]) -> float:
    """The time of day at which a socket told of what is wanted."""
    while not is_wanted(json.loads(page.recv(timeout=SECONDS))):
        continue
    return time.time()


class Room:
    """A class that is served: its process, its links, and when it was ready."""

    def __init__(self, process: subprocess.Popen[str], seats: int) -> None:
        assert process.stdout
        lines = [process.stdout.readline().split() for _ in range(seats + 1)]
        self.links = {line[0]: line[1] for line in lines}
        self.seats = [name for name in self.links if name != "board"]
        self.pid = process.pid

    def wait(self, is_so: Callable[[list[Any]], bool]) -> None:
        """Wait until the rows of the board are so."""
        from live_view import follow

        with follow(self.links["board"]).socket("/board/socket") as board:
            arrival(board, lambda message: is_so(message.get("seats", [])))

    def evidence(self, seats: list[str], begin: Callable[[], None]) -> tuple[list[float], list[float]]:
        """Seconds from a lookup in each of these seats, all at once, to its page, and to the board.

        `begin` is called once the learners have read their pages.
        """
        from live_view import follow

        with ExitStack() as stack, ThreadPoolExecutor(3 * len(seats)) as work:
            pages = {seat: stack.enter_context(follow(self.links[seat]).socket()) for seat in seats}
            visitor = follow(self.links["board"])
            boards = {seat: stack.enter_context(visitor.socket("/board/socket")) for seat in seats}
            time.sleep(READ_SECONDS)
            begin()
            on_page = {seat: work.submit(arrival, pages[seat], shows_done) for seat in seats}
            on_board = {seat: work.submit(arrival, boards[seat], state_of(seat)) for seat in seats}
            sent = dict(zip(seats, work.map(send, seats), strict=True))
            return (
                [on_page[seat].result() - sent[seat] for seat in seats],
                [on_board[seat].result() - sent[seat] for seat in seats],
            )

    @contextmanager
    def attacked(self, seat: str) -> Iterator[float]:
        """Attack from this seat inside the block; gives the seconds until the board had named the last-named part."""
        from live_view import follow

        visitor = follow(self.links[seat])
        with visitor.socket() as page:
            page.send(json.dumps({"id": 1, "do": "open_terminal", "node": "client"}))
            answer = next(told for told in map(json.loads, page) if told.get("id") == 1)
            session = answer["data"]["session"]
            with visitor.socket(f"/terminal/client?session={session}") as terminal, ThreadPoolExecutor(1) as work:
                work.submit(lambda: [None for _piece in terminal])
                seconds = []
                for typed, words in ATTACK:
                    begun = time.perf_counter()
                    terminal.send(f"{typed}\n".encode())
                    self.wait(partial(says, seat, words))
                    seconds.append(time.perf_counter() - begun)
                yield max(seconds)
                terminal.close()


def says(seat: str, words: str, rows: list[Any]) -> bool:
    """Whether the board says so of a seat."""
    return any(words in row["why"] for row in rows if row["seat"] == seat)


def has_begun(row: Any) -> bool:
    """Whether a row of the board tells that the task waits for evidence."""
    return row["task"] == "look-up" and row["since"] is not None


def shows_done(message: Any) -> bool:
    """Whether a message of a seat's page tells that the task is done."""
    return message["type"] == "lesson" and is_task_done(message["tasks"])


def send(seat: str) -> float:
    """Look the app up on the seat's client; when the program began to send."""
    done = wirelab("exec", f"{CLASS}-{seat}", "client", "--", "python3", "-c", SEND)
    return float(done.stdout.split()[0])


@contextmanager
def served(seats: int) -> Iterator[Room]:
    argv = (*WIRELAB, "class", "start", CLASS, "--seats", str(seats), "--scenario", "basic")
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(argv, stdout=pipe, stderr=null, text=True, cwd=ROOT) as process:
        try:
            yield Room(process, seats)
        finally:
            process.terminate()


def containers(label: str) -> list[Any]:
    """The containers of the class that bear this label."""
    import docker

    found = docker.from_env().containers.list(filters={"label": label}, ignore_removed=True)
    return [container for container in found if container.labels["wirelab.lab"].startswith(f"{CLASS}-")]


def recorders() -> list[Any]:
    """The programs that read the packets of the seats."""
    from orchestrator.host.processes import name_of, process

    pids = [int(row[1]) for container in containers("wirelab.capture=live") for row in container.top()["Processes"]]
    running = [found for found in map(process, pids) if found]
    return [program for program in running if name_of(program) in ("dumpcap", "tshark")]


def server_of(room: Room) -> list[Any]:
    """The process that serves the class, and those that it has started: its watchdogs."""
    import psutil

    server = psutil.Process(room.pid)
    return [server, *server.children(recursive=True)]


def container_seconds() -> float:
    """The processor time that all containers of the seats have used so far."""
    stats = (container.client.api.stats(container.id, stream=False, one_shot=True) for container in containers(LAB))
    return sum(float(document["cpu_stats"]["cpu_usage"]["total_usage"]) for document in stats) / 1e9


def memory_row(what: str, seats: int) -> Row:
    """What the control groups of the seats hold, without the files that the kernel can give up."""
    from orchestrator.engine.docker.config import memory_use_seen

    held = [
        memory_use_seen(container.client.api.stats(container.id, stream=False, one_shot=True))
        for container in containers(LAB)
    ]
    megabytes = sum(held) / 1024 / 1024
    return Row(what, f"{megabytes:.0f} MiB in all", "", f"{megabytes / seats:.0f} MiB a seat", "", None)


def measure(seats: int, seconds: float, folder: Path, group: LimitedGroup | None) -> Iterator[Row]:
    """The rows of a class of so many seats."""
    begun = time.perf_counter()
    with served(seats) as room:
        if group:
            group.take(room.pid)
            killed = group.killed()
        room.wait(lambda rows: {row["state"] for row in rows} == {"ready"})
        warm = time.perf_counter() - begun
        labs = [recorded(f"{CLASS}-{seat}", folder) for seat in room.seats]
        yield from rest_rows(room, seconds)
        *learners, attacker = room.seats
        active = learners[: min(MOST_ACTIVE, len(learners) // 2)]
        yield from active_rows(room, active, "active")
        yield memory_row(f"control groups of {seats} seats, {len(active)} active", seats)
        if group:  # before somebody wants more than a node may have
            yield group_row(group, group.killed() - killed)
        with room.attacked(attacker) as named:
            yield seconds_row("each part of an attack, until the board names it", named, "at most 30 s", 30.0)
            others = learners[len(active) :][: len(active)]
            yield from active_rows(room, others, "active beside the attack")
    wirelab("class", "stop", CLASS, "--forget")
    bare = bare_seconds(labs)
    ratio = warm / bare
    ours, theirs = f"{warm:.1f} s", f"bare calls: {bare:.1f} s"
    yield Row(f"`class start` of {seats} seats", ours, theirs, f"{ratio:.2f} times", "at most 1.3 times", ratio <= 1.3)


def rest_rows(room: Room, seconds: float) -> Iterator[Row]:
    """What the class takes while nobody does anything for so long."""
    from live_page import Used, used_row

    seats = len(room.seats)
    used = {"server": Used(server_of(room)), "recorders": Used(recorders())}
    begun, before = time.perf_counter(), container_seconds()
    for part in used.values():
        part.begin()
    time.sleep(seconds)
    for part in used.values():
        part.end()
    percent = 100 * (container_seconds() - before) / (time.perf_counter() - begun)
    yield from (used_row(f"{name} of {seats} seats, at rest", part) for name, part in used.items())
    whole = percent + used["server"].percent
    figure = f"{whole:.0f} % of a processor"
    yield Row(f"containers and server of {seats} seats, at rest", "", "", figure, "at most 15 %", whole <= 15)
    yield memory_row(f"control groups of {seats} seats, at rest", seats)


def active_rows(room: Room, seats: list[str], what: str) -> Iterator[Row]:
    """What it takes that these seats send at once, and how soon it shows."""
    from live_page import Used, used_row

    for seat in seats:
        wirelab("class", "mark-done", CLASS, seat, "first-packet")
    room.wait(lambda rows: sum(has_begun(row) for row in rows if row["seat"] in seats) == len(seats))
    used: dict[str, Used] = {}

    def begin() -> None:
        used.update(server=Used(server_of(room)), recorders=Used(recorders()))
        for part in used.values():
            part.begin()

    on_page, on_board = room.evidence(seats, begin)
    for part in used.values():
        part.end()
    which = f"{len(seats)} seats {what}"
    yield from (used_row(f"{name}, {which}", part) for name, part in used.items())
    yield latency_row(f"a packet to the seat's page, {which}", on_page)
    yield latency_row(f"a packet to the board, {which}", on_board)


def recorded(lab: str, folder: Path) -> Path:
    """A file with the calls that make the same lab."""
    from record import record

    nodes = Path(os.environ["WIRELAB_STATE"]) / "labs" / lab / "nodes"
    file = folder / f"{lab}.json"
    file.write_text(json.dumps(record(os.environ["DOCKER_HOST"], lab, nodes, folder / lab)), "utf-8")
    return file


def bare_seconds(labs: list[Path]) -> float:
    """How long the same labs take by bare calls; they are removed again."""
    bare = (sys.executable, str(ROOT / "bench" / "bare.py"))
    begun = time.perf_counter()
    try:
        with ThreadPoolExecutor(AT_ONCE) as work:
            list(work.map(lambda lab: subprocess.run((*bare, "up", str(lab)), check=True), labs))
        return time.perf_counter() - begun
    finally:
        for lab in labs:
            subprocess.run((*bare, "down", str(lab)), check=False)


def group_row(group: LimitedGroup, killed: int) -> Row:
    most = f"{group.most_megabytes} MiB at most, files included"
    return Row("under the limit of --memory", most, "", f"{killed} processes ended by the kernel", "0", killed == 0)


def seconds_row(what: str, seconds: float, wanted: str, most: float) -> Row:
    return Row(what, "", "", f"{seconds:.1f} s", wanted, seconds <= most)


def latency_row(what: str, seconds: list[float]) -> Row:
    worst = max(seconds)
    return Row(what, f"median {median(seconds):.2f} s", "", f"{worst:.2f} s (worst)", "at most 2 s", worst <= 2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seats", type=int, default=30)
    parser.add_argument(
        "--memory", type=int, metavar="MB", help="a limit for all containers and the server; needs root"
    )
    parser.add_argument(
        "--sample", action="store_true", help="three seats and a short rest, to see that the bench works"
    )
    options = parser.parse_args()
    seats, seconds = (3, 2.0) if options.sample else (options.seats, 20.0)
    load = os.getloadavg()[0]
    limit = memory_limit(options.memory) if options.memory else nullcontext()
    with own_state(f"{CLASS}-none"), TemporaryDirectory() as folder, limit as group:
        print(HEADER)
        try:
            print_rows(measure(seats, seconds, Path(folder), group))
        finally:
            subprocess.run((*WIRELAB, "class", "stop", CLASS, "--forget"), cwd=ROOT, check=False, capture_output=True)
    print(f"\nOnce; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
