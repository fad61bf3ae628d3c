"""pydantic's models of the classes that declare the scenario language, made at first use.

Only this module and `reading/` need pydantic. A valid value is a value of the declared class again.
"""

from __future__ import annotations

from functools import cache
from types import new_class
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import core_schema


class Strict(BaseModel):
    """Base of all: no unknown keys, no silent conversion."""

    # Built at first use: a command reads one whole scenario and needs no validator of each of its parts.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


@cache
def pydantic_model(declared: Any) -> type[BaseModel]:
    """pydantic's model with the keys, types and defaults of a class (`language.ScenarioModel`).

    The annotations stay texts, which pydantic reads with the names of the class's own module: they may speak of classes
    that stand further down in it.
    """
    parents = tuple(pydantic_model(base) for base in declared.__bases__ if getattr(base, "fields", None))
    annotations = vars(declared).get("__annotations__", {})
    own = {name: text for name, text in annotations.items() if name in declared.fields}
    body = {
        "__module__": declared.__module__,
        "__qualname__": declared.__qualname__,
        "__doc__": declared.__doc__,
        "__annotations__": own,
        **{name: declared.fields[name].pydantic_field() for name in own},
    }
    return new_class(declared.__name__, parents or (Strict,), exec_body=lambda namespace: namespace.update(body))


def validated(declared: Any, value: Any) -> Any:
    """The value of the class that a mapping declares. Raises ValidationError with all that is wrong."""
    return _as_declared(declared, pydantic_model(declared).model_validate(value))


def core_schema_of(declared: Any, handler: Any) -> core_schema.CoreSchema:
    """What pydantic is told of the class where it stands inside of another one."""

    def of_mapping(value: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:
        return value if isinstance(value, declared) else _as_declared(declared, validate(value))

    schema = handler.generate_schema(pydantic_model(declared))
    return core_schema.no_info_wrap_validator_function(of_mapping, schema)


def _as_declared(declared: Any, valid: BaseModel) -> Any:
    written = {name: getattr(valid, name) for name in declared.fields if name in valid.model_fields_set}
    return declared.of_written(written).completed()
