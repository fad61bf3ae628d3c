"""The table of situations: the lab is disturbed from outside of wirelab, and each verdict compared with what is so.

`make test` tries a sample of some twenty rows, and of as many disturbed ones, chosen by a seed that stands in the head
of its output (--truth-seed); `make truth` tries all, the disturbed ones in many rounds, and writes the tables into
docs/truth.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from lab_bench import CHECKOUT, Engine
from truth_lab import TruthLab
from truth_page import Record, write_page
from truth_rows import WRONG, Situation, disturbed_sample, sample, situations

from tests.long_runs import commit

pytestmark = pytest.mark.truth
ALL = situations()
DISTURBED = tuple(situation for situation in ALL if situation.disturbed)
SAMPLE_ROWS = 20
# In all rounds together, at least 2,000 verdicts while something disturbs the machine.
ROUNDS = -(-2000 // sum(len(situation.rows) for situation in DISTURBED))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each round of a situation is a test of its own, so that a part of a long run can end after any of them."""
    if "situation" in metafunc.fixturenames:
        config = metafunc.config
        if config.getoption("full"):
            again = [(situation, number) for number in range(1, ROUNDS) for situation in DISTURBED]
            given = [*((situation, 0) for situation in ALL), *again]
        else:
            seed = config.getoption("truth_seed")
            chosen = (*disturbed_sample(ALL, seed, SAMPLE_ROWS), *sample(ALL, seed, SAMPLE_ROWS))
            given = [(situation, 0) for situation in chosen]
        names = [f"{situation.name} {number + 1}" if number else situation.name for situation, number in given]
        metafunc.parametrize(("situation", "round_number"), given, ids=names)


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
    lab: TruthLab, record: Record, situation: Situation, round_number: int, pytestconfig: pytest.Config
) -> None:
    """No false pass, no false fail, no wrong cause; undisturbed, nothing is unknown.

    In the sample a verdict may be unknown: other tests keep the machine busy.
    """
    with lab.in_situation(situation):
        results = lab.judged(situation)
    whole = pytestconfig.getoption("full")
    if whole:
        record.add(situation.name, results, round_number)
    refused = (*WRONG, "unknown", "no cause") if whole and not situation.disturbed else WRONG
    assert [result for result in results if result.judged in refused] == []


def test_the_tables_of_the_page_are_written(pytestconfig: pytest.Config, record: Record) -> None:
    """The last of a whole run: the counts stand in docs/truth.md, and none of them is wrong."""
    results = record.results()
    if not pytestconfig.getoption("full") or {situation.name for situation in ALL} - set(results):
        return
    disturbed = record.of_all_rounds(DISTURBED)
    write_page(CHECKOUT / "docs/truth.md", ALL, results, disturbed)
    rows = [*disturbed, *(result for of_one in results.values() for result in of_one)]
    assert [result for result in rows if result.judged in WRONG] == []
