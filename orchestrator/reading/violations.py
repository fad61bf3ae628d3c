"""What is wrong with the values of a file, by the model's own rules, in plain English, all at once.

pydantic decides what is valid; this module only says why not. It walks the values beside the forms of the model, so
that a union is judged by the branch that was meant, and not by all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from orchestrator.reading.document import Violation
from orchestrator.reading.error_messages import advice, as_flow, bounds_text, expected, is_right, sentence
from orchestrator.reading.message_parts import in_quotes, listed
from orchestrator.reading.reading import Path
from orchestrator.reading.schema_forms import Form, MappingForm, TaggedUnion
from orchestrator.reading.spelling import FOREIGN, did_you_mean, near, without_space

STRICT = ConfigDict(strict=True)
# What a list of faults may also hold, and one fault alone may not.
LATER_STEPS = ("heal", "check")


@dataclass
class FormValidator:
    """Judges values against forms; keeps the validators that it had to build."""

    adapters: dict[int, TypeAdapter[Any]] = field(default_factory=dict)

    def violations(self, form: Form, value: Any, path: Path) -> Iterator[Violation]:
        """Every violation about a value; none where it is valid."""
        if value is None and form.optional:
            return
        if form.tagged_union:
            yield from self._choice(form.tagged_union, value, path)
        elif form.mapping:
            yield from self._record(form.mapping, value, path, example=_example(form, value))
        elif form.branches:
            yield from self._either(form, value, path)
        else:
            inner = list(self._inner(form, value, path))
            yield from inner or self._leaf(form, value, path)

    def _inner(self, form: Form, value: Any, path: Path) -> Iterator[Violation]:
        """Complaints about the parts of a list or of a mapping with free keys."""
        if form.table and isinstance(value, dict):
            key_form, value_form = form.table
            for key, part in value.items():
                for violation in self._leaf(key_form, key, (*path, key)):
                    yield Violation((*path, key), violation.message, at_key=True)
                yield from self.violations(value_form, part, (*path, key))
        elif form.item and isinstance(value, list):
            for index, part in enumerate(value):
                yield from self.violations(form.item, part, (*path, index))

    def _leaf(self, form: Form, value: Any, path: Path) -> Iterator[Violation]:
        adapter = self.adapters.get(id(form))
        if adapter is None:
            adapter = self.adapters[id(form)] = _adapter(form)
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            yield Violation(path, sentence(error.errors()[0], form, value))

    def _either(self, form: Form, value: Any, path: Path) -> Iterator[Violation]:
        branch = next((branch for branch in form.branches if _has_shape(branch, value)), None)
        # A single value where a mapping of several kinds may stand: its own sentence shows one.
        kinds = next((branch for branch in form.branches if branch.tagged_union), None)
        if meant := branch or kinds:
            violations = list(self.violations(meant, value, path))
            numbers = [bounds_text(other) or expected(other) for other in form.branches if other.core in (int, float)]
            if violations and meant.core is str and numbers:
                either = " or ".join((*numbers, expected(meant)))
                hint = "; write it without quotes" if value.isdecimal() else _smaller(meant, value)
                violations = [Violation(path, f"expected {either}; found {in_quotes(value)}{hint}")]
            yield from violations
            return
        forms = " or ".join(expected(branch) for branch in form.branches)
        hint = next(filter(None, (advice(branch, value) for branch in form.branches)), "")
        yield Violation(path, f"expected {forms}, found {in_quotes(value)}{hint}")

    def _record(
        self, record: MappingForm, value: Any, path: Path, tagged_union: TaggedUnion | None = None, *, example: str = ""
    ) -> Iterator[Violation]:
        if not isinstance(value, dict):
            keys, hint = listed(record.fields), _as_record(record, value) or example
            keys = f"the key{'s' if len(record.fields) > 1 else ''} {keys}"
            yield Violation(path, f"expected a mapping with {keys}; found {in_quotes(value)}{hint}")
            return
        violations = list(self._keys(record, value, path, tagged_union))
        for key in value:
            if key in record.fields:
                violations.extend(self.violations(record.form(key), value[key], (*path, key)))
        yield from violations or self._whole(record, value, path)

    def _keys(
        self, record: MappingForm, value: dict[str, Any], path: Path, tagged_union: TaggedUnion | None
    ) -> Iterator[Violation]:
        """Unknown keys at the key; missing keys at the mapping that lacks them."""
        absent = [key for key in record.fields if key not in value]
        taken = set()
        for key in value:
            if key not in record.fields:
                meant = None if key in FOREIGN else near(key, absent) or near(key, record.fields)
                taken.add(meant)
                yield Violation((*path, key), _unknown(key, meant, record, value, tagged_union), at_key=True)
        for key in record.required:
            if key not in value and key not in taken:
                about = (record.fields[key].description or "").rstrip(".")
                yield Violation(path, f"the key {key!r} is missing" + (f" ({about})" if about else ""))

    def _whole(self, record: MappingForm, value: dict[str, Any], path: Path) -> Iterator[Violation]:
        """Rules of a model that concern several keys at once."""
        try:
            record.model.model_validate(value)
        except ValidationError as error:
            for problem in error.errors():
                yield Violation((*path, *problem["loc"]), sentence(problem, None, problem["input"]))

    def _choice(self, tagged_union: TaggedUnion, value: Any, path: Path) -> Iterator[Violation]:
        record = tagged_union.variant_of(value)
        if record:
            yield from self._record(record, value, path, tagged_union)
        elif not isinstance(value, dict):
            named = isinstance(value, str) and tagged_union.key and value in tagged_union.records
            written = f"such as {{{tagged_union.key}: {value}}}" if named else tagged_union.kinds.written
            yield Violation(path, f"expected a mapping {written}; found {in_quotes(value)}{without_space(value)}")
        else:
            unsaid = (
                _bad_tag(tagged_union, tagged_union.key, value, path)
                if tagged_union.key
                else _no_kind(tagged_union, value, path)
            )
            yield unsaid
            yield from _unknown_to_all(tagged_union, value, path, unsaid.path)


def _adapter(form: Form) -> TypeAdapter[Any]:
    try:
        return _adapter_of(form.annotation)
    except TypeError:  # of a part of it there is no hash
        return TypeAdapter(form.annotation, config=STRICT)


@cache
def _adapter_of(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=STRICT)


def _smaller(form: Form, value: str) -> str:
    """The same word in small letters, where that would be right."""
    meant = value.lower()
    return f"; write {meant}" if meant != value and is_right(form, meant) else ""


def _has_shape(form: Form, value: Any) -> bool:
    match value:
        case dict():
            return bool(form.table or form.mapping or form.tagged_union)
        case list():
            return form.item is not None
        case _:
            return not (form.table or form.mapping or form.tagged_union or form.item) and _is_kind(form.core, value)


def _is_kind(core: Any, value: Any) -> bool:
    """Whether a single value is of the type, or of a type that is written as text."""
    if core in (bool, int, float):
        return type(value) is core or (core is float and type(value) is int)
    return isinstance(value, str)


def _unknown(
    key: str, meant: str | None, record: MappingForm, value: dict[str, Any], tagged_union: TaggedUnion | None
) -> str:
    allowed = f"allowed here: {listed(sorted(record.fields))}"
    if tagged_union and (kinds := tagged_union.kinds_by_key().get(key)):
        own = tagged_union.tag_of(value)
        return f"the key {key!r} is for {listed(kinds)}, not for {own}; {allowed}"
    question = without_space(key) or (f"; did you mean {meant!r}?" if meant else "")
    if outer := _outer_key(key, record):
        question = f"; it is a part of {outer!r}: write {outer}: {{{key}: …}}"
    return f"unknown key {key!r}{question}{'' if question.endswith('?') else ';'} {allowed}"


def _outer_key(key: str, record: MappingForm) -> str | None:
    """The key of the same mapping whose value is a mapping that knows this key; None where none or several do."""
    outer = []
    for own in record.fields:
        form = record.form(own)
        if any(inner.mapping and key in inner.mapping.fields for inner in (form, *form.branches)):
            outer.append(own)
    return outer[0] if len(outer) == 1 else None


def _example(form: Form, value: Any) -> str:
    """How the value is written, from the example of its field, where a single value stands in place of a mapping."""
    examples = form.field.examples if form.field else None
    single = isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"; write it like {as_flow(examples[0])}" if single and examples and isinstance(examples[0], dict) else ""


def _as_record(record: MappingForm, value: Any) -> str:
    """How a single value is written that is meant for the only key, or the only one that must be there."""
    keys = record.required or tuple(record.fields)
    simple = not isinstance(value, bool | None) and re.fullmatch(r"[A-Za-z0-9.-]+", str(value))
    return f"; write {{{keys[0]}: {value}}}" if simple and len(keys) == 1 else ""


def _bad_tag(tagged_union: TaggedUnion, key: str, value: dict[str, Any], path: Path) -> Violation:
    kinds = f"the {key}s are {listed(sorted(tagged_union.records))}"
    known = tagged_union.kinds_by_key()
    if key not in value:
        wrong = next((other for other in value if near(other, [key]) and other not in known), None)
        if wrong is not None:
            hint = without_space(wrong) or f"; did you mean {key!r}?"
            return Violation((*path, wrong), f"unknown key {wrong!r}{hint}", at_key=True)
        return Violation(path, f"the key {key!r} is missing; {kinds}")
    tag = value[key]
    if not isinstance(tag, str):
        return Violation((*path, key), f"expected the name of a {key}, found {in_quotes(tag)}; {kinds}")
    hint = did_you_mean(tag, tagged_union.records) or ";"
    return Violation((*path, key), f"there is no {key} {tag!r}{hint} {kinds}")


def _unknown_to_all(
    tagged_union: TaggedUnion, value: dict[str, Any], path: Path, reported: Path
) -> Iterator[Violation]:
    """Keys that no kind knows, where the kind is unclear; without the one at `reported`."""
    known = tagged_union.kinds_by_key()
    for key in value:
        if key not in known and (*path, key) != reported:
            hint = without_space(key) or did_you_mean(key, known)
            yield Violation((*path, key), f"unknown key {key!r}{hint}", at_key=True)


def _no_kind(tagged_union: TaggedUnion, value: dict[str, Any], path: Path) -> Violation:
    present = [kind for kind in tagged_union.records if kind in value]
    if len(present) > 1:
        way = "make a check of each"
        if tagged_union.noun == "fault":
            way = f"write a list: [{', '.join(f'{{{kind}: …}}' for kind in present)}]"
        message = f"{' and '.join(present)} stand in one {tagged_union.noun}; {way}"
        return Violation((*path, present[1]), message, at_key=True)
    if step := next((key for key in value if key in LATER_STEPS and tagged_union.noun == "fault"), None):
        message = f"{step!r} stands in a list, after a fault: [{{stop: …}}, {{{step}: …}}]"
        return Violation((*path, step), message, at_key=True)
    known = tagged_union.kinds_by_key()
    for key in value:
        meant = near(key, tagged_union.records) if key not in known else None
        if meant:
            return Violation((*path, key), f"unknown key {key!r}; did you mean {meant!r}?", at_key=True)
    return Violation(
        path, f"it is not said {tagged_union.kinds.says}; one of these keys is needed: {listed(tagged_union.records)}"
    )
