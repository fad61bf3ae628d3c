"""The quick frozen dataclass behaves as the standard one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import pytest

from orchestrator.quick_dataclass import dataclass as quick


def _classes(decorate: Callable[..., Any]) -> tuple[Any, Any]:
    @decorate(frozen=True)
    class Base:
        kind: ClassVar[str] = "base"
        name: str
        number: int = 1
        items: list[int] = dataclasses.field(default_factory=list, compare=False)
        hidden: str = dataclasses.field(default="x", repr=False)

        @cached_property
        def twice(self) -> int:
            return self.number * 2

    @decorate(frozen=True)
    class Derived(Base):
        more: str = ""
        made: str = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "made", self.name + self.more)

    return Base, Derived


KINDS = {"quick": _classes(quick), "standard": _classes(dataclasses.dataclass)}
BOTH = pytest.mark.parametrize(("base", "derived"), KINDS.values(), ids=KINDS)


@BOTH
def test_it_is_a_value(base: Any, derived: Any) -> None:
    one = base("a", number=2)
    assert (one.name, one.number, one.items, one.hidden, one.kind, one.twice) == ("a", 2, [], "x", "base", 4)
    assert one == base("a", 2, [7])
    assert one != base("b", 2)
    assert one != derived("a", 2)
    assert hash(one) == hash(base("a", 2, [7]))
    assert one.items is not base("a").items
    assert repr(one).endswith("Base(name='a', number=2, items=[])")
    assert derived("a", more="b").made == "ab"


@BOTH
def test_the_tools_for_dataclasses_know_it(base: Any, derived: Any) -> None:
    changed = dataclasses.replace(derived("a", 2), more="z")
    assert (changed.made, changed.number) == ("az", 2)
    assert dataclasses.asdict(base("a")) == {"name": "a", "number": 1, "items": [], "hidden": "x"}
    assert [field.name for field in dataclasses.fields(derived)][-2:] == ["more", "made"]
    match base("a", 3):
        case base(name, number):
            assert (name, number) == ("a", 3)


@BOTH
def test_it_cannot_be_changed(base: Any, derived: Any) -> None:
    for value in (base("a"), derived("a")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.name = "b"
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.name


@BOTH
def test_wrong_arguments_are_refused(base: Any, derived: Any) -> None:
    wrong: list[tuple[tuple[Any, ...], dict[str, Any]]]
    wrong = [((), {}), (("a",), {"name": "b"}), (("a",), {"other": 1}), ((1, 2, 3, 4, 5, 6, 7), {})]
    for arguments, named in wrong:
        for cls in (base, derived):
            with pytest.raises(TypeError):
                cls(*arguments, **named)
    with pytest.raises(TypeError):
        derived("a", made="b")
