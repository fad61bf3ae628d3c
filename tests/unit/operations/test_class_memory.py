"""Room for one more seat: by what the seats that are up use, and by what the machine has left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import TookTooLong, WorldError
from orchestrator.host.control_groups import free_in_groups
from orchestrator.operations.classroom.folder import ClassSeat
from orchestrator.operations.classroom.memory import KEPT_FREE, READER, MemoryBudget, room_for

MIB = 1024 * 1024


def start(budget: MemoryBudget, seat: str, used: int) -> None:
    with budget.starting(seat) as note:
        note(used)


def test_a_class_has_as_many_seats_as_its_memory_holds_by_what_they_use() -> None:
    """By what is assumed there would be room for two."""
    budget = MemoryBudget(assumed=400, most=1000, free=lambda: None)
    for number in range(10):
        start(budget, f"seat{number}", 100)
    with pytest.raises(WorldError) as refused, budget.starting("seat10"):
        pass
    assert list(refused.value.lines()) == [
        "error: there is not enough memory for one more seat",
        "why:   a seat uses 100 MiB (as measured), and the class uses 1000 of 1000 MiB (--memory)",
        "try:   start the class with more --memory, or with fewer seats",
    ]


def test_a_seat_does_not_start_where_the_machine_would_have_too_little_left() -> None:
    free = [KEPT_FREE + 101]
    budget = MemoryBudget(assumed=100, most=None, free=lambda: free[0])
    start(budget, "seat01", 100)
    free[0] = KEPT_FREE + 99
    with pytest.raises(WorldError, match="not enough memory") as refused, budget.starting("seat02"):
        pass
    assert "has 355 MiB left, of which 256 MiB must stay free" in refused.value.why
    free[0] += 1
    start(budget, "seat02", 100)


@pytest.mark.parametrize(("used", "has_room"), [(40, True), (90, False)])
def test_a_seat_waits_for_one_that_is_starting_and_goes_by_what_that_one_uses(used: int, *, has_room: bool) -> None:
    budget = MemoryBudget(assumed=100, most=150, free=lambda: None)
    with ThreadPoolExecutor(1) as other:
        with budget.starting("seat01") as note:
            second = other.submit(start, budget, "seat02", 40)
            assert not wait([second], timeout=0.05).done
            note(used)
        assert (second.exception() is None) is has_room


def test_a_seat_that_could_not_be_started_needs_no_room() -> None:
    budget = MemoryBudget(assumed=100, most=100, free=lambda: None)
    with pytest.raises(ZeroDivisionError), budget.starting("seat01"):
        raise ZeroDivisionError
    start(budget, "seat02", 100)


def test_what_is_measured_of_a_seat_that_has_ended_does_not_count() -> None:
    """It is measured beside the lesson, and a lab may be gone before that."""
    budget = MemoryBudget(assumed=100, most=100, free=lambda: None)
    with budget.starting("seat01") as note:
        pass
    note(900)
    assert budget.each == 100
    start(budget, "seat02", 100)


class Containers:
    """An engine that measures 20 MiB for each of two containers, or does not answer."""

    is_away = False

    def listed_containers(self, label: str) -> tuple[Any, ...]:
        return () if label.endswith("seat01") else (SimpleNamespace(id="a"), SimpleNamespace(id="b"))

    def memory_use(self, _container: str) -> int:
        if self.is_away:
            raise TookTooLong("the engine does not answer")
        return 20 * MIB


@pytest.mark.parametrize(("is_away", "each"), [(False, 40 + READER), (True, 300)])
def test_a_seat_is_measured_with_the_program_that_reads_its_packets(is_away: bool, each: int) -> None:
    """That program starts when somebody is there."""
    workspace: Any = SimpleNamespace(engine=Containers())
    workspace.engine.is_away = is_away
    budget = MemoryBudget(assumed=300, most=None, free=lambda: None)
    with room_for(budget, workspace, ClassSeat("seat02", "lab-seat02", "token", 1)) as measure:
        measure()
        assert budget.each == each


def test_a_seat_that_is_made_anew_does_not_count_twice() -> None:
    budget = MemoryBudget(assumed=100, most=200, free=lambda: None)
    for _ in range(3):
        start(budget, "seat01", 100)
        start(budget, "seat02", 100)


def test_an_engine_elsewhere_of_which_nobody_knows_the_memory_takes_all_seats() -> None:
    budget = MemoryBudget(256, None, lambda: None)
    for number in range(99):
        start(budget, f"seat{number}", 200)


def group(folder: Path, files: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    return tmp_path / "proc"


def test_the_narrowest_group_of_version_2_counts_without_files_that_can_go(tmp_path: Path, processes: Path) -> None:
    group(processes / "7", {"cgroup": "0::/class.slice/engine"})
    group(tmp_path / "class.slice", {"memory.max": 800 * MIB, "memory.current": 700 * MIB})
    group(tmp_path / "class.slice", {"memory.stat": f"anon 1\ninactive_file {50 * MIB}"})
    group(tmp_path / "class.slice/engine", {"memory.max": "max", "memory.current": 600 * MIB})
    assert free_in_groups(7, tmp_path, processes) == 150 * MIB


def test_a_group_of_version_1_has_a_hierarchy_of_its_own(tmp_path: Path, processes: Path) -> None:
    group(processes / "7", {"cgroup": "9:name=systemd:/x\n4:memory:/class\n1:cpu:/y"})
    group(tmp_path / "memory", {"memory.limit_in_bytes": 2**63 - 4096, "memory.usage_in_bytes": 0})
    group(tmp_path / "memory/class", {"memory.limit_in_bytes": 100 * MIB, "memory.usage_in_bytes": 90 * MIB})
    assert free_in_groups(7, tmp_path, processes) == 10 * MIB


@pytest.mark.parametrize("cgroup", ["0::/", "0::/gone", None])
def test_where_no_group_has_a_limit_nobody_tells_one(tmp_path: Path, processes: Path, cgroup: str | None) -> None:
    if cgroup:
        group(processes / "7", {"cgroup": cgroup})
    assert free_in_groups(7, tmp_path, processes) is None
