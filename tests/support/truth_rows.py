"""The table of situations as values: what is done to the lab, what each check must come to, how a finding is judged.

A situation is read from `tests/truth/situations/*.yaml`:

- `put`, `undo`: one step a line, `where: words` (tests/support/truth_lab.py).
- `rows`: check -> the right verdict, with the first broken layer: `pass`, `fail at tcp`, `unknown at node`; `fail`
  alone has no layer. A list names rows that are as in the situations `undisturbed…`.
- `says`: what the sentence of `why` must hold in the first row. `shows`: what the command must print that `why`
  suggests. `mends: true`: after this command the first check holds.
- `disturbed: true`: a verdict may be unknown, never wrong.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "truth"
WRONG = ("false pass", "false fail", "wrong cause")
EXPECTED = re.compile(r"(pass|fail|unknown)(?: at (\w+))?")


@dataclass(frozen=True)
class Row:
    """What one check must come to in one situation."""

    check: str
    verdict: str
    layer: str | None = None


@dataclass(frozen=True)
class Situation:
    """One state of the lab and its rows."""

    name: str
    put: tuple[str, ...]
    undo: tuple[str, ...]
    rows: tuple[Row, ...]
    says: tuple[str, ...] = ()
    shows: str = ""
    mends: bool = False
    disturbed: bool = False

    @property
    def is_cause(self) -> bool:
        """Whether it is one of the causes whose sentence and command are tried."""
        return bool(self.says)


@dataclass(frozen=True)
class Result:
    """A row that was tried: `judged` is right, unknown, no cause, or one of WRONG."""

    situation: str
    kind: str
    check: str
    wanted: str
    judged: str
    seen: str


def situations(folder: Path = FOLDER) -> tuple[Situation, ...]:
    """All situations, in the order of their files."""
    documents = {
        name: fields
        for file in sorted((folder / "situations").glob("*.yaml"))
        for name, fields in yaml.safe_load(file.read_text("utf-8")).items()
    }
    undisturbed = tuple(
        row for name, fields in documents.items() if name.startswith("undisturbed") for row in _rows(fields["rows"], ())
    )
    return tuple(_situation(name, fields, undisturbed) for name, fields in documents.items())


def _situation(name: str, fields: Mapping[str, Any], undisturbed: Sequence[Row]) -> Situation:
    return Situation(
        name,
        _lines(fields.get("put", "")),
        _lines(fields.get("undo", "")),
        _rows(fields["rows"], undisturbed),
        tuple(fields.get("says", ())),
        fields.get("shows", ""),
        fields.get("mends", False),
        fields.get("disturbed", False),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _rows(rows: Mapping[str, str] | list[str], undisturbed: Sequence[Row]) -> tuple[Row, ...]:
    """A list names rows of the undisturbed lab that are the same here."""
    if isinstance(rows, list):
        known = {row.check: row for row in undisturbed}
        return tuple(known[check] for check in rows)
    return tuple(_row(check, wanted) for check, wanted in rows.items())


def _row(check: str, wanted: str) -> Row:
    match = EXPECTED.fullmatch(wanted)
    assert match, f"{check}: {wanted}"
    return Row(check, match[1], match[2])


def sample(given: Sequence[Situation], seed: int, rows: int) -> tuple[Situation, ...]:
    """Some situations, chosen by a seed, with at least so many rows, each with at most eight of its own.

    None of them takes a processor away: that needs minutes.
    """
    chance = random.Random(seed)
    chosen: list[Situation] = []
    quick = [situation for situation in given if not situation.disturbed]
    for situation in chance.sample(quick, len(quick)):
        if sum(len(one.rows) for one in chosen) >= rows:
            break
        few = chance.sample(situation.rows, min(8, len(situation.rows)))
        chosen.append(
            Situation(situation.name, situation.put, situation.undo, tuple(few), disturbed=situation.disturbed)
        )
    return tuple(chosen)


def disturbed_sample(given: Sequence[Situation], seed: int, rows: int) -> tuple[Situation, ...]:
    """Disturbed situations, chosen by a seed, with at least so many rows.

    None of them loads the machine: the other tests do that already, and would suffer.
    """
    chosen: list[Situation] = []
    tried = [one for one in given if one.disturbed and not any(step.startswith("machine:") for step in one.put)]
    for situation in random.Random(seed).sample(tried, len(tried)):
        if sum(len(one.rows) for one in chosen) >= rows:
            break
        chosen.append(situation)
    return tuple(chosen)


def judge(situation: Situation, row: Row, finding: Mapping[str, Any]) -> Result:
    """How a finding of `check --json` compares with what is really so."""
    walk = finding.get("why") or {}
    wanted = row.verdict + (f" at {row.layer}" if row.layer else "")
    seen = f"{finding['verdict']}: {finding['actual']}"
    if walk:
        seen += f" | {walk['broken']}: {walk['sentence']}"
    judged = _judged(row, finding["verdict"], walk)
    return Result(situation.name, str(finding.get("kind", "")), row.check, wanted, judged, seen)


def _judged(row: Row, verdict: str, walk: Mapping[str, Any]) -> str:
    if verdict == "pass" != row.verdict:
        return "false pass"
    if verdict == "fail" != row.verdict:
        return "false fail"
    if (row.layer or row.verdict == "pass") and walk.get("broken") not in (row.layer, None):
        return "wrong cause"
    if verdict != row.verdict:
        return "unknown"
    return "no cause" if row.layer and not walk.get("broken") else "right"
