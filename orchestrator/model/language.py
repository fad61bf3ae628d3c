"""How the scenario language is declared: plain classes with typed keys.

pydantic decides what a file may hold, but its import takes longer than everything else that a command loads, and only
a file that has changed must be validated. So these declarations do without it; `model/validation.py` makes pydantic's
models of them once something is to be validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self, Union

REQUIRED: Any = object()
# What a declaration says of a key, and not of its value.
ABOUT_KEYS = ("alias", "description", "examples")


class Mark:
    """A mark in an `Annotated` type, which pydantic takes for one of its own once it looks at the type."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._values = values
        self._named = named

    def pydantic_mark(self) -> Any:
        """pydantic's mark of the same name."""
        import pydantic

        return getattr(pydantic, type(self).__name__)(*self._values, **self._named)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return self.pydantic_mark().__get_pydantic_core_schema__(source, handler)


class AfterValidator(Mark):
    """A function that judges a value of the type, and may change it; it raises ValueError."""


class BeforeValidator(Mark):
    """A function that makes a value of the type of what is written; it raises ValueError."""


class WithJsonSchema(Mark):
    """The JSON Schema of the type, where it cannot be told from the type."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], Any]) -> Any:
        return self.pydantic_mark().__get_pydantic_json_schema__(schema, handler)


class Tag(Mark):
    """The name of one kind in a union of several."""

    @property
    def tag(self) -> str:
        return str(self._values[0])


class Discriminator(Mark):
    """What tells the kinds of a union apart: a key, or a function from a value to the tag of its kind."""

    @property
    def discriminator(self) -> str | Callable[[Any], str | None]:
        value: str | Callable[[Any], str | None] = self._values[0]
        return value


class FieldDeclaration:
    """A key of a class, or the bounds of an `Annotated` type: the default, and what pydantic's `Field` knows."""

    def __init__(self, default: Any, default_factory: Callable[[], Any] | None, named: Mapping[str, Any]) -> None:
        self.default = default
        self._default_factory = default_factory
        self._named = named
        self.alias: str | None = named.get("alias")
        self.description: str = named.get("description", "")
        self.examples: list[Any] = named.get("examples", [])
        self.pattern: str | None = named.get("pattern")

    @property
    def required(self) -> bool:
        return self.default is REQUIRED and self._default_factory is None

    @property
    def bounds(self) -> dict[str, float]:
        """The limits of a number, by pydantic's words for them: ge, gt, le, lt."""
        return {word: self._named[word] for word in ("ge", "gt", "le", "lt") if word in self._named}

    def default_value(self) -> Any:
        """The value of a key that is not written."""
        return self._default_factory() if self._default_factory else self.default

    def pydantic_field(self) -> Any:
        """The same as pydantic declares it."""
        from pydantic import Field as PydanticField

        if self._default_factory:
            return PydanticField(default_factory=self._default_factory, **self._named)
        return PydanticField(**self._named) if self.default is REQUIRED else PydanticField(self.default, **self._named)

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from typing import Annotated

        from pydantic import Field as PydanticField

        bounds = {word: value for word, value in self._named.items() if word not in ABOUT_KEYS}
        return handler(Annotated[source, PydanticField(**bounds)])


def Field(default: Any = REQUIRED, *, default_factory: Callable[[], Any] | None = None, **named: Any) -> Any:
    """Declare a key of a class, or bounds in an `Annotated` type, with the words of pydantic's `Field`."""
    return FieldDeclaration(default, default_factory, named)


class ScenarioModel:
    """Base of everything that an author writes: frozen, no unknown keys, no silent conversion.

    `fields` are the keys by the names that Python code uses, those of the base classes first.
    """

    fields: ClassVar[Mapping[str, FieldDeclaration]] = {}

    def __init_subclass__(cls) -> None:
        own = {}
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
                continue
            value = vars(cls).get(name, REQUIRED)
            own[name] = value if isinstance(value, FieldDeclaration) else FieldDeclaration(value, None, {})
            if value is not REQUIRED:
                delattr(cls, name)
        inherited = (getattr(base, "fields", {}) for base in cls.__bases__)
        cls.fields = {name: field for fields in (*inherited, own) for name, field in fields.items()}

    def __init__(self, **values: Any) -> None:
        """Take values that need no validation; those of a file come by `model_validate`."""
        unknown = values.keys() - self.fields.keys()
        missing = [name for name, field in self.fields.items() if field.required and name not in values]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: unknown {sorted(unknown)}, missing {missing}")
        self._fill(values)

    def _fill(self, written: Mapping[str, Any]) -> None:
        """Set all fields: those that are written, and the defaults of the others."""
        values = {n: written[n] if n in written else field.default_value() for n, field in self.fields.items()}
        vars(self).update(values, _written=frozenset(written))

    @classmethod
    def model_validate(cls, value: Any) -> Self:
        """The value that a mapping declares. Raises pydantic's ValidationError with all that is wrong."""
        if isinstance(value, cls):
            return value
        from orchestrator.model.validation import validated

        made: Self = validated(cls, value)
        return made

    def completed(self) -> Self:
        """What a valid value means; a class overrides this where it means more than is written."""
        return self

    @classmethod
    def of_written(cls, written: Mapping[str, Any]) -> Self:
        """The value with these fields written; they were valid when `written` gave them."""
        made = cls.__new__(cls)
        made._fill(written)
        return made

    @property
    def written(self) -> dict[str, Any]:
        """The fields that are not left to their defaults, in the order of declaration."""
        return {name: getattr(self, name) for name in self.fields if name in vars(self)["_written"]}

    def as_values(self) -> dict[str, Any]:
        """All fields by name."""
        return {name: getattr(self, name) for name in self.fields}

    def as_written(self) -> dict[str, Any]:
        """What the file says, by its own keys, as values of JSON."""
        return {self.fields[name].alias or name: _json(value) for name, value in self.written.items()}

    def model_copy(self, update: Mapping[str, Any]) -> Self:
        """The same value with some fields changed."""
        return type(self).of_written({**self.written, **update})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from orchestrator.model.validation import core_schema_of

        return core_schema_of(cls, handler)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.fields)

    def __hash__(self) -> int:
        return hash((type(self), tuple(getattr(self, name) for name in self.fields)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.written.items())})"


def kind_by_key(value: Any, kinds: Mapping[str, type[ScenarioModel]]) -> str | None:
    """The kind of a value, from the key that names it; None where there is none or more than one."""
    if isinstance(value, ScenarioModel):
        return next((kind for kind, model in kinds.items() if type(value) is model), None)
    keys = [kind for kind in kinds if isinstance(value, dict) and kind in value]
    return keys[0] if len(keys) == 1 else None


def union_by_key(kinds: Mapping[str, type[ScenarioModel]], names: object) -> Any:
    """The annotation of a mapping of one of these kinds, told by the key that is there; `names` are VariantNames."""

    def kind_of(value: Any) -> str | None:
        return kind_by_key(value, kinds)

    models = tuple(Annotated[model, Tag(kind)] for kind, model in kinds.items())
    return Annotated[Union[models], Discriminator(kind_of), names]  # noqa: UP007


def _json(value: Any) -> Any:
    match value:
        case ScenarioModel():
            return value.as_written()
        case dict():
            return {key: _json(part) for key, part in value.items()}
        case list() | tuple():
            return [_json(part) for part in value]
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)  # an address
