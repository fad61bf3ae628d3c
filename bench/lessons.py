"""How soon a lesson answers: python bench/lessons.py [--rounds N]

Measures on the engine in use, in the lesson of `basic` in a lab of its own,
- the time from a packet that completes a task to the line that says so (wanted: 1 s at most),
- the time from an attempt that fails to the sentence that says what is wrong, and to the sentence that names the broken
  layer (wanted: 2 s at most), for a lookup and for a connection.
A program in the client prints the time of day just before it sends, and the lines of the lesson get theirs as they
come. Each round begins the task anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from statistics import median

from own_state import ROOT, WIRELAB, own_state

LAB = f"bench-lessons-{os.getpid()}"
SECONDS = 60.0
SEND = """
import socket, sys, time
print(time.time(), flush=True)
try:
    address = socket.getaddrinfo(sys.argv[1], 80, socket.AF_INET)[0][4][0]
    socket.create_connection((address, int(sys.argv[2])), 2) if sys.argv[2] != "0" else None
except OSError:
    pass
"""


class Lesson:
    """A lesson that runs; its lines come with the time of day at which they were read."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: SimpleQueue[tuple[float, str]] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put((time.time(), line))

    def type(self, words: str) -> None:
        """Type a line into the lesson."""
        assert self._process.stdin
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()

    def time_of(self, beginning: str) -> float:
        """Wait for a line that begins so; when it came. Raises queue.Empty after a minute without a line."""
        while True:
            at, line = self._lines.get(timeout=SECONDS)
            if line.startswith(beginning):
                return at


@contextmanager
def lesson() -> Iterator[Lesson]:
    argv = (*WIRELAB, "learn", "basic", "--lab", LAB, "--seed", "4")
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            yield Lesson(process)
        finally:
            process.terminate()


def send(name: str, port: int) -> float:
    """Look a name up on the client, and connect to a port unless it is 0; when the program began to send."""
    argv = (*WIRELAB, "exec", "basic", "client", "--lab", LAB, "--", "python3", "-c", SEND, name, str(port))
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT)
    return float(done.stdout.split()[0])


def measure(rounds: int) -> dict[str, list[float]]:
    """What is measured -> seconds, one for each round."""
    took: dict[str, list[float]] = {}
    with lesson() as learner:
        learner.time_of("--- task")
        for _ in range(rounds):
            for task, name, port, beginnings in (
                ("look-up", "app.shop.lab", 0, ("done:",)),
                ("look-up", "ap.shop.lab", 0, ("not yet:", "why (")),
                ("fetch", "app.shop.lab", 81, ("not yet:", "why (")),
            ):
                learner.type(f"restore {task}")
                learner.time_of("--- task")
                sent = send(name, port)
                for beginning in beginnings:
                    what = f"{task}: {name}{f' port {port}' if port else ''}: {beginning.rstrip(' (:')}"
                    took.setdefault(what, []).append(learner.time_of(beginning) - sent)
        learner.type("quit")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    with own_state(LAB):
        took = measure(rounds)
    print("| what | median | worst | wanted | holds |\n|---|---|---|---|---|")
    for what, seconds in took.items():
        most = 1.0 if what.endswith("done") else 2.0
        holds = "yes" if max(seconds) <= most else "**no**"
        print(f"| {what} | {median(seconds):.2f} s | {max(seconds):.2f} s | at most {most:g} s | {holds} |")
    print(f"\n{rounds} rounds; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
