"""The forms of the language, read from the model: what may stand where, without a list of keys of its own.

A form wraps one annotation of a class of the model. Reading, the reference and the schema's tests all walk the same
forms, so that a new role, check or setting needs no change here.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from orchestrator.model.language import Discriminator, FieldDeclaration, ScenarioModel, Tag
from orchestrator.model.values import VariantNames


@dataclass(frozen=True, eq=False)
class Form:
    """One annotation, taken apart: its core type, what is marked on it, whether nothing (null) may stand there."""

    annotation: Any
    core: Any
    metadata: tuple[Any, ...]
    optional: bool
    field: FieldDeclaration | None = None

    def metadata_of(self, kind: type[Any]) -> Any:
        """The last metadata of this kind (the most specific one), or None."""
        return next((annotation for annotation in reversed(self.metadata) if isinstance(annotation, kind)), None)

    @cached_property
    def mapping(self) -> MappingForm | None:
        """The keys that may stand here, where a mapping with known keys is meant."""
        return (
            mapping_form_of(self.core) if isinstance(self.core, type) and issubclass(self.core, ScenarioModel) else None
        )

    @cached_property
    def tagged_union(self) -> TaggedUnion | None:
        """The kinds of mapping of which one is meant."""
        mark = self.metadata_of(Discriminator)
        return TaggedUnion.of(self.core, mark.discriminator, self.metadata_of(VariantNames)) if mark else None

    @cached_property
    def branches(self) -> tuple[Form, ...]:
        """The forms of which any may stand here."""
        return () if self.tagged_union or not _is_union(self.core) else tuple(map(form_of, get_args(self.core)))

    @cached_property
    def table(self) -> tuple[Form, Form] | None:
        """The forms of key and value, where a mapping with free keys is meant."""
        if get_origin(self.core) is not dict:
            return None
        key, value = get_args(self.core)
        return form_of(key), form_of(value)

    @cached_property
    def item(self) -> Form | None:
        """The form of an item, where a list is meant."""
        arguments = get_args(self.core)
        if get_origin(self.core) is list or (get_origin(self.core) is tuple and arguments[1:] == (...,)):
            return form_of(arguments[0])
        return None

    @property
    def literals(self) -> tuple[Any, ...]:
        """The values of which one must stand here."""
        return get_args(self.core) if get_origin(self.core) is Literal else ()


class MappingForm:
    """A mapping with known keys: one class of the model."""

    def __init__(self, model: type[ScenarioModel]) -> None:
        self.model = model
        self._names = {field.alias or name: name for name, field in model.fields.items()}
        # the key as the author writes it -> its declaration
        self.fields: Mapping[str, FieldDeclaration] = {key: model.fields[name] for key, name in self._names.items()}
        self._forms: dict[str, Form] = {}

    def form(self, key: str) -> Form:
        """The form of a key's value; taken apart when it is first asked for."""
        if key not in self._forms:
            field = self.fields[key]
            self._forms[key] = form_of(Annotated[self._types[self._names[key]], field], field)
        return self._forms[key]

    @cached_property
    def _types(self) -> Mapping[str, Any]:
        """The name of each field -> its annotation, with the marks."""
        return get_type_hints(self.model, include_extras=True)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(key for key, field in self.fields.items() if field.required)


@dataclass(frozen=True, eq=False)
class TaggedUnion:
    """Kinds of mapping by tag. `key` tells the kind where it is the value of one key (`role: app`); otherwise the
    kind is told by which key is there (`resolves: …`), and `tag_of` knows how. `noun` is what a kind is one of."""

    records: Mapping[str, MappingForm]
    key: str | None
    tag_of: Callable[[Any], str | None]
    kinds: VariantNames

    @property
    def noun(self) -> str:
        return self.key or self.kinds.noun

    @classmethod
    def of(cls, union: Any, by: Any, kinds: VariantNames | None) -> TaggedUnion:
        kinds = kinds or VariantNames(
            str(by), f"which {by}", "such as {role: app}" if by == "role" else f"with the key {by!r}"
        )
        if isinstance(by, str):
            records = {}
            for model in map(_model_of, get_args(union)):
                record = mapping_form_of(model)
                records.update(dict.fromkeys(record.form(by).literals, record))
            return cls(records, by, lambda value: value.get(by) if isinstance(value, dict) else None, kinds)
        tagged = {_tag_of(branch): mapping_form_of(_model_of(branch)) for branch in get_args(union)}
        return cls(tagged, None, by, kinds)

    def variant_of(self, value: Any) -> MappingForm | None:
        """The kind that a value is; None where it is unclear."""
        tag = self.tag_of(value)
        return self.records.get(tag) if isinstance(tag, str) else None

    def kinds_by_key(self) -> dict[str, list[str]]:
        """Key -> the kinds that know it."""
        known: dict[str, list[str]] = {}
        for tag, record in self.records.items():
            for key in record.fields:
                known.setdefault(key, []).append(tag)
        return known

    def any_form(self, key: str) -> Form | None:
        """The form of a key in the first kind that has it, for values whose kind is unclear."""
        return next((record.form(key) for record in self.records.values() if key in record.fields), None)


def form_of(annotation: Any, field: FieldDeclaration | None = None) -> Form:
    """Take an annotation apart."""
    core, metadata = _strip(annotation)
    optional = False
    if _is_union(core):
        rest = tuple(branch for branch in get_args(core) if branch is not types.NoneType)
        optional = len(rest) < len(get_args(core))
        if optional and len(rest) == 1:
            core, inner = _strip(rest[0])
            metadata = (*inner, *metadata)
        elif optional:
            core = Union[rest]  # noqa: UP007
    return Form(annotation, core, metadata, optional, field)


def mapping_form_of(model: type[ScenarioModel]) -> MappingForm:
    """The keys of a class of the model: one form for each class, which many places of the language share."""
    hashable: Any = model  # mypy takes no variable that holds a class for hashable
    return _mapping_form(hashable)


@cache
def _mapping_form(model: type[ScenarioModel]) -> MappingForm:
    return MappingForm(model)


@cache
def form_of_model(model: type[ScenarioModel]) -> Form:
    """Take a class of the model apart, once: a form keeps the forms of what it holds."""
    return form_of(model)


def _strip(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    metadata: tuple[Any, ...] = ()
    while get_origin(annotation) is Annotated or hasattr(annotation, "__value__"):
        if hasattr(annotation, "__value__"):  # type X = ...
            annotation = annotation.__value__
            continue
        annotation, *more = get_args(annotation)
        metadata = (*more, *metadata)
    return annotation, metadata


def _is_union(core: Any) -> bool:
    return get_origin(core) in (Union, types.UnionType)


def _model_of(branch: Any) -> type[ScenarioModel]:
    core, _ = _strip(branch)
    if not (isinstance(core, type) and issubclass(core, ScenarioModel)):
        raise TypeError(f"a kind must be a model, not {core!r}")
    return core


def _tag_of(branch: Any) -> str:
    _, metadata = _strip(branch)
    return next(annotation.tag for annotation in metadata if isinstance(annotation, Tag))
