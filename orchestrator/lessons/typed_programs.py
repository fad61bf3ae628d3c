"""What somebody types in a shell of a node, as the shell itself records it (lab/shell_record.py): programs that ran.

It is for hints alone, never a proof: whoever works in the shell can write anything into the record.
"""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.lessons.repairs import ProgramRun

# Seconds since 1970, the shell's process, and what was typed (bash(1), history), or the exit status of it.
RECORD = re.compile(r"(?P<time>\d+[.,]\d+) (?P<shell>\d+) (?:\+ +\d+\*? +(?P<typed>.+)|- (?P<exit_code>\d+))")
MOST_CHARACTERS = 200
MOST_RUNS = 100


class TypedPrograms:
    """The last programs of the shells of one node."""

    def __init__(self, node_name: str) -> None:
        self._node_name = node_name
        self._runs: list[ProgramRun] = []

    @property
    def runs(self) -> tuple[ProgramRun, ...]:
        """The oldest first."""
        return tuple(self._runs)

    def add(self, line: str) -> None:
        """A line of the record; what is no line of one is left out."""
        record = RECORD.fullmatch(line.strip())
        if record is None:
            return
        time, run = float(record["time"].replace(",", ".")), f"shell {record['shell']}"
        if record["typed"]:
            typed = record["typed"][:MOST_CHARACTERS]
            self._runs = [*self._runs[1 - MOST_RUNS :], ProgramRun(self._node_name, (typed,), run, time)]
        else:
            self._end(run, time, int(record["exit_code"]))

    def _end(self, run: str, time: float, exit_code: int) -> None:
        """A shell types its prompt again: the program that it began last is over."""
        for place in reversed(range(len(self._runs))):
            if self._runs[place].run == run:
                if self._runs[place].ended is None:
                    self._runs[place] = replace(self._runs[place], ended=time, exit_code=exit_code)
                return
