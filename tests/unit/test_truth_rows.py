"""The table of situations is whole, and a finding is judged by it as it should be."""

from __future__ import annotations

import pytest
import yaml
from truth_rows import FOLDER, Row, Situation, disturbed_sample, judge, sample, situations

ALL = situations()


@pytest.mark.slow
def test_each_row_names_a_check_of_the_lab() -> None:
    """And each check stands in a row, so that none is forgotten."""
    scenario = yaml.safe_load((FOLDER / "scenario.yaml").read_text("utf-8"))
    checks = {check["name"].removesuffix(".") for check in scenario["checks"]}
    assert {row.check for situation in ALL for row in situation.rows} == checks


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    """It has some twenty rows, and others for another seed."""
    assert sample(ALL, 7, 20) == sample(ALL, 7, 20) != sample(ALL, 8, 20)
    assert 20 <= sum(len(situation.rows) for situation in sample(ALL, 7, 20)) < 28


def test_a_sample_of_the_disturbed_situations_loads_no_machine() -> None:
    chosen = disturbed_sample(ALL, 7, 20)
    assert sum(len(situation.rows) for situation in chosen) >= 20
    assert all(situation.disturbed for situation in chosen)
    samples = [disturbed_sample(ALL, seed, 20) for seed in range(50)]
    assert {one.name for some in samples for one in some} == {
        situation.name for situation in ALL if situation.disturbed and "load" not in situation.name
    }


@pytest.mark.parametrize(
    ("row", "verdict", "broken", "judged"),
    [
        (Row("a", "pass"), "pass", None, "right"),
        (Row("a", "pass"), "fail", "tcp", "false fail"),
        (Row("a", "pass"), "unknown", None, "unknown"),
        (Row("a", "pass"), "unknown", "listen", "wrong cause"),
        (Row("a", "fail", "tcp"), "fail", "tcp", "right"),
        (Row("a", "fail", "tcp"), "fail", "dns", "wrong cause"),
        (Row("a", "fail", "tcp"), "fail", None, "no cause"),
        (Row("a", "fail", "tcp"), "unknown", None, "unknown"),
        (Row("a", "fail", "tcp"), "unknown", "dns", "wrong cause"),
        (Row("a", "fail", "tcp"), "pass", None, "false pass"),
        (Row("a", "unknown"), "pass", None, "false pass"),
        (Row("a", "unknown"), "fail", None, "false fail"),
        (Row("a", "unknown"), "unknown", None, "right"),
    ],
)
def test_a_finding_is_judged(row: Row, verdict: str, broken: str | None, judged: str) -> None:
    situation = Situation("any", (), (), (row,))
    finding = {"verdict": verdict, "actual": "seen", "kind": "connects", "why": {"broken": broken, "sentence": ""}}
    assert judge(situation, row, finding).judged == judged
