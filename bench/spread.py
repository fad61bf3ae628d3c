"""What it costs to spread labs over members: bench/spread.py [--labs N] [--rounds N] [--sample]

Two engines are started on this machine, each in network, mount and process namespaces of its own, as members beside the
engine in use. Each round brings up N labs of `basic`, two at a time: once over the three engines (`up --members`), and
once on the engine in use; then it removes them. The order alternates, so a machine that is busy with other work slows
both. The images are sent before the first round. All engines share the processors and the memory of this machine. So if
the labs over three engines take longer, placing labs and reaching members costs that time.
Needs root and dockerd.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from tempfile import TemporaryDirectory

from own_state import ROOT, WIRELAB, engine_url
from table import HEADER, Row, print_rows

sys.path.insert(0, str(ROOT / "tests" / "support"))
MEMBERS = ("a", "b")
EVERYWHERE = ",".join(("local", *MEMBERS))
LABS, ROUNDS = 40, 3
AT_ONCE = 2
MOST_OVERHEAD = 1.05
PREFIX = f"s{os.getpid()}"


def wirelab(*words: str) -> str:
    """Run a command to its end; what it said. Stops the bench if it fails."""
    done = subprocess.run((*WIRELAB, *words), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"wirelab {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def two_members() -> Iterator[None]:
    """The engines `a` and `b` of this machine, which have the images; they end with the block."""
    from machine import fresh_machine

    with ExitStack() as stack:
        for name in MEMBERS:
            machine = stack.enter_context(fresh_machine())
            machine.engine("up")
            stack.callback(machine.engine, "down", "--purge")
            wirelab("members", "add", name, f"unix://{machine.state}/engine/docker.sock")
            wirelab("up", "basic", "--lab", f"{PREFIX}-{name}", "--member", name)
            wirelab("down", "basic", "--lab", f"{PREFIX}-{name}")
        yield


def all_up(count: int, *where: str) -> tuple[float, Counter[str]]:
    """Seconds until so many labs are up, and how many stand on each engine; they are removed afterwards."""
    names = [f"{PREFIX}-{number}" for number in range(count)]
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: wirelab("up", "basic", "--lab", name, *where), names))
        seconds = time.monotonic() - began
        labs = json.loads(wirelab("ls", "--json"))["labs"]
        places = Counter(lab["member"] or "local" for lab in labs if lab["lab"] in names)
        list(pool.map(lambda name: wirelab("down", "basic", "--lab", name), names))
    return seconds, places


def measured(count: int, rounds: int) -> tuple[list[float], list[float], Counter[str]]:
    """Seconds of each round, spread and on one engine, and the places of the last one."""
    spread, alone, places = list[float](), list[float](), Counter[str]()
    for number in range(rounds):
        for is_spread in (True, False) if number % 2 == 0 else (False, True):
            seconds, found = all_up(count, *(("--members", EVERYWHERE) if is_spread else ()))
            (spread if is_spread else alone).append(seconds)
            places = found if is_spread else places
        print(f"round {number + 1} of {rounds}: {spread[-1]:.1f} s and {alone[-1]:.1f} s", file=sys.stderr)
    return spread, alone, places


def row(count: int, spread: list[float], alone: list[float], places: Counter[str]) -> Row:
    ratio = median(ours / bound for ours, bound in zip(spread, alone, strict=True))
    where = ", ".join(f"{places[name]} on {name}" for name in ("local", *MEMBERS))
    return Row(
        f"{count} labs of `basic` over three engines ({where})",
        f"{median(spread):.1f} s",
        f"on one engine: {median(alone):.1f} s",
        f"{ratio:.2f} times",
        f"at most {MOST_OVERHEAD} times",
        ratio <= MOST_OVERHEAD,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labs", type=int, default=LABS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sample", action="store_true", help="one round of three labs, to see that the bench works")
    options = parser.parse_args()
    count, rounds = (3, 1) if options.sample else (options.labs, options.rounds)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["DOCKER_HOST"] = engine_url()
    with TemporaryDirectory(prefix="wl-") as state:
        os.environ["WIRELAB_STATE"] = state
        with two_members():
            wirelab("run", "basic", "--rm", "--lab", f"{PREFIX}-first")
            spread, alone, places = measured(count, rounds)
    print(HEADER)
    print_rows([row(count, spread, alone, places)])


if __name__ == "__main__":
    main()
