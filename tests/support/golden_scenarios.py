"""Reads the golden files of `tests/unit/bad_scenarios`: a bad scenario, what must be said of it, and a good near-twin.

A file holds the cases of one rule. A case begins with `>>> case`, and has the parts `>>> bad`, `>>> says` and
`>>> good`. After a change of the language, `python tests/support/golden_scenarios.py` (with the repository on
PYTHONPATH) writes what is said now into the files; read the difference before you commit it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import FileInvalid
from orchestrator.reading.scenario import read_scenario

FOLDER = Path(__file__).parents[1] / "unit" / "bad_scenarios"
# What lies beside every scenario of these tests.
BESIDE = {"seed.sql": "select 1;", "sql/seed.sql": "select 2;"}


@dataclass(frozen=True)
class Case:
    """One mistake: its rule, what is wrong, the bad text, what is said, and a near-twin that is accepted."""

    rule: str
    what: str
    bad: str
    says: str
    good: str


def cases() -> list[Case]:
    """Every case of every file, in the order of the files."""
    return [case for file in sorted(FOLDER.glob("*.txt")) for case in _cases(file.stem, file.read_text("utf-8"))]


def _cases(rule: str, text: str) -> Iterator[Case]:
    for part in text.split(">>> case ")[1:]:
        what, _, rest = part.partition("\n")
        _, bad, says, good = (piece.partition("\n")[2] for piece in ("\n" + rest).split(">>> "))
        yield Case(rule, what, bad, says, good)


def said(text: str) -> str:
    """What reading says of a text, a line for each problem; nothing where it is valid."""
    try:
        read_scenario(text, file="bad.yaml", read_companion=BESIDE.get)
    except FileInvalid as error:
        return "".join(f"{problem}\n" for problem in error.problems)
    return ""


def rewrite() -> None:
    """Write what is said now into the files."""
    for file in sorted(FOLDER.glob("*.txt")):
        parts = [
            f">>> case {case.what}\n>>> bad\n{case.bad}>>> says\n{said(case.bad)}>>> good\n{case.good}"
            for case in _cases(file.stem, file.read_text("utf-8"))
        ]
        file.write_text("".join(parts), "utf-8")


if __name__ == "__main__":
    rewrite()
