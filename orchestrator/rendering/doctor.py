"""The table of `wirelab doctor`, readable without colour, and its document."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from orchestrator.diagnosis.doctor import MISSING, Row, verdict

_ENDINGS = {
    "ok": "Everything that a lab needs is here.",
    "warning": "A lab can run here; read the warnings.",
    "missing": "A lab cannot run here yet; see what is missing.",
}


def doctor_text(rows: Sequence[Row], width: int = 110, endings: Mapping[str, str] = _ENDINGS) -> str:
    """One line a row: name, verdict, value; a hint stands below what it belongs to."""
    first = max((len(row.name) for row in rows), default=0)
    second = len(MISSING)
    lines: list[str] = []
    for row in rows:
        lead = f"{row.name:<{first}}  {row.verdict:<{second}}  "
        lines += _wrapped(lead, row.value, width)
        if row.hint:
            lines += _wrapped(" " * len(lead) + "hint: ", row.hint, width)
    return "\n".join([*lines, "", endings[verdict(rows)]])


def doctor_document(rows: Sequence[Row]) -> dict[str, object]:
    """As `wirelab doctor --json` prints it."""
    return {"schema": 1, "verdict": verdict(rows), "rows": row_documents(rows)}


def row_documents(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Each row as a document."""
    return [{"name": row.name, "verdict": row.verdict, "value": row.value, "hint": row.hint} for row in rows]


def _wrapped(lead: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [lead.rstrip()]
