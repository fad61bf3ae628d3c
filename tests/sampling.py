"""Run of a large table one case in so many, and whole where there is time for it.

Loaded with `-p tests.sampling`. `@pytest.mark.sampled(3)` says that `make test` runs one case in three of a test. With
`--sample` these cases run, and all tests that have no such mark; with `--rest`, the other cases alone. Which ones these
are depends on the seed, the number of the day (`--truth-seed`): the next day it is the next case of each three, so that
three days run all. Without either option every case runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest


def sample_of(cases: Sequence[str], every: int, seed: int) -> set[str]:
    """One case in `every` of one test, at least one, from another case on with each seed."""
    step = min(every, len(cases))
    return set(cases[seed % step :: step])


def sample_of_all(every: Mapping[str, int], seed: int) -> set[str]:
    """The sample of every test, of cases and how many of them are run as one.

    Each test begins one case later than the test before, for two tests may have the same table, such as the scenarios.
    """
    tables = defaultdict(list)
    for case in every:
        tables[case.partition("[")[0]].append(case)
    shifted = enumerate(cases for _, cases in sorted(tables.items()))
    return {case for rank, cases in shifted for case in sample_of(cases, every[cases[0]], seed + rank)}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sampling").addoption
    group("--sample", action="store_const", const="sample", dest="part", help="Run a sample of each large table.")
    group("--rest", action="store_const", const="rest", dest="part", help="Run what --sample leaves out, and no more.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("part")
    if part is None:
        return
    marks = {item.nodeid: item.get_closest_marker("sampled") for item in items}
    every = {case: mark.args[0] for case, mark in marks.items() if mark}
    sample = sample_of_all(every, config.getoption("truth_seed"))
    others = every.keys() - sample
    kept = others if part == "rest" else marks.keys() - others
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
    items[:] = [item for item in items if item.nodeid in kept]
