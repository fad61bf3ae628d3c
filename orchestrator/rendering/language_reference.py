"""The scenario language as entries to read, from the model itself: every key with what it means and an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from orchestrator.model.language import FieldDeclaration, ScenarioModel
from orchestrator.model.roles import ROLES, roles_that_serve
from orchestrator.model.roles.role import Role
from orchestrator.model.scenario import Scenario
from orchestrator.model.values import DisplayName, Reference
from orchestrator.reading.error_messages import alternatives, as_flow, bounds_text, expected
from orchestrator.reading.message_parts import listed
from orchestrator.reading.schema_forms import Form, MappingForm, TaggedUnion, mapping_form_of


@dataclass(frozen=True)
class Entry:
    """One key: where it stands, what may stand there, what it means, one or more examples as YAML."""

    key: str
    where: str
    allowed: str
    default: str
    meaning: str
    examples: tuple[str, ...]
    required: bool = False

    @property
    def path(self) -> str:
        return f"{self.where}.{self.key}" if self.where else self.key


@dataclass(frozen=True)
class Section:
    """A mapping of the language: its place, what it is for, its keys.

    `tag` is its role or kind, where it has one; `common` holds what all roles or kinds share.
    """

    where: str
    meaning: str
    entries: tuple[Entry, ...]
    tag: str = ""
    role: Role | None = None
    noun: str = ""
    common: bool = False


@cache
def sections() -> tuple[Section, ...]:
    """Every mapping of the scenario language, the file itself first, each before what stands inside it."""
    return sections_of(Scenario)


def sections_of(model: type[ScenarioModel], where: str = "") -> tuple[Section, ...]:
    """Every mapping of a model and of what is inside it; `where` is the place of the whole."""
    sections: dict[tuple[str, str], Section] = {}
    _collect(mapping_form_of(model), where, sections)
    return tuple(sections.values())


def _collect(record: MappingForm, where: str, sections: dict[tuple[str, str], Section]) -> None:
    """A record and all that is inside it, breadth first; what is nested in itself (`first`) is told once."""
    key = (where, record.model.__name__)
    if any(known == key or (known[1] == record.model.__name__ and where.startswith(known[0])) for known in sections):
        return
    sections[key] = Section(where, _doc(record.model), tuple(_entries(record, where)))
    for name in record.fields:
        _inside(record.form(name), f"{where}.{name}" if where else name, sections)


def _inside(form: Form, where: str, sections: dict[tuple[str, str], Section]) -> None:
    if form.tagged_union:
        _collect_choice(form.tagged_union, where, sections)
    elif form.mapping:
        _collect(form.mapping, where, sections)
    for branch in form.branches:
        _inside(branch, where, sections)
    if form.table:
        _inside(form.table[1], where, sections)
    if form.item:
        _inside(form.item, where, sections)


def _collect_choice(tagged_union: TaggedUnion, where: str, sections: dict[tuple[str, str], Section]) -> None:
    """What all kinds share, then each kind with what is its own."""
    if (where, "") in sections or where.endswith((".before", ".first", ".check")):
        return
    kinds = list(tagged_union.records.items())
    first = kinds[0][1]
    shared = [key for key in first.fields if all(_same(key, first, record) for _, record in kinds)]
    common = [entry for entry in _entries(first, where) if entry.key in shared]
    if tagged_union.key:
        common.insert(0, _tag_entry(tagged_union, tagged_union.key, where))
    keys = f"{tagged_union.kinds.says[:1].upper()}{tagged_union.kinds.says[1:]} is said by one of the keys"
    what = f"The key `{tagged_union.key}` tells them apart" if tagged_union.key else keys
    meaning = f"{what}: {listed(tagged_union.records)}."
    sections[where, ""] = Section(where, meaning, tuple(common), common=True)
    for tag, record in kinds:
        own = tuple(entry for entry in _entries(record, where) if entry.key not in (*shared, tagged_union.key))
        role = ROLES.get(tag) if tagged_union.key == "role" else None
        meaning = role.summary if role else _doc(record.model)
        sections[where, tag] = Section(where, meaning, own, tag, role, noun=tagged_union.noun)
    for _, record in kinds:
        for key in record.fields:
            _inside(record.form(key), f"{where}.{key}", sections)


def _tag_entry(tagged_union: TaggedUnion, key: str, where: str) -> Entry:
    tags = listed(tagged_union.records)
    return Entry(
        key, where, f"one of {tags}", "must be there", f"The {key}: {tags}.", (f"{key}: {tags.split(',')[0]}",), True
    )


def _same(key: str, first: MappingForm, other: MappingForm) -> bool:
    mine, theirs = first.fields.get(key), other.fields.get(key)
    return mine is not None and theirs is not None and mine.description == theirs.description


def _entries(record: MappingForm, where: str) -> Iterator[Entry]:
    for key, field in record.fields.items():
        form = record.form(key)
        yield Entry(
            key,
            where,
            allowed(form),
            _default(field),
            field.description or "",
            tuple(f"{key}: {as_flow(example)}" for example in field.examples or form.literals),
            field.required,
        )


def _default(field: FieldDeclaration) -> str:
    if field.required:
        return "must be there"
    default = field.default_value()
    return "" if default in (None, (), {}) or isinstance(default, ScenarioModel) else as_flow(default)


def allowed(form: Form) -> str:
    """What may stand at a form, in words."""
    refers = form.metadata_of(Reference)
    if refers:
        roles = " or ".join(roles_that_serve(refers.serves)) if refers.serves else ""
        return f"the name of a {refers.to}" + (f" with the role {roles}" if roles else "")
    if form.branches and (called := form.metadata_of(DisplayName)):
        return str(called.words)
    if form.branches:
        return " or ".join(map(allowed, form.branches))
    if form.item:
        return f"a list; each item is {allowed(form.item)}"
    if form.table:
        key, value = form.table
        return f"a mapping; each key is {allowed(key)}, each value {allowed(value)}"
    if form.mapping or form.tagged_union:
        return "a mapping"
    if form.core is Any:
        return "any value"
    return _single(form)


def _single(form: Form) -> str:
    if called := form.metadata_of(DisplayName):
        return str(called.words)
    if words := alternatives(form):
        return f"one of {listed(words)}"
    return bounds_text(form) or expected(form)


def _doc(model: type[Any]) -> str:
    return " ".join((model.__doc__ or "").split())


def keys_by_name(sections: Iterable[Section]) -> dict[str, list[Entry | Section]]:
    """Everything that can be asked for, by each of its names: `uses` and `nodes.uses`, `roles`, `roles.app`, `app`."""
    by_name: dict[str, list[Entry | Section]] = {}
    for section in sections:
        for entry in section.entries:
            names = (entry.key, entry.path)
            _put(by_name, names, entry)
        if section.tag:
            group = "roles" if section.role else section.where
            _put(by_name, (section.tag, f"{section.where}.{section.tag}", f"{group}.{section.tag}"), section)
        elif section.where:
            _put(by_name, (section.where,), section)
    return by_name


def _put(by_name: dict[str, list[Entry | Section]], names: tuple[str, ...], what: Entry | Section) -> None:
    for name in dict.fromkeys(names):
        if what not in by_name.setdefault(name, []):
            by_name[name].append(what)
