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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bare import Engine, Refused, remove_network
from killed import pytest_killed, up_killed
from record import compose, record
from writes import Listener

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BARE = (sys.executable, str(BENCH / "bare.py"))
LAST = 4000
# The labs of a person on the same engine bear other names.
PREFIX = "bench-"
KILLED_AT = ("network:lab", "node:", "ready:dns", "node:db", "ready:db")


@dataclass(frozen=True)
class Once:
    """One process: wall-clock seconds, its own CPU seconds, peak memory in megabytes, and what it printed."""

    seconds: float
    cpu: float
    megabytes: float
    out: str


@dataclass
class Measured:
    """All that was measured: name -> values in the order of the rounds."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)

    def put(self, name: str, once: Once) -> None:
        self.seconds.setdefault(name, []).append(once.seconds)
        self.cpu.setdefault(name, []).append(once.cpu)
        self.megabytes[name] = max(self.megabytes.get(name, 0), once.megabytes)

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, name: str, bound: str) -> float:
        pairs = zip(self.seconds[name], self.seconds[bound], strict=True)
        return median([ours / theirs for ours, theirs in pairs])


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
        return process((*self.wirelab, *arguments), environ)

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


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


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
    put = bench.measured.put
    put(f"up {lab}", bench.ours("up", scenario, "--lab", PREFIX + lab))
    put(f"second up {lab}", bench.ours("up", scenario, "--lab", PREFIX + lab))
    if checks:
        put(f"check {lab}", bench.ours("check", scenario, "--lab", PREFIX + lab))
    put(f"down {lab}", bench.ours("down", scenario, "--lab", PREFIX + lab))


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


def with_kills(bench: Bench) -> None:
    """`up` killed at several of its steps, and a pytest killed while its lab stands."""
    environ = {**os.environ, "DOCKER_HOST": bench.engine, "WIRELAB_STATE": str(bench.folder / "state")}
    seconds = bench.measured.seconds
    for number in range(bench.rounds):
        word = KILLED_AT[number % len(KILLED_AT)]
        seconds.setdefault("up killed", []).append(up_killed(bench.wirelab, f"{PREFIX}killed", word, environ))
        seconds.setdefault("pytest killed", []).append(pytest_killed(bench.folder, environ))
        progress(f"killed: round {number + 1} of {bench.rounds}")


@dataclass(frozen=True)
class Row:
    """One line of the table; `holds` is None where nothing could be measured."""

    what: str
    ours: str
    bound: str
    figure: str
    target: str
    holds: bool | None


def against(measured: Measured, name: str, bound: str, most: float, says: str) -> Row:
    ratio = measured.ratio(name, bound)
    ours, theirs = f"{measured.median(name):.3f} s", f"{measured.median(bound):.3f} s"
    return Row(f"`{name}`", ours, f"{says}: {theirs}", f"{ratio:.2f} times", f"at most {most:g} times", ratio <= most)


def within(measured: Measured, name: str, most: float) -> Row:
    seconds = measured.median(name)
    return Row(f"`{name}`", f"{seconds:.3f} s", "", f"{seconds:.2f} s", f"at most {most:g} s", seconds <= most)


def worst(measured: Measured, name: str, most: float) -> Row:
    """The slowest round counts: what is left behind once is left behind."""
    slowest = max(measured.seconds[name])
    ours = f"{measured.median(name):.2f} s"
    return Row(
        f"`{name}`: nothing is left after", ours, "", f"{slowest:.2f} s (slowest)", f"{most:g} s", slowest <= most
    )


def rows(measured: Measured, requests: int, writes: list[str], compose_found: str) -> list[Row]:
    table = [
        against(measured, "up basic", "bare up basic", 1.4, "bare calls"),
        against(measured, "up sixteen", "bare up sixteen", 1.15, "bare calls"),
        _compose_row(measured, compose_found),
        within(measured, "second up basic", 0.5),
        within(measured, "second up sixteen", 0.5),
        Row("engine writes of a second `up`", f"{len(writes)} of {requests} requests", "", str(len(writes)), "0",
            not writes),
        against(measured, "down basic", "bare down basic", 1.25, "bare removal"),
        against(measured, "down sixteen", "bare down sixteen", 1.25, "bare removal"),
        within(measured, "check basic", 1.0),
        worst(measured, "up killed", 2.0),
        worst(measured, "pytest killed", 2.0),
        against(measured, "--help", "python -c pass", 6, "`python -c pass`"),
    ]  # fmt: skip
    peaks = {name: mb for name, mb in measured.megabytes.items() if not name.startswith(("bare", "python", "compose"))}
    most = max(peaks, key=lambda name: peaks[name])
    each = ", ".join(f"{name} {peaks[name]:.0f}" for name in sorted(peaks))
    held = peaks[most] <= 100
    return [*table, Row("peak memory, MB", each, "", f"{peaks[most]:.0f} MB (`{most}`)", "at most 100 MB", held)]


def _compose_row(measured: Measured, version: str) -> Row:
    what, target = "`up basic` and `docker compose up --wait`", "at least 4 times faster"
    if not version:
        return Row(what, "", "`docker compose` is not on this machine", "not measured", target, None)
    ours = "up basic beside compose"
    times = measured.ratio("compose up basic", ours)
    bound = f"Compose {version}: {measured.median('compose up basic'):.2f} s"
    return Row(what, f"{measured.median(ours):.3f} s", bound, f"{times:.1f} times faster", target, times >= 4)


def table_text(table: list[Row]) -> str:
    words = {True: "yes", False: "**no**", None: "-"}
    lines = ["| what | wirelab | bound | measured | wanted | holds |", "|---|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.ours} | {r.bound} | {r.figure} | {r.target} | {words[r.holds]} |" for r in table]
    return "\n".join(lines)


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def command() -> tuple[str, ...]:
    """What a person calls: the script beside this interpreter, or else the module."""
    script = Path(sys.executable).parent / "wirelab"
    return (str(script),) if script.exists() else (sys.executable, "-m", "orchestrator")


def engine_url(wirelab: tuple[str, ...]) -> str:
    """The engine that wirelab uses, from `wirelab engine env`."""
    done = subprocess.run((*wirelab, "engine", "env"), capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().rpartition("DOCKER_HOST=")[2].strip("'\"")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure wirelab and print the table.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each lab (default 5)")
    parser.add_argument(
        "--only", choices=("basic", "sixteen", "help", "compose", "killed"), help="one part, its raw medians; no table"
    )
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
    if only in (None, "help"):
        start_of_the_command(bench)
    if only in (None, "basic"):
        labs(bench, "basic", "basic", checks=True)
    if only in (None, "sixteen"):
        labs(bench, str(sixteen(bench.folder / "sixteen")), "sixteen", checks=False)
    version = compose_version() if only in (None, "compose") else ""
    if version:
        write_down(bench, "basic", "basic")
        with_compose(bench, "basic")
    if only in (None, "killed"):
        with_kills(bench)
    if only:
        for name, values in bench.measured.seconds.items():
            cpu = median(bench.measured.cpu.get(name) or [0.0])
            print(f"{name:20} {median(values):.3f} s  (CPU {cpu:.3f} s)  {[round(value, 3) for value in values]}")
        return
    requests, writes = writes_of_a_second_up(bench, "basic")
    print(table_text(rows(bench.measured, requests, writes, version)))
    where = f"{os.cpu_count()} cores, kernel {platform.release()}, Python {platform.python_version()}"
    load = f"load average {began:.1f} before, {os.getloadavg()[0]:.1f} after"
    each = ", ".join(f"{name} {median(values):.2f}" for name, values in sorted(bench.measured.cpu.items()))
    print(f"\nCPU seconds of the process itself, the engine's not counted: {each}.")
    print(f"\nMedians of {bench.rounds} rounds (15 for `--help`); {where}; {load}.")


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
