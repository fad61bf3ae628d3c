"""The table of situations: the lab is disturbed from outside of wirelab, and each verdict compared with what is so.

`make test` tries a sample of some twenty rows, chosen by a seed that stands in the head of its output (--truth-seed);
`make truth` tries all and writes the table into docs/truth.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from lab_bench import CHECKOUT, Engine
from truth_lab import TruthLab
from truth_page import Record, write_page
from truth_rows import WRONG, Situation, sample, situations

from tests.long_runs import commit

pytestmark = pytest.mark.truth
ALL = situations()
SAMPLE_ROWS = 20


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each situation is a test of its own, so that a part of a long run can end after any of them."""
    if "situation" in metafunc.fixturenames:
        config = metafunc.config
        given = ALL if config.getoption("full") else sample(ALL, config.getoption("truth_seed"), SAMPLE_ROWS)
        metafunc.parametrize("situation", given, ids=lambda situation: situation.name)


@pytest.fixture(scope="module")
def lab(engine: Engine, run_label: str) -> Iterator[TruthLab]:
    """The lab, up."""
    one = TruthLab(engine, f"truth-{secrets.token_hex(3)}", str(CHECKOUT / "tests/truth"), run_label=run_label)
    one.up()
    yield one
    one.close()
    ran = one.cli("down")
    assert ran.code == 0, ran.err
    assert one.left() == []


@pytest.fixture(scope="module")
def record(pytestconfig: pytest.Config) -> Record:
    """What the situations came to, also in earlier parts of this run."""
    return Record(pytestconfig.getoption("record_folder", CHECKOUT / "build/long") / "truth-rows.jsonl", commit())


def test_a_situation_has_no_wrong_verdict(
    lab: TruthLab, record: Record, situation: Situation, pytestconfig: pytest.Config
) -> None:
    """No false pass, no false fail, no wrong cause; undisturbed, nothing is unknown.

    In the sample a verdict may be unknown: other tests keep the machine busy.
    """
    with lab.in_situation(situation):
        results = lab.judged(situation)
    whole = pytestconfig.getoption("full")
    if whole:
        record.add(situation.name, results)
    refused = (*WRONG, "unknown", "no cause") if whole and not situation.disturbed else WRONG
    assert [result for result in results if result.judged in refused] == []


def test_the_table_of_the_page_is_written(pytestconfig: pytest.Config, record: Record) -> None:
    """The last of a whole run: the counts stand in docs/truth.md, and none of them is wrong."""
    results = record.results()
    if not pytestconfig.getoption("full") or {situation.name for situation in ALL} - set(results):
        return
    write_page(CHECKOUT / "docs/truth.md", ALL, results)
    rows = [result for of_one in results.values() for result in of_one]
    assert [result for result in rows if result.judged in WRONG] == []
