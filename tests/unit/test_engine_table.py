"""The table of engines: one row an engine, with what was skipped or failed there in the words of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine_table import write_engine
from tests.long_runs import Outcome

PAGE = """# Engines

## Tested engines

| engine | contract | scenarios | lesson | run |
|---|---|---|---|---|
| Podman 4.3.1 | 1 passed | not run | not run | old |
| Podman 5.4.2 | 7 failed | not run | not run | old |

### What was skipped or failed

| engine | test | answer |
|---|---|---|
| Podman 5.4.2 | pause | failed: old |

## Next
"""
OUTCOMES = [
    Outcome("tests/contract/test_engines.py::test_pause[real]", "p", "skipped", why="no cgroup | at\n all"),
    Outcome("tests/contract/test_engines.py::test_start[real]", "p", "passed"),
    Outcome("tests/engine/test_library.py::test_a_scenario_holds[basic]", "p", "failed", why="it does not"),
]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "engines.md"
    path.write_text(PAGE)
    return path


def test_the_rows_of_an_engine_take_the_place_of_its_old_ones(page: Path) -> None:
    write_engine(page, "Podman 5.4.2", "today, abc", OUTCOMES)
    rows = [line for line in page.read_text().splitlines() if line.startswith("| P")]
    assert rows == [
        "| Podman 4.3.1 | 1 passed | not run | not run | old |",
        "| Podman 5.4.2 | 1 passed, 1 skipped | 1 failed | not run | today, abc |",
        "| Podman 5.4.2 | a scenario holds: basic | failed: it does not |",
        "| Podman 5.4.2 | pause | skipped: no cgroup / at all |",
    ]
    assert page.read_text().endswith("\n## Next\n")


def test_a_rootless_engine_is_another_one(page: Path) -> None:
    write_engine(page, "Podman 5.4.2, rootless", "today, abc", OUTCOMES[1:2])
    rows = [line for line in page.read_text().splitlines() if line.startswith("| Podman 5")]
    assert rows == [
        "| Podman 5.4.2 | 7 failed | not run | not run | old |",
        "| Podman 5.4.2, rootless | 1 passed | not run | not run | today, abc |",
        "| Podman 5.4.2 | pause | failed: old |",
    ]
