"""Run of a large table one case in so many, and whole where there is time for it.

Loaded with `-p tests.sampling`. `@pytest.mark.sampled(3)` says that `make test` runs one case in three of a test. With
`--sample` these cases run, and all tests that have no such mark; with `--rest`, the other cases alone. Which ones these
are depends on the seed, the number of the day (`--truth-seed`): the next day it is the next case of each three, so that
three days run all. Without either option every case runs. As `pytestmark` of a module, the mark says that its tests are
the cases of one table; a mark of a test stands before that of its module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest


class Table(NamedTuple):
    """A test or a module whose cases are sampled: its node id, and of how many cases one is run."""

    name: str
    every: int


def table_of(item: pytest.Item) -> Table | None:
    """The table that the closest mark of a case makes it part of."""
    for node, mark in item.iter_markers_with_node("sampled"):
        return Table(node.nodeid.partition("[")[0], mark.args[0])
    return None


def sample_of(cases: Sequence[str], every: int, seed: int) -> set[str]:
    """One case in `every` of one test, at least one, from another case on with each seed."""
    step = min(every, len(cases))
    return set(cases[seed % step :: step])


def sample_of_all(table_of_case: Mapping[str, Table], seed: int) -> set[str]:
    """The sample of every table, of each case's node id and its table.

    Each table begins one case later than the one before, for two tests may have the same table, such as the scenarios.
    """
    cases_of = defaultdict(list)
    for case, table in table_of_case.items():
        cases_of[table].append(case)
    shifted = enumerate(sorted(cases_of.items()))
    return {case for rank, (table, cases) in shifted for case in sample_of(cases, table.every, seed + rank)}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sampling").addoption
    group("--sample", action="store_const", const="sample", dest="part", help="Run a sample of each large table.")
    group("--rest", action="store_const", const="rest", dest="part", help="Run what --sample leaves out, and no more.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("part")
    if part is None:
        return
    tables = {item.nodeid: table_of(item) for item in items}
    sampled = {case: table for case, table in tables.items() if table}
    others = sampled.keys() - sample_of_all(sampled, config.getoption("truth_seed"))
    kept = others if part == "rest" else tables.keys() - others
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
    items[:] = [item for item in items if item.nodeid in kept]
