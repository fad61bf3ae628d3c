"""YAML text -> Scenario, or every problem of the file at once, each with line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import FileInvalid, Problem
from orchestrator.model.scenario import Scenario
from orchestrator.reading.document import Complaint, Document, Mark, Path, read_document
from orchestrator.reading.draft import Draft
from orchestrator.reading.forms import form_of
from orchestrator.reading.rules import RULES
from orchestrator.reading.rules.files import mentions
from orchestrator.reading.rules.names import only_written_names
from orchestrator.reading.words import path_text

Beside = Callable[[str], str | None]


@dataclass(frozen=True)
class Reading:
    """A valid scenario; the texts of the files that it mentions, by name; and where each value stands."""

    scenario: Scenario
    texts: Mapping[str, str]
    marks: Mapping[Path, Mark]


def read_scenario(text: str, *, file: str, beside: Beside) -> Reading:
    """The scenario that a text declares.

    `file` is the name that messages show. `beside` gives the text of a file beside the scenario, None if there is
    none; it may raise UsageInvalid with the reason why a file that is there cannot be read. Raises FileInvalid with
    all problems, in the order of the file.
    """
    document = read_document(text)
    texts: dict[str, str | None] = {}
    if document.fatal:
        raise _invalid(document, document.complaints, file)
    draft = Draft(document.value, form_of(Scenario), _kept(beside, texts), lambda path: document.marks[path].line)
    scenario, complaints = _judged(draft)
    ruled = [complaint for rule in RULES for complaint in rule(draft)]
    # Of a name that nobody has it need not be said that nobody could have it.
    named = {complaint.path for complaint in ruled} & {met.path for met, _ in draft.references if not met.at_key}
    complaints = [*(one for one in complaints if one.path not in named), *ruled]
    told = [c for c in complaints if not _is_told(c, document)]
    if scenario is None or told or document.complaints:
        raise _invalid(document, (*document.complaints, *told), file)
    names = [name for _, name in mentions(draft)]
    return Reading(scenario, {name: texts[name] or "" for name in names}, document.marks)


def shape_complaints(value: Any) -> list[Complaint]:
    """What the model alone says of plain values, without the rules that look at several places."""
    draft = Draft(value, form_of(Scenario), lambda _name: "", lambda _path: 1)
    return _judged(draft)[1]


def _judged(draft: Draft) -> tuple[Scenario | None, list[Complaint]]:
    """The scenario, if the model accepts the values; what the model, or the way that keys are written, says against."""
    written = list(only_written_names(draft))
    try:
        return Scenario.model_validate(draft.values), written
    except ValidationError as error:
        from orchestrator.reading.complaints import Judge  # a valid file never needs it

        complaints = list(Judge().complaints(draft.root, draft.values, ()))
        if not complaints:  # a rule of the model that the forms do not show
            complaints = [Complaint((), str(one["msg"])) for one in error.errors()]
        told = {complaint.path for complaint in complaints}
        return None, [*complaints, *(one for one in written if one.path not in told)]


def _kept(beside: Beside, texts: dict[str, str | None]) -> Beside:
    """The same, asked once for each name."""

    def ask(name: str) -> str | None:
        if name not in texts:
            texts[name] = beside(name)
        return texts[name]

    return ask


def _is_told(complaint: Complaint, document: Document) -> bool:
    """Whether it follows from something that the YAML reader has complained of; keys are known all the same."""
    path = complaint.path[:-1] if complaint.at_key else complaint.path
    if path in document.gaps and not complaint.at_key:
        return True
    return bool(document.unread) and any(path[:length] in document.unread for length in range(len(path) + 1))


def _invalid(document: Document, complaints: tuple[Complaint, ...], file: str) -> FileInvalid:
    return FileInvalid(tuple(sorted(set(_problems(document, complaints, file)))))


def _problems(document: Document, complaints: tuple[Complaint, ...], file: str) -> Iterator[Problem]:
    for complaint in complaints:
        mark = document.place(complaint)
        yield Problem(file, mark.line, mark.column, path_text(complaint.path), complaint.message)
