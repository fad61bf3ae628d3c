"""What is wrong with the values of a file, by the model's own rules, in plain English, all at once.

pydantic decides what is valid; this module only says why not. It walks the values beside the forms of the model, so
that a union is judged by the branch that was meant, and not by all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from orchestrator.reading.document import Complaint, Path
from orchestrator.reading.forms import Choice, Form, Record
from orchestrator.reading.sentences import advice, expected, sentence
from orchestrator.reading.words import FOREIGN, did_you_mean, found, listed, near, without_space

STRICT = ConfigDict(strict=True)


@dataclass
class Judge:
    """Judges values against forms; keeps the validators that it had to build."""

    adapters: dict[int, TypeAdapter[Any]] = field(default_factory=dict)

    def complaints(self, form: Form, value: Any, path: Path) -> Iterator[Complaint]:
        """Every complaint about a value; none where it is valid."""
        if value is None and form.optional:
            return
        if form.choice:
            yield from self._choice(form.choice, value, path)
        elif form.record:
            yield from self._record(form.record, value, path)
        elif form.branches:
            yield from self._either(form, value, path)
        else:
            inner = list(self._inner(form, value, path))
            yield from inner or self._leaf(form, value, path)

    def _inner(self, form: Form, value: Any, path: Path) -> Iterator[Complaint]:
        """Complaints about the parts of a list or of a mapping with free keys."""
        if form.table and isinstance(value, dict):
            key_form, value_form = form.table
            for key, part in value.items():
                for complaint in self._leaf(key_form, key, (*path, key)):
                    yield Complaint((*path, key), complaint.message, at_key=True)
                yield from self.complaints(value_form, part, (*path, key))
        elif form.item and isinstance(value, list):
            for index, part in enumerate(value):
                yield from self.complaints(form.item, part, (*path, index))

    def _leaf(self, form: Form, value: Any, path: Path) -> Iterator[Complaint]:
        adapter = self.adapters.get(id(form))
        if adapter is None:
            adapter = self.adapters[id(form)] = _adapter(form)
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            yield Complaint(path, sentence(error.errors()[0], form, value))

    def _either(self, form: Form, value: Any, path: Path) -> Iterator[Complaint]:
        branch = next((branch for branch in form.branches if _has_shape(branch, value)), None)
        if branch:
            yield from self.complaints(branch, value, path)
            return
        forms = " or ".join(expected(branch) for branch in form.branches)
        hint = next(filter(None, (advice(branch, value) for branch in form.branches)), "")
        yield Complaint(path, f"expected {forms}, found {found(value)}{hint}")

    def _record(self, record: Record, value: Any, path: Path, choice: Choice | None = None) -> Iterator[Complaint]:
        if not isinstance(value, dict):
            keys = listed(record.fields)
            keys = f"the key{'s' if len(record.fields) > 1 else ''} {keys}"
            yield Complaint(path, f"expected a mapping with {keys}; found {found(value)}{_as_record(record, value)}")
            return
        complaints = list(self._keys(record, value, path, choice))
        for key in value:
            if key in record.fields:
                complaints.extend(self.complaints(record.form(key), value[key], (*path, key)))
        yield from complaints or self._whole(record, value, path)

    def _keys(self, record: Record, value: dict[str, Any], path: Path, choice: Choice | None) -> Iterator[Complaint]:
        """Unknown keys at the key; missing keys at the mapping that lacks them."""
        absent = [key for key in record.fields if key not in value]
        taken = set()
        for key in value:
            if key not in record.fields:
                meant = None if key in FOREIGN else near(key, absent) or near(key, record.fields)
                taken.add(meant)
                yield Complaint((*path, key), _unknown(key, meant, record, value, choice), at_key=True)
        for key in record.required:
            if key not in value and key not in taken:
                about = (record.fields[key].description or "").rstrip(".")
                yield Complaint(path, f"the key {key!r} is missing" + (f" ({about})" if about else ""))

    def _whole(self, record: Record, value: dict[str, Any], path: Path) -> Iterator[Complaint]:
        """Rules of a model that concern several keys at once."""
        try:
            record.model.model_validate(value)
        except ValidationError as error:
            for one in error.errors():
                yield Complaint((*path, *one["loc"]), sentence(one, None, one["input"]))

    def _choice(self, choice: Choice, value: Any, path: Path) -> Iterator[Complaint]:
        record = choice.told(value)
        if record:
            yield from self._record(record, value, path, choice)
        elif not isinstance(value, dict):
            named = isinstance(value, str) and choice.key and value in choice.records
            written = f"such as {{{choice.key}: {value}}}" if named else choice.kinds.written
            yield Complaint(path, f"expected a mapping {written}; found {found(value)}{without_space(value)}")
        else:
            unsaid = _bad_tag(choice, choice.key, value, path) if choice.key else _no_kind(choice, value, path)
            yield unsaid
            yield from _unknown_to_all(choice, value, path, unsaid.path)


def _adapter(form: Form) -> TypeAdapter[Any]:
    return TypeAdapter(form.annotation, config=STRICT)


def _has_shape(form: Form, value: Any) -> bool:
    match value:
        case dict():
            return bool(form.table or form.record or form.choice)
        case list():
            return form.item is not None
        case _:
            return not (form.table or form.record or form.choice or form.item) and _is_kind(form.core, value)


def _is_kind(core: Any, value: Any) -> bool:
    """Whether a single value is of the type, or of a type that is written as text."""
    if core in (bool, int, float):
        return type(value) is core or (core is float and type(value) is int)
    return isinstance(value, str)


def _unknown(key: str, meant: str | None, record: Record, value: dict[str, Any], choice: Choice | None) -> str:
    allowed = f"allowed here: {listed(sorted(record.fields))}"
    if choice and (kinds := choice.kinds_by_key().get(key)):
        own = choice.tell(value)
        return f"the key {key!r} is for {listed(kinds)}, not for {own}; {allowed}"
    question = without_space(key) or (f"; did you mean {meant!r}?" if meant else "")
    return f"unknown key {key!r}{question}{'' if question.endswith('?') else ';'} {allowed}"


def _as_record(record: Record, value: Any) -> str:
    """How a single value is written that is meant for the only key, or the only one that must be there."""
    keys = record.required or tuple(record.fields)
    simple = not isinstance(value, bool | None) and re.fullmatch(r"[A-Za-z0-9.-]+", str(value))
    return f"; write {{{keys[0]}: {value}}}" if simple and len(keys) == 1 else ""


def _bad_tag(choice: Choice, key: str, value: dict[str, Any], path: Path) -> Complaint:
    kinds = f"the {key}s are {listed(sorted(choice.records))}"
    known = choice.kinds_by_key()
    if key not in value:
        wrong = next((other for other in value if near(other, [key]) and other not in known), None)
        if wrong is not None:
            hint = without_space(wrong) or f"; did you mean {key!r}?"
            return Complaint((*path, wrong), f"unknown key {wrong!r}{hint}", at_key=True)
        return Complaint(path, f"the key {key!r} is missing; {kinds}")
    tag = value[key]
    if not isinstance(tag, str):
        return Complaint((*path, key), f"expected the name of a {key}, found {found(tag)}; {kinds}")
    hint = did_you_mean(tag, choice.records) or ";"
    return Complaint((*path, key), f"there is no {key} {tag!r}{hint} {kinds}")


def _unknown_to_all(choice: Choice, value: dict[str, Any], path: Path, told: Path) -> Iterator[Complaint]:
    """Keys that no kind knows, where the kind cannot be told; but for the one that was already complained of."""
    known = choice.kinds_by_key()
    for key in value:
        if key not in known and (*path, key) != told:
            hint = without_space(key) or did_you_mean(key, known)
            yield Complaint((*path, key), f"unknown key {key!r}{hint}", at_key=True)


def _no_kind(choice: Choice, value: dict[str, Any], path: Path) -> Complaint:
    present = [kind for kind in choice.records if kind in value]
    if len(present) > 1:
        message = f"{' and '.join(present)} stand in one {choice.called}; make a check of each"
        return Complaint((*path, present[1]), message, at_key=True)
    known = choice.kinds_by_key()
    for key in value:
        meant = near(key, choice.records) if key not in known else None
        if meant:
            return Complaint((*path, key), f"unknown key {key!r}; did you mean {meant!r}?", at_key=True)
    return Complaint(path, f"it is not said {choice.kinds.says}; one of these keys is needed: {listed(choice.records)}")
