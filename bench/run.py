"""Measures wirelab against its bounds, side by side in one run, and prints the table. `make bench` calls it.

Every figure is a whole process from a cold interpreter. Each round does wirelab and the bare calls one after the
other, in alternating order, so that a busy machine slows both; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bare import Engine, Refused, remove_network
from killed import pytest_killed, up_killed
from own_state import engine_url
from record import compose, record
from table import (
    HEADER,
    Measured,
    Once,
    Row,
    _compose_row,
    against,
    basic_rows,
    median,
    memory_row,
    print_rows,
    sixteen_rows,
    testcontainers_row,
    worst,
    writes_row,
)
from writes import Listener

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BARE = (sys.executable, str(BENCH / "bare.py"))
LAST = 4000
# The labs of a person on the same engine bear other names.
PREFIX = "bench-"
KILLED_AT = ("network:lab", "node:", "ready:dns", "node:db", "ready:db")


@dataclass(frozen=True)
class Bench:
    """Where this run works, and how the command is called."""

    folder: Path
    engine: str
    rounds: int
    wirelab: tuple[str, ...]
    # One round of everything, to see that the bench itself works.
    sample: bool = False
    measured: Measured = field(default_factory=Measured)

    def ours(self, *arguments: str, engine: str = "") -> Once:
        environ = {**os.environ, "DOCKER_HOST": engine or self.engine, "WIRELAB_STATE": str(self.folder / "state")}
        # As a person calls it: the first, uncounted command leaves the compiled modules for the others.
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        return process((*self.wirelab, *arguments), environ)

    def counted(self, name: str, *arguments: str) -> None:
        """Measure a command of wirelab, and an interpreter that does nothing just before it."""
        self.measured.put(f"pass before {name}", process((sys.executable, "-c", "pass"), dict(os.environ)))
        self.measured.put(name, self.ours(*arguments))

    def bare(self, what: str, lab: Path) -> Once:
        return process((*BARE, what, str(lab)), dict(os.environ))


def process(argv: tuple[str, ...], environ: dict[str, str]) -> Once:
    """Run it to its end; stop the bench if it fails, with what it said."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        out = output.read().decode(errors="replace")
    if child.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {child.returncode}:\n{out[-LAST:]}")
    return Once(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out)


def sixteen(folder: Path) -> Path:
    """A scenario of 16 nodes: DNS, three databases, six apps that use them, six clients that use those."""
    nodes = {"dns": "{role: dns}"}
    nodes |= {f"db{n}": "{role: database}" for n in range(1, 4)}
    nodes |= {f"app{n}": f"{{role: app, uses: [db{(n - 1) % 3 + 1}]}}" for n in range(1, 7)}
    nodes |= {f"client{n}": f"{{role: client, uses: [app{n}]}}" for n in range(1, 7)}
    text = "name: sixteen\ntitle: Sixteen nodes\ndomain: shop.lab\nnodes:\n"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(text + "".join(f"  {name}: {node}\n" for name, node in nodes.items()))
    return folder


def write_down(bench: Bench, scenario: str, lab: str) -> Path:
    """Bring the lab up once, uncounted, and write down what bare.py needs to make the same."""
    bench.ours("up", scenario, "--lab", PREFIX + lab)
    nodes = bench.folder / "state" / "labs" / (PREFIX + lab) / "nodes"
    document = record(bench.engine, PREFIX + lab, nodes, bench.folder / f"{lab}-files")
    path = bench.folder / f"{lab}.json"
    path.write_text(json.dumps(document, indent=1))
    bench.ours("down", scenario, "--lab", PREFIX + lab)
    return path


def labs(bench: Bench, scenario: str, lab: str, *, checks: bool) -> None:
    """The rounds of one lab; wirelab first in one, the bare calls first in the next."""
    bare_lab = write_down(bench, scenario, lab)
    for number in range(bench.rounds):
        order: list[Callable[[], None]] = [
            lambda: _ours(bench, scenario, lab, checks=checks),
            lambda: _bare(bench, bare_lab, lab),
        ]
        for case in order if number % 2 == 0 else reversed(order):
            case()
        progress(f"{lab}: round {number + 1} of {bench.rounds}")


