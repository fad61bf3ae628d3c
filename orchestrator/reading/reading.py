"""What comes of reading a scenario: the scenario, and where its parts stand in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.errors import Problem
from orchestrator.model.scenario import Scenario
from orchestrator.quick_dataclass import dataclass

Path = tuple[str | int, ...]


class Position(NamedTuple):
    """A place in the file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Reading:
    """A valid scenario; the texts of the files that it mentions, by name; and where each value stands.

    Of a scenario that was compiled before, only the places of its checks are known. `notes` are what the author may
    not have meant.
    """

    scenario: Scenario
    texts: Mapping[str, str]
    positions: Mapping[Path, Position]
    compiled: bool = False
    notes: tuple[Problem, ...] = ()
