"""YAML text -> Scenario, or every problem of the file at once, each with line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import FileInvalid, Problem
from orchestrator.model.scenario import Scenario
from orchestrator.reading.document import Document, Violation, read_document
from orchestrator.reading.message_parts import path_text
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Reading
from orchestrator.reading.rules import RULES
from orchestrator.reading.rules.files import mentions
from orchestrator.reading.rules.names import only_written_names
from orchestrator.reading.rules.notes import NOTES
from orchestrator.reading.schema_forms import form_of_model

ReadCompanion = Callable[[str], str | None]


def read_scenario(text: str, *, file: str, read_companion: ReadCompanion) -> Reading:
    """The scenario that a text declares.

    `file` is the name that messages show. `read_companion` gives the text of a file beside the scenario, None if
    there is none; it may raise UsageInvalid with the reason why a file that is there cannot be read. Raises FileInvalid
    with all problems, in the order of the file.
    """
    document = read_document(text)
    texts: dict[str, str | None] = {}
    if document.fatal:
        raise _invalid(document, document.violations, file)
    raw = RawScenario(
        document.value,
        form_of_model(Scenario),
        _kept(read_companion, texts),
        lambda path: document.positions[path].line,
    )
    scenario, violations = _judged(raw)
    ruled = [violation for rule in RULES for violation in rule(raw)]
    # Of a name that nobody has it need not be said that nobody could have it.
    named = {violation.path for violation in ruled} & {
        raw_value.path for raw_value, _ in raw.references if not raw_value.at_key
    }
    violations = [*(violation for violation in violations if violation.path not in named), *ruled]
    new = [violation for violation in violations if not _is_reported(violation, document)]
    if scenario is None or new or document.violations:
        raise _invalid(document, (*document.violations, *new), file)
    names = [name for _, name in mentions(raw)]
    notes = tuple(violation for rule in NOTES for violation in rule(raw))
    return Reading(
        scenario,
        {name: texts[name] or "" for name in names},
        document.positions,
        notes=tuple(sorted(_problems(document, notes, file))),
    )


def shape_violations(value: Any) -> list[Violation]:
    """What the model alone says of plain values, without the rules that look at several places."""
    raw = RawScenario(value, form_of_model(Scenario), lambda _name: "", lambda _path: 1)
    return _judged(raw)[1]


def _judged(raw: RawScenario) -> tuple[Scenario | None, list[Violation]]:
    """The scenario, if the model accepts the values; what the model, or the way that keys are written, says against."""
    written = list(only_written_names(raw))
    try:
        return Scenario.model_validate(raw.values), written
    except ValidationError as error:
        from orchestrator.reading.violations import FormValidator  # a valid file never needs it

        violations = list(FormValidator().violations(raw.root, raw.values, ()))
        if not violations:  # a rule of the model that the forms do not show
            violations = [Violation((), str(problem["msg"])) for problem in error.errors()]
        known = {violation.path for violation in violations}
        return None, [*violations, *(violation for violation in written if violation.path not in known)]


def _kept(read_companion: ReadCompanion, texts: dict[str, str | None]) -> ReadCompanion:
    """The same, asked once for each name."""

    def ask(name: str) -> str | None:
        if name not in texts:
            texts[name] = read_companion(name)
        return texts[name]

    return ask


def _is_reported(violation: Violation, document: Document) -> bool:
    """Whether it follows from something that the YAML reader has complained of; keys are known all the same."""
    path = violation.path[:-1] if violation.at_key else violation.path
    if path in document.gaps and not violation.at_key:
        return True
    return bool(document.unread) and any(path[:length] in document.unread for length in range(len(path) + 1))


def _invalid(document: Document, violations: tuple[Violation, ...], file: str) -> FileInvalid:
    return FileInvalid(tuple(sorted(set(_problems(document, violations, file)))))


def _problems(document: Document, violations: tuple[Violation, ...], file: str) -> Iterator[Problem]:
    for violation in violations:
        position = document.position_of(violation)
        yield Problem(file, position.line, position.column, path_text(violation.path), violation.message)