def _ours(bench: Bench, scenario: str, lab: str, *, checks: bool) -> None:
    bench.counted(f"up {lab}", "up", scenario, "--lab", PREFIX + lab)
    bench.counted(f"second up {lab}", "up", scenario, "--lab", PREFIX + lab)
    if checks:
        bench.counted(f"check {lab}", "check", scenario, "--lab", PREFIX + lab)
    bench.counted(f"down {lab}", "down", scenario, "--lab", PREFIX + lab)


def _bare(bench: Bench, bare_lab: Path, lab: str) -> None:
    bench.measured.put(f"bare up {lab}", bench.bare("up", bare_lab))
    bench.measured.put(f"bare down {lab}", bench.bare("down", bare_lab))


def start_of_the_command(bench: Bench) -> None:
    for _ in range(1 if bench.sample else max(15, bench.rounds)):
        bench.measured.put("--help", bench.ours("--help"))
        bench.measured.put("python -c pass", process((sys.executable, "-c", "pass"), dict(os.environ)))


def writes_of_a_second_up(bench: Bench, lab: str) -> tuple[int, list[str]]:
    """How many requests a second `up` makes, and those that may change something."""
    bench.ours("up", "basic", "--lab", PREFIX + lab)
    listener = Listener(bench.engine, bench.folder / "listener.sock")
    bench.ours("up", "basic", "--lab", PREFIX + lab, engine=listener.url)
    bench.ours("down", "basic", "--lab", PREFIX + lab)
    return len(listener.requests), listener.writes()


def compose_version() -> str:
    """The version of `docker compose`, of v2 or later; empty if there is none."""
    try:
        done = subprocess.run(("docker", "compose", "version", "--short"), capture_output=True, text=True, timeout=30)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def with_compose(bench: Bench, lab: str) -> None:
    """`docker compose up --wait` of the lab that was written down."""
    document = json.loads((bench.folder / f"{lab}.json").read_text())
    file = bench.folder / "compose.yaml"
    file.write_text(json.dumps(compose(document, {"app": ["db"], "client": ["app", "dns"]})))
    environ = {**os.environ, "DOCKER_HOST": bench.engine}
    argv = ("docker", "compose", "-f", str(file))
    for _ in range(bench.rounds):
        bench.measured.put(f"compose up {lab}", process((*argv, "up", "--wait"), environ))
        process((*argv, "down", "--volumes", "--timeout", "0"), environ)
        bench.measured.put(f"up {lab} beside compose", bench.ours("up", lab, "--lab", PREFIX + lab))
        bench.ours("down", lab, "--lab", PREFIX + lab)


def with_testcontainers(bench: Bench, lab: str) -> None:
    """The recorded lab by testcontainers-python, until its last wait is over, and `up` beside it."""
    argv = (sys.executable, str(BENCH / "with_testcontainers.py"), str(bench.folder / f"{lab}.json"))
    for _ in range(bench.rounds):
        whole = process(argv, {**os.environ, "DOCKER_HOST": bench.engine})
        stood = float(whole.out.split()[0])
        bench.measured.put(f"testcontainers {lab}", replace(whole, seconds=stood))
        bench.measured.put(f"up {lab} beside testcontainers", bench.ours("up", lab, "--lab", PREFIX + lab))
        bench.ours("down", lab, "--lab", PREFIX + lab)
        progress("testcontainers: a round")


def with_kills(bench: Bench) -> None:
    """`up` killed at several of its steps, and a pytest killed while its lab stands."""
    environ = {**os.environ, "DOCKER_HOST": bench.engine, "WIRELAB_STATE": str(bench.folder / "state")}
    seconds = bench.measured.seconds
    for number in range(bench.rounds):
        word = KILLED_AT[number % len(KILLED_AT)]
        seconds.setdefault("up killed", []).append(up_killed(bench.wirelab, f"{PREFIX}killed", word, environ))
        seconds.setdefault("pytest killed", []).append(pytest_killed(bench.folder, environ))
        progress(f"killed: round {number + 1} of {bench.rounds}")


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def command() -> tuple[str, ...]:
    """What a person calls: the script beside this interpreter, or else the module."""
    script = Path(sys.executable).parent / "wirelab"
    return (str(script),) if script.exists() else (sys.executable, "-m", "orchestrator")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure wirelab and print the table.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each lab (default 5)")
    parser.add_argument("--only", choices=tuple(PARTS), help="one part, with its raw times")
    parser.add_argument("--sample", action="store_true", help="one round of everything, to see that the bench works")
    chosen = parser.parse_args()
    wirelab = command()
    folder = Path(tempfile.mkdtemp(prefix="wirelab-bench-"))
    bench = Bench(folder, engine_url(wirelab), 1 if chosen.sample else chosen.rounds, wirelab, chosen.sample)
    try:
        measure(bench, chosen.only)
    finally:
        clean(bench)


