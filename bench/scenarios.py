"""Measures the whole library of scenarios, how `up` grows with the number of nodes, and reading and planning.

`make bench` calls it after run.py. Every figure is a whole process from a cold interpreter to its exit, but for the
plan of 500 nodes (large.py), which is the planning alone.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from own_state import engine_url
from run import BENCH, PREFIX, ROOT, Bench, command, process, progress
from table import HEADER, Row, median, print_rows

SCENARIOS = sorted(file.parent for file in (ROOT / "scenarios").glob("*/scenario.yaml"))
SIZES = (4, 16, 64)
GROWTH = 1.3


def whole_library(bench: Bench, *, at_once: int) -> tuple[float, dict[str, float]]:
    """Seconds for up, checks and down of every scenario, that many labs at a time; and of each. A sample has two."""
    scenarios = SCENARIOS[:2] if bench.sample else SCENARIOS

    def measure(folder: Path) -> float:
        seconds = bench.ours("run", str(folder), "--rm", "--lab", PREFIX + folder.name).seconds
        progress(f"library, {at_once} at once: {folder.name} {seconds:.1f} s")
        return seconds

    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        each = dict(zip((folder.name for folder in scenarios), pool.map(measure, scenarios), strict=True))
    return time.monotonic() - began, each


def of_size(folder: Path, nodes: int) -> Path:
    """A scenario of that many nodes in the mix of `basic`: a DNS server; a database, an app, a client, and so on."""
    lines = ["name: size", f"title: {nodes} nodes", "domain: shop.lab", "nodes:", "  dns: {role: dns}"]
    for n in range(nodes - 1):
        which = n // 3
        uses = {0: "", 1: f", uses: [db{which}]", 2: f", uses: [app{which}]"}[n % 3]
        name, role = (("db", "database"), ("app", "app"), ("client", "client"))[n % 3]
        lines.append(f"  {name}{which}: {{role: {role}{uses}}}")
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text("\n".join(lines) + "\n")
    return folder


def sizes(bench: Bench) -> tuple[int, ...]:
    """The sizes that are measured; a sample leaves out the largest."""
    return SIZES[:2] if bench.sample else SIZES


def growth(bench: Bench) -> dict[int, list[float]]:
    """Nodes -> seconds of `up`, the sizes one after the other in each round."""
    took: dict[int, list[float]] = {size: [] for size in sizes(bench)}
    folders = {size: of_size(bench.folder / f"size-{size}", size) for size in took}
    for number in range(bench.rounds):
        for size, folder in folders.items():
            took[size].append(bench.ours("up", str(folder), "--lab", f"{PREFIX}{size}").seconds)
            bench.ours("down", str(folder), "--lab", f"{PREFIX}{size}")
        progress(f"sizes: round {number + 1} of {bench.rounds}")
    return took


def largest() -> str:
    """The scenario with the longest file."""
    return max(SCENARIOS, key=lambda folder: (folder / "scenario.yaml").stat().st_size).name


def planning() -> dict[str, float]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    out: dict[str, float] = json.loads(process((sys.executable, str(BENCH / "large.py")), environ).out)
    return out


def rows(bench: Bench) -> Iterator[Row]:
    """Each figure beside what is wanted of it, as it is measured."""
    name = largest()
    validate = median([bench.ours("validate", name).seconds for _ in range(1 if bench.sample else 15)])
    yield Row(f"`validate {name}`", f"{validate:.3f} s", "", f"{validate:.2f} s", "at most 0.4 s", validate <= 0.4)
    for what, seconds in planning().items():
        measured = f"{seconds:.2f} s"
        yield Row(f"planning 500 nodes, {what}", f"{seconds:.3f} s", "", measured, "at most 0.2 s", seconds <= 0.2)
    one_by_one, each = whole_library(bench, at_once=1)
    slowest = max(each, key=lambda name: each[name])
    whole, bound = f"{one_by_one:.1f} s", f"slowest: {slowest} {each[slowest]:.1f} s"
    yield Row(f"the library, {len(each)} scenarios one by one", whole, bound, whole, "", None)
    at_once, _ = whole_library(bench, at_once=4)
    faster = f"{one_by_one / at_once:.1f} times faster"
    what = f"the library, {len(each)} scenarios, four labs at once"
    yield Row(what, f"{at_once:.1f} s", f"one by one: {one_by_one:.1f} s", faster, "", None)
    took = growth(bench)
    yield from (_growth_row(took, size) for size in sizes(bench)[1:])


def _growth_row(took: dict[int, list[float]], size: int) -> Row:
    """A node's share of `up` at this size, against its share at the smallest; by rounds, so that load counts twice."""
    least = SIZES[0]
    ratio = median([many / size / (few / least) for many, few in zip(took[size], took[least], strict=True)])
    ours, theirs = median(took[size]) / size, median(took[least]) / least
    bound, wanted = f"of {least} nodes: {theirs:.3f} s", f"at most {GROWTH:g} times"
    return Row(f"`up` of {size} nodes, each", f"{ours:.3f} s", bound, f"{ratio:.2f} times", wanted, ratio <= GROWTH)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the library, growth, reading and planning; print the table.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the three sizes (default 3)")
    parser.add_argument("--sample", action="store_true", help="a small run, to see that the bench works")
    chosen = parser.parse_args()
    wirelab = command()
    folder = Path(tempfile.mkdtemp(prefix="wirelab-bench-"))
    bench = Bench(folder, engine_url(wirelab), 1 if chosen.sample else chosen.rounds, wirelab, chosen.sample)
    began = os.getloadavg()[0]
    try:
        print(HEADER, flush=True)
        print_rows(rows(bench))
    finally:
        clean(bench)
    print(
        f"\nMedians of {chosen.rounds} rounds; of 15 for `validate`, of 9 for planning (CPU seconds); the library once."
    )
    where = f"{os.cpu_count()} cores, kernel {platform.release()}, Python {platform.python_version()}"
    print(f"\n{where}; load average {began:.1f} before, {os.getloadavg()[0]:.1f} after.")


def clean(bench: Bench) -> None:
    """Whatever happened: no lab is left."""
    environ = {**os.environ, "DOCKER_HOST": bench.engine, "WIRELAB_STATE": str(bench.folder / "state")}
    for lab in (*(folder.name for folder in SCENARIOS), *map(str, SIZES)):
        argv = (*bench.wirelab, "down", lab, "--lab", PREFIX + lab)
        subprocess.run(argv, env=environ, cwd=ROOT, capture_output=True)
    shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
