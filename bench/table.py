"""The figures of a bench: what was measured, the rows of its table, and what is wanted of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version


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

    def cpu_ratio(self, name: str, bound: str) -> float:
        """The processor time against that of another process, by pairs."""
        return median([ours / theirs for ours, theirs in zip(self.cpu[name], self.cpu[bound], strict=True)])

    def ratio(self, name: str, bound: str) -> float:
        pairs = zip(self.seconds[name], self.seconds[bound], strict=True)
        return median([ours / theirs for ours, theirs in pairs])


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


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


def cpu_row(measured: Measured, name: str, most: float) -> Row:
    ratio = measured.cpu_ratio(name, f"pass before {name}")
    ours, theirs = median(measured.cpu[name]), median(measured.cpu[f"pass before {name}"])
    bound = f"`python -c pass`: {theirs:.3f} s"
    what = f"`{name}`, processor time"
    return Row(what, f"{ours:.3f} s", bound, f"{ratio:.1f} times", f"at most {most:g} times", ratio <= most)


def basic_rows(measured: Measured) -> list[Row]:
    return [
        against(measured, "up basic", "bare up basic", 1.2, "bare calls"),
        within(measured, "second up basic", 0.5),
        against(measured, "down basic", "bare down basic", 1.2, "bare removal"),
        within(measured, "check basic", 1.0),
        cpu_row(measured, "up basic", 9),
        cpu_row(measured, "second up basic", 9),
        cpu_row(measured, "check basic", 13),
        cpu_row(measured, "down basic", 9),
    ]


def sixteen_rows(measured: Measured) -> list[Row]:
    return [
        against(measured, "up sixteen", "bare up sixteen", 1.1, "bare calls"),
        within(measured, "second up sixteen", 0.5),
        against(measured, "down sixteen", "bare down sixteen", 1.2, "bare removal"),
    ]


def writes_row(requests: int, writes: list[str]) -> Row:
    what = "engine writes of a second `up`"
    return Row(what, f"{len(writes)} of {requests} requests", "", str(len(writes)), "0", not writes)


def memory_row(measured: Measured) -> Row:
    others = ("bare", "pass", "python", "compose", "testcontainers")
    peaks = {name: mb for name, mb in measured.megabytes.items() if not name.startswith(others)}
    most = max(peaks, key=lambda name: peaks[name])
    each = ", ".join(f"{name} {peaks[name]:.0f}" for name in sorted(peaks))
    return Row("peak memory, MB", each, "", f"{peaks[most]:.0f} MB (`{most}`)", "at most 100 MB", peaks[most] <= 100)


def testcontainers_row(measured: Measured) -> Row:
    ours = "up basic beside testcontainers"
    times = measured.ratio("testcontainers basic", ours)
    bound = f"testcontainers {version('testcontainers')}: {measured.median('testcontainers basic'):.2f} s"
    what = "`up basic` and testcontainers-python"
    return Row(what, f"{measured.median(ours):.3f} s", bound, f"{times:.1f} times faster", "", None)


def _compose_row(measured: Measured, compose: str) -> Row:
    what, target = "`up basic` and `docker compose up --wait`", "at least 4 times faster"
    if not compose:
        return Row(what, "", "`docker compose` is not on this machine", "not measured", target, None)
    ours = "up basic beside compose"
    times = measured.ratio("compose up basic", ours)
    bound = f"Compose {compose}: {measured.median('compose up basic'):.2f} s"
    return Row(what, f"{measured.median(ours):.3f} s", bound, f"{times:.1f} times faster", target, times >= 4)


HEADER = "| what | wirelab | bound | measured | wanted | holds |\n|---|---|---|---|---|---|"


def row_text(row: Row) -> str:
    held = {True: "yes", False: "**no**", None: "-"}[row.holds]
    return f"| {row.what} | {row.ours} | {row.bound} | {row.figure} | {row.target} | {held} |"


def print_rows(rows: Iterable[Row]) -> None:
    """Print rows as soon as they are measured: what fails later does not take them away."""
    for row in rows:
        print(row_text(row), flush=True)
