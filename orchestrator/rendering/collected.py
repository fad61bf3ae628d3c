"""The results of a class that were collected: as text, JSON, CSV and a page."""

from __future__ import annotations

import csv
import io
import json
from html import escape
from typing import Any

from orchestrator.lessons.collected import Collection, JudgedFile, TaskResult
from orchestrator.rendering.page import Section, page, table
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.tables import table as text_table

SCHEMA = 1
FILE_COLUMNS = ("class", "lesson", "file", "seat", "verdict", "why")
TASK_COLUMNS = ("task", "state", "evidence", "judged by", "attempts", "hints", "solution shown", "minutes")
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FORGERY = (
    "A seal shows that nobody without the secret of the seat has changed the result. "
    "Who owns the machine has the secret, and can forge packets."
)


def collection_document(collection: Collection) -> dict[str, Any]:
    """The results as JSON."""
    return {
        "schema": SCHEMA,
        "class": collection.class_name,
        "lesson": collection.lesson,
        "missing": list(collection.missing),
        "files": [
            {
                "file": judged.file,
                "seat": judged.seat,
                "verdict": judged.verdict,
                "why": list(judged.reasons),
                "tasks": [_task_document(task) for task in judged.tasks],
            }
            for judged in collection.files
        ],
    }


def _task_document(task: TaskResult) -> dict[str, Any]:
    kept = task.progress
    return {
        "name": task.name,
        "state": task.state,
        "evidence": task.judgement.verdict if kept.done else "",
        "why": task.judgement.why,
        "judged_by": task.judgement.by,
        "attempts": kept.attempts,
        "hints": kept.hints,
        "solution": kept.solution_shown,
        "minutes": _minutes(task),
    }


def _minutes(task: TaskResult) -> float | None:
    begun, done = task.progress.begun_at, task.progress.done_at
    return None if begun is None or done is None else round((done - begun) / 60, 1)


def collection_text(collection: Collection, width: int | None = None) -> str:
    """A line for each file, why it is not right, and which seats handed in nothing."""
    head = f"class {collection.class_name}: {collection.lesson}, {counted(len(collection.files), 'file')}"
    rows = [(judged.file, judged.seat, _done(judged), judged.verdict) for judged in collection.files]
    parts = [head, text_table(("FILE", "SEAT", "DONE", "VERDICT"), rows, width)]
    parts.append("\n".join(f"{judged.file}: {reason}" for judged in collection.files for reason in judged.reasons))
    parts.append(_missing_text(collection))
    return "\n\n".join(part for part in parts if part)


def _done(judged: JudgedFile) -> str:
    done = sum(task.progress.done for task in judged.tasks)
    return f"{done} of {len(judged.tasks)}" if judged.tasks else ""


def _missing_text(collection: Collection) -> str:
    return f"no result of: {', '.join(collection.missing)}" if collection.missing else ""


def collection_csv(collection: Collection) -> str:
    """A line for each task of each file, below a line of headings (RFC 4180); one for a file without tasks."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow((*FILE_COLUMNS, *TASK_COLUMNS))
    for judged in collection.files:
        place = (collection.class_name, collection.lesson, _cell(judged.file), _cell(judged.seat), judged.verdict)
        why = _cell("; ".join(judged.reasons))
        for document in map(_task_document, judged.tasks):
            writer.writerow((*place, why, *_task_cells(document)))
        if not judged.tasks:
            writer.writerow((*place, why, *("" for _ in TASK_COLUMNS)))
    return output.getvalue()


def _task_cells(document: dict[str, Any]) -> tuple[str, ...]:
    solution = "yes" if document["solution"] else "no"
    minutes = "" if document["minutes"] is None else str(document["minutes"])
    counts = (str(document["attempts"]), str(document["hints"]), solution, minutes)
    judged_by = document["why"] if document["evidence"] == "not judged" else document["judged_by"]
    return (document["name"], document["state"], document["evidence"], judged_by, *counts)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def collection_json(collection: Collection) -> str:
    return json.dumps(collection_document(collection), indent=2, ensure_ascii=False) + "\n"


def collection_page(collection: Collection) -> str:
    """The results as a page, in one file."""
    lead = f"<p>{escape(counted(len(collection.files), 'file'))} handed in. {escape(_missing_text(collection))}</p>"
    rows = [
        (judged.file, judged.seat, _done(judged), judged.verdict, "; ".join(judged.reasons))
        for judged in collection.files
    ]
    files = table("Files", ("File", "Seat", "Done", "Verdict", "Why"), rows)
    tasks = [
        (judged.seat, *_task_cells(document))
        for judged in collection.files
        for document in map(_task_document, judged.tasks)
    ]
    headings = ("Seat", *(column.capitalize() for column in TASK_COLUMNS))
    sections = [Section("files", "Results", files), Section("tasks", "Tasks", table("Tasks", headings, tasks))]
    return page(f"{collection.class_name}: {collection.lesson}", lead, sections, FORGERY)
