"""The record of the rows that were tried, and the tables that a whole run writes into docs/truth.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from doc_pages import RESULTS
from truth_rows import WRONG, Result, Situation

HEADING = "## The table of situations"
JUDGED = ("right", "unknown", "no cause", *WRONG)


@dataclass(frozen=True)
class Record:
    """One JSON line for each round of a situation that was tried at a commit; the last one of each counts."""

    path: Path
    commit: str

    def add(self, situation: str, results: Sequence[Result], round_number: int = 0) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(
            {
                "commit": self.commit,
                "situation": situation,
                "round": round_number,
                "results": [vars(result) for result in results],
            }
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def results(self) -> dict[str, list[Result]]:
        """The results of each situation in the first round, at this commit."""
        return {name: results for (name, number), results in self._rounds().items() if number == 0}

    def of_all_rounds(self, situations: Sequence[Situation]) -> list[Result]:
        """The results of these situations in all rounds that were tried at this commit."""
        names = {situation.name for situation in situations}
        return [result for (name, _), results in self._rounds().items() if name in names for result in results]

    def _rounds(self) -> dict[tuple[str, int], list[Result]]:
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        documents = [json.loads(line) for line in lines if line.endswith("}")]
        return {
            (one["situation"], one["round"]): [Result(**fields) for fields in one["results"]]
            for one in documents
            if one["commit"] == self.commit
        }


def write_page(
    page: Path, situations: Sequence[Situation], results: Mapping[str, Sequence[Result]], disturbed: Sequence[Result]
) -> None:
    """Put the tables in the place of the last ones, at the end of the page.

    `results` are those of the first round, `disturbed` those of all rounds of the disturbed situations.
    """
    text = page.read_text("utf-8").partition(HEADING)[0].rstrip()
    day = datetime.now(UTC).date().isoformat()
    page.write_text(f"{text}\n\n{tables(situations, results, disturbed, day)}", "utf-8")


def tables(
    situations: Sequence[Situation], results: Mapping[str, Sequence[Result]], disturbed: Sequence[Result], day: str
) -> str:
    """The part of the page."""
    rows = [result for situation in situations for result in results[situation.name]]
    verdicts = [row for row in rows if row.kind not in ("why", "try")]
    causes = [situation for situation in situations if situation.is_cause]
    lines = [
        HEADING,
        "",
        RESULTS,
        "",
        f"`make truth`, {day}: {len(verdicts)} rows in {len(situations)} situations, set up with plain calls of the",
        "engine, `ip` and `nft`. A row is a check in a situation, with the verdict and the first broken layer that are",
        "right. `tests/truth/` has them.",
        "",
        _line("kind of check", "rows", *JUDGED),
        _line(*["---"] * (len(JUDGED) + 2)),
        *(
            _counts(kind, [row for row in verdicts if row.kind == kind])
            for kind in sorted({row.kind for row in verdicts})
        ),
        _counts("all", verdicts),
        _counts("why: sentences", [row for row in rows if row.kind == "why"]),
        _counts("why: commands", [row for row in rows if row.kind == "try"]),
        "",
        *_unknown(verdicts),
        *_disturbed([row for row in disturbed if row.kind not in ("why", "try")]),
        f"The {len(causes)} causes, with the sentence of `why` and the command that it suggests:",
        "",
        _line("what is done", "layer", "sentence", "command"),
        _line(*["---"] * 4),
        *(_cause(situation, results[situation.name]) for situation in causes),
    ]
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _counts(kind: str, rows: Sequence[Result]) -> str:
    counts = Counter(row.judged for row in rows)
    return _line(kind, str(len(rows)), *(str(counts[judged]) for judged in JUDGED))


def _unknown(rows: Sequence[Result]) -> list[str]:
    """Why a verdict was unknown where it need not be, with the number of rows."""
    reasons = Counter((row.situation, row.seen.partition(" | ")[0]) for row in rows if row.judged == "unknown")
    lines = [f"- {situation}: {count} of “{reason}”" for (situation, reason), count in reasons.most_common()]
    return ["Unknown:", "", *lines, ""] if lines else []


def _disturbed(rows: Sequence[Result]) -> list[str]:
    """How the verdicts of all rounds came out, by what disturbed the machine."""
    return [
        f"The disturbed situations were tried again and again: {len(rows)} verdicts. Undisturbed, none may be unknown.",
        "",
        _line("what disturbs", "verdicts", *JUDGED),
        _line(*["---"] * (len(JUDGED) + 2)),
        *(
            _counts(name, [row for row in rows if row.situation == name])
            for name in dict.fromkeys(r.situation for r in rows)
        ),
        _counts("all", rows),
        "",
    ]


def _cause(situation: Situation, results: Sequence[Result]) -> str:
    (sentence,) = [result.seen for result in results if result.kind == "why"]
    tried = [result.seen.partition(": ")[0] for result in results if result.kind == "try"]
    return _line(situation.name, situation.rows[0].layer or "", sentence, f"`{tried[0]}`" if tried else "")
