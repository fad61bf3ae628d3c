"""The table of engines in docs/engines.md, as `make engines` writes it: what held on each engine, and what did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

HEADING, REASONS = "## Tested engines", "### What was skipped or failed"
# The columns, and in which folder or file their tests stand.
PARTS = {
    "contract": "tests/contract/",
    "scenarios": "tests/engine/test_library.py",
    "lesson": "tests/engine/test_lessons.py",
}
OUTCOMES = ("passed", "failed", "skipped")


class TestOutcome(Protocol):
    """What is read of the outcome of a test."""

    @property
    def test(self) -> str: ...

    @property
    def outcome(self) -> str: ...

    @property
    def why(self) -> str: ...


def write_engine(page: Path, engine: str, run: str, outcomes: Sequence[TestOutcome]) -> list[str]:
    """Write the row of one engine and its reasons in the place of the old ones; the rows. `run` is date and commit."""
    cells = [_counts([outcome.outcome for outcome in outcomes if part in outcome.test]) for part in PARTS.values()]
    reasons = {_case(outcome.test): outcome for outcome in outcomes if outcome.outcome != "passed"}
    new = {
        HEADING: [f"| {engine} | {' | '.join(cells)} | {run} |"],
        REASONS: [f"| {engine} | {case} | {each.outcome}: {_cell(each.why)} |" for case, each in reasons.items()],
    }
    text = page.read_text("utf-8")
    for heading, rows in new.items():
        text = _with_rows(text, heading, engine, rows)
    page.write_text(text, "utf-8")
    return [*new[HEADING], *new[REASONS]]


def _with_rows(text: str, heading: str, engine: str, rows: Sequence[str]) -> str:
    """The page with these rows in the table below a heading, instead of those of the same engine, in order."""
    lines = text.splitlines()
    begin = next(n for n in range(lines.index(heading), len(lines)) if lines[n].startswith("|---")) + 1
    end = next((n for n in range(begin, len(lines)) if not lines[n].startswith("|")), len(lines))
    kept = [line for line in lines[begin:end] if not line.startswith(f"| {engine} |")]
    return "\n".join([*lines[:begin], *sorted([*kept, *rows]), *lines[end:]]) + "\n"


def _counts(outcomes: Sequence[str]) -> str:
    """Such as `57 passed, 1 skipped`; `not run` where there is none."""
    counted: Mapping[str, int] = {outcome: outcomes.count(outcome) for outcome in OUTCOMES}
    return ", ".join(f"{count} {outcome}" for outcome, count in counted.items() if count) or "not run"


def _case(test: str) -> str:
    """The name of a test as words, with its parameter."""
    name, _, parameter = test.rpartition("::")[2].partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return words if parameter in ("", "real]") else f"{words}: {parameter.removesuffix(']')}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")[:300]