def measure(bench: Bench, only: str | None) -> None:
    began = os.getloadavg()[0]
    print(HEADER, flush=True)
    for part, rows_of in PARTS.items():
        if only in (None, part):
            print_rows(rows_of(bench))
    print_rows([memory_row(bench.measured)])
    where = f"{os.cpu_count()} cores, kernel {platform.release()}, Python {platform.python_version()}"
    load = f"load average {began:.1f} before, {os.getloadavg()[0]:.1f} after"
    own = {name: values for name, values in bench.measured.cpu.items() if not name.startswith("pass ")}
    each = ", ".join(f"{name} {median(values):.2f}" for name, values in sorted(own.items()))
    print(f"\nProcessor seconds of the process itself, the engine's not counted: {each}.")
    if only:
        for name, values in bench.measured.seconds.items():
            print(f"{name:32} {median(values):.3f} s  {[round(value, 3) for value in values]}")
    print(f"\nMedians of {bench.rounds} rounds (15 for `--help`); {where}; {load}.")


def _help_rows(bench: Bench) -> list[Row]:
    start_of_the_command(bench)
    return [against(bench.measured, "--help", "python -c pass", 6, "`python -c pass`")]


def _basic_rows(bench: Bench) -> list[Row]:
    labs(bench, "basic", "basic", checks=True)
    return [*basic_rows(bench.measured), writes_row(*writes_of_a_second_up(bench, "basic"))]


def _sixteen_rows(bench: Bench) -> list[Row]:
    labs(bench, str(sixteen(bench.folder / "sixteen")), "sixteen", checks=False)
    return sixteen_rows(bench.measured)


def _compose_rows(bench: Bench) -> list[Row]:
    version = compose_version()
    if version:
        write_down(bench, "basic", "basic")
        with_compose(bench, "basic")
    return [_compose_row(bench.measured, version)]


def _testcontainers_rows(bench: Bench) -> list[Row]:
    write_down(bench, "basic", "basic")
    with_testcontainers(bench, "basic")
    return [testcontainers_row(bench.measured)]


def _killed_rows(bench: Bench) -> list[Row]:
    with_kills(bench)
    return [worst(bench.measured, "up killed", 2.0), worst(bench.measured, "pytest killed", 2.0)]


PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "help": _help_rows,
    "basic": _basic_rows,
    "sixteen": _sixteen_rows,
    "compose": _compose_rows,
    "testcontainers": _testcontainers_rows,
    "killed": _killed_rows,
}


def clean(bench: Bench) -> None:
    """Whatever happened: neither lab is left."""
    for lab in ("basic", "sixteen"):
        recorded = bench.folder / f"{lab}.json"
        if recorded.exists():
            clear_bare(bench, json.loads(recorded.read_text()))
        environ = {**os.environ, "DOCKER_HOST": bench.engine, "WIRELAB_STATE": str(bench.folder / "state")}
        subprocess.run((*bench.wirelab, "down", lab, "--lab", PREFIX + lab), env=environ, cwd=ROOT, capture_output=True)
    shutil.rmtree(bench.folder, ignore_errors=True)


def clear_bare(bench: Bench, lab: dict[str, Any]) -> None:
    """Each thing by itself: some may be gone, or never have been."""
    engine = Engine(bench.engine)
    containers = [f"/containers/{container['name']}?force=1&v=1" for container in lab["containers"]]
    volumes = [f"/volumes/{name}?force=1" for name in lab["volumes"]]
    for path in (*containers, *volumes):
        with suppress(Refused):
            engine.call("DELETE", path)
    with suppress(Refused):
        remove_network(engine, lab["network"]["Name"])


if __name__ == "__main__":
    main()
