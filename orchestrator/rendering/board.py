"""The board of a class as text, and its results as rows for a spreadsheet; both from the board's document."""

from __future__ import annotations

import csv
import io
from typing import Any

from orchestrator.rendering.quantities import counted, duration_text
from orchestrator.rendering.tables import table

RESULT_COLUMNS = ("class", "lesson", "seat", "task", "state", "attempts", "hints", "solution shown")
Document = dict[str, Any]


def board_text(board: Document, now: float, width: int | None = None) -> str:
    """The seats with their tasks, and below them who is stuck on what; `now` in seconds since 1970."""
    seats = board["seats"]
    served = "served" if board["served"] else "not served"
    head = f"class {board['class']}: {board['lesson']}, {counted(len(seats), 'seat')}, {served}"
    headings = ("SEAT", "LAB", "DONE", "TASK", "SINCE", "STUCK ON")
    parts = [head, table(headings, [_row(seat, now) for seat in seats], width)]
    parts += [f"Held: {board['held_from']} and the tasks after it." if board["held_from"] else ""]
    parts += ["\n".join(_why_text(seat) for seat in seats if seat["why"])]
    parts += ["\n".join(_group_text(group, now) for group in board["stuck"])]
    return "\n\n".join(part for part in parts if part)


def _why_text(seat: Document) -> str:
    """Why a lab does not stand, or what it lacks: an error has lines of its own."""
    first, *more = seat["why"].splitlines()
    return "\n  ".join((f"{seat['seat']}:", first, *more)) if more else f"{seat['seat']}: {first}"


def _row(seat: Document, now: float) -> tuple[str, ...]:
    done = sum(task["state"] in ("done", "marked") for task in seat["tasks"])
    since = "" if seat["since"] is None else duration_text(now - seat["since"])
    stuck = seat["stuck"]
    where = f"{stuck['layer'] or 'this task'}, for {duration_text(now - stuck['since'])}" if stuck else ""
    return seat["seat"], seat["state"], f"{done} of {len(seat['tasks'])}", seat["task"] or "", since, where


def _group_text(group: Document, now: float) -> str:
    where = group["layer"] or f"task {group['task']}"
    return f"{where}: {', '.join(group['seats'])} (for {duration_text(now - group['since'])})\n  {group['sentence']}"


def results_csv(board: Document) -> str:
    """A line for each task of each seat, below a line of headings (RFC 4180)."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(RESULT_COLUMNS)
    for seat in board["seats"]:
        for task in seat["tasks"]:
            counts = (task["attempts"], task["hints"], "yes" if task["solution"] else "no")
            writer.writerow((board["class"], board["lesson"], seat["seat"], task["name"], task["state"], *counts))
    return output.getvalue()
