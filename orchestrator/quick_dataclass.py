"""`dataclass(frozen=True)`, made without generating code.

The standard decorator compiles six methods for each class, and works out a signature for each that has no docstring.
A command loads some hundred such classes, and this took 40 % of the time of an `up` that has nothing to do. Here all
classes share the same methods. To type checkers, `replace`, `fields` and `asdict` they are dataclasses as any others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool) -> Callable[[type], type]:
        """Make a class a frozen dataclass; other options have the standard decorator."""
        if not frozen:
            raise TypeError("a class that can be changed has the standard decorator")
        return _frozen_dataclass


def _frozen_dataclass(cls: type) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # or else the decorator works out a signature
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    made.own_fields = dataclasses.fields(made)
    own = vars(made)
    for method in (__init__, __repr__, __eq__, __hash__, __setattr__, __delattr__):
        if method.__name__ not in own:
            setattr(made, method.__name__, method)
    return cls


def __init__(self: Any, *positional: Any, **named: Any) -> None:
    """Set the fields, those without a value to their defaults, and call `__post_init__` where there is one."""
    fields = self.own_fields
    values = dict(zip((field.name for field in fields if field.init), positional, strict=False))
    if len(values) < len(positional) or values.keys() & named.keys():
        raise TypeError(f"{type(self).__name__} takes {', '.join(field.name for field in fields)}, each once")
    values.update(named)
    given = len(values)
    for field in fields:
        if field.name in values and field.init:
            given -= 1
        elif field.default_factory is not dataclasses.MISSING:
            values[field.name] = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            values[field.name] = field.default
        elif field.init:
            raise TypeError(f"{type(self).__name__} needs {field.name}")
    if given:
        raise TypeError(f"{type(self).__name__} has only {', '.join(field.name for field in fields)}")
    vars(self).update(values)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def __repr__(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in self.own_fields if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, field.name) for field in self.own_fields if field.compare)


def __eq__(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def __hash__(self: Any) -> int:
    return hash(_compared(self))


def __setattr__(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def __delattr__(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
