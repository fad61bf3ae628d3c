"""Damaged scenario files, by the thousand: each is a scenario, or a list of mistakes with their places."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from damaged_files import PIECES
from lab_bench import CHECKOUT

from orchestrator.errors import FileInvalid, Problem
from orchestrator.reading.scenario import read_scenario

FILES = sorted((CHECKOUT / "scenarios").glob("*/scenario.yaml"))


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four spans that are replaced, lost, doubled or moved."""
    for _ in range(chance.randint(1, 4)):
        start, other = chance.randint(0, len(text)), chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((0, 1, 5, 20, 60)))
        match chance.randrange(4):
            case 0:
                text = text[:start] + chance.choice(PIECES) + text[end:]
            case 1:
                text = text[:start] + text[end:]
            case 2:
                text = text[:end] + text[start:]
            case _:
                text = text[:other] + text[start:end] + text[other:]
    return text


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        read_scenario(text, file="f", read_companion=lambda name: "" if name.endswith(".sql") else None)
    except FileInvalid as error:
        return error.problems
    return ()


@pytest.mark.endurance
@pytest.mark.rounds(1, full=300)
def test_damaged_files_are_read_or_told(round_number: int, pytestconfig: pytest.Config) -> None:
    """1,000 damaged scenario files a round: no uncaught error, and each mistake has its place in the file."""
    chance = random.Random(round_number)
    for _ in range(1000 if pytestconfig.getoption("full") else 20):
        text = mutated(Path(chance.choice(FILES)).read_text("utf-8"), chance)
        lines = text.count("\n") + text.count("\r") + 1
        assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in problems_of(text)), text
