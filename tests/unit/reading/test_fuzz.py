"""No file, however damaged, ends in anything but a scenario or a list of problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import PIECES
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FileInvalid, Problem
from orchestrator.reading.scenario import read_scenario

BASIC = (Path(__file__).parents[3] / "scenarios" / "basic" / "scenario.yaml").read_text("utf-8")

edits = st.tuples(
    st.integers(0, len(BASIC)), st.integers(0, 60), st.one_of(st.sampled_from(PIECES), st.text(max_size=4))
)


@pytest.mark.slow
@given(st.lists(edits, min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_told(changes: list[tuple[int, int, str]]) -> None:
    """Pieces of a scenario are replaced at random: every outcome is a scenario, or problems that have a place."""
    text = BASIC
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    problems = _problems(text)
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in problems)
    assert list(problems) == sorted(set(problems))


def _problems(text: str) -> tuple[Problem, ...]:
    try:
        read_scenario(text, file="f", read_companion=lambda name: "" if name == "seed.sql" else None)
    except FileInvalid as error:
        return error.problems
    return ()
