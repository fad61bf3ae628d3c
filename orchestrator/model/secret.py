"""A text that must not be seen. By itself, so that what only removes a lab need not load the scenario language."""

from __future__ import annotations


class Secret:
    """A text that prints as ***; `reveal()` is the only way to it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
