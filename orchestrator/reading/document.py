"""YAML text -> plain values, each with its position, in two stages: events with limits, then values.

PyYAML's own loaders crash or recurse on deep nesting, take the last of duplicate keys and resolve `no` and `22:22`;
so only its parser is used, and the events are read here. What this file calls fatal ends the reading; all other
violations are collected while reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from orchestrator.reading.anchors import AnchorError, expand_anchors
from orchestrator.reading.reading import Path, Position
from orchestrator.reading.yaml_errors import DEEPEST, TOO_DEEP, yaml_sentence
from orchestrator.reading.yaml_scalars import Ambiguous, plain

LARGEST_TEXT = 256 * 1024  # characters
MOST_EVENTS = 60_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first one is ten times faster, and not everywhere

# Characters that a text file does not hold, and line ends that editors and YAML count differently.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Dialect:
    """What a kind of file is called in messages, and what it has at least.

    `is_common`: it is YAML as other programs write it, with anchors, aliases and merge keys; a word that could be read
    in two ways is text.
    """

    noun: str = "a scenario"
    least: str = "name, title and nodes"
    is_common: bool = False


SCENARIO = Dialect()


@dataclass(frozen=True)
class Violation:
    """A rule that a value breaks: at its path, at its key where `at_key`, or at `position` where the path has none."""

    path: Path
    message: str
    at_key: bool = False
    position: Position | None = None


@dataclass(frozen=True)
class Document:
    """Plain values with positions. `unread` are paths whose value could not be read, `gaps` mappings in which a
    key could not be read; neither is reported twice."""

    value: Any
    positions: dict[Path, Position]
    keys: dict[Path, Position]
    unread: frozenset[Path]
    gaps: frozenset[Path]
    violations: tuple[Violation, ...]
    fatal: bool = False

    def position_of(self, violation: Violation) -> Position:
        """The position of a violation; a path that is not in the file stands where its nearest parent stands."""
        if violation.position:
            return violation.position
        if violation.at_key and violation.path in self.keys:
            return self.keys[violation.path]
        path = violation.path
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position(1, 1))


class Fatal(Exception):
    """Reading cannot go on; holds the violation."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.violation = Violation((), message, position=position)


def read_document(text: str, loader: Any = LOADER, dialect: Dialect = SCENARIO) -> Document:
    """Read one YAML document with the parser of a PyYAML loader; never raises, whatever the text is."""
    reader = _Reader(loader, dialect)
    value, fatal = None, False
    try:
        text = text.removeprefix("\ufeff")
        _refuse_unfit(text, dialect)
        value = reader.document(text)
    except Fatal as error:
        reader.violations.append(error.violation)
        fatal = True
    unread, gaps = frozenset(reader.unread), frozenset(reader.gaps)
    return Document(value, reader.positions, reader.keys, unread, gaps, tuple(reader.violations), fatal)


def _refuse_unfit(text: str, dialect: Dialect) -> None:
    if len(text) > LARGEST_TEXT:
        raise Fatal(
            f"the file has more than {LARGEST_TEXT // 1024} KiB; {dialect.noun} is a short text", Position(1, 1)
        )
    if match := UNFIT.search(text):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
        raise Fatal(_unfit(match, dialect), Position(line, column))
    if not text.strip():
        raise Fatal(f"the file is empty; {dialect.noun} has at least {dialect.least}", Position(1, 1))


def _unfit(match: re.Match[str], dialect: Dialect) -> str:
    return f"the character U+{ord(match[0]):04X} is not allowed in {dialect.noun} file"


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _within(text: str, mark: Any) -> Position:
    """The parser's position; where it lies beyond the last line, the end of that line."""
    lines = text.splitlines()
    if mark.line < len(lines):
        return _position(mark)
    return Position(len(lines), len(lines[-1]) + 1)


class _Reader:
    """Builds values from events; one use."""

    def __init__(self, loader: Any, dialect: Dialect) -> None:
        self._loader = loader
        self._dialect = dialect
        self.positions: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self.unread: set[Path] = set()
        self.gaps: set[Path] = set()
        self.violations: list[Violation] = []
        self._events: Iterator[Any] = iter(())
        self._count = 0

    def document(self, text: str) -> Any:
        dialect, events = self._dialect, yaml.parse(text, Loader=self._loader)
        self._events = expand_anchors(events) if dialect.is_common else events
        try:
            self._next()  # the stream begins
            if isinstance(event := self._next(), yaml.StreamEndEvent):
                what = f"the file holds comments only; {dialect.noun} has at least {dialect.least}"
                raise Fatal(what, Position(1, 1))
            value = self._value(self._next(), ())
            self._next()  # the document ends
            if not isinstance(event := self._next(), yaml.StreamEndEvent):
                raise Fatal(
                    f"a second document begins here; {dialect.noun} file holds one, without '---' in between",
                    _position(event.start_mark),
                )
            return value
        except AnchorError as error:
            raise Fatal(str(error), _position(error.mark)) from None
        except yaml.MarkedYAMLError as error:
            sentence, mark = yaml_sentence(error, text)
            raise Fatal(sentence, _within(text, mark) if mark else Position(1, 1)) from None
        except yaml.YAMLError as error:
            raise Fatal(f"this is not YAML: {error}", Position(1, 1)) from None

    def _next(self) -> Any:
        event = next(self._events)
        self._count += 1
        if self._count > MOST_EVENTS:
            raise Fatal(f"the file holds more than {MOST_EVENTS // 2} values", _position(event.start_mark))
        return event

    def _report(self, path: Path, message: str, event: Any) -> None:
        self.violations.append(Violation(path, message, position=_position(event.start_mark)))

    def _value(self, event: Any, path: Path) -> Any:
        self.positions[path] = Position(event.start_mark.line + 1, event.start_mark.column + 1)
        if len(path) > DEEPEST:
            raise Fatal(TOO_DEEP, self.positions[path])
        if isinstance(event, yaml.AliasEvent):
            self._report(path, f"aliases (*{event.anchor}) are not used here; write the value again", event)
            self.unread.add(path)
            return None
        if event.anchor:
            self._report(path, f"anchors (&{event.anchor}) are not used here; remove it", event)
        if event.tag:
            self._report(path, "tags (words that begin with '!') are not used here; remove it", event)
            self.unread.add(path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _scalar(self, event: Any, path: Path) -> Any:
        if unfit := UNFIT.search(event.value):  # by an escape such as "\\0"
            self._report(path, _unfit(unfit, self._dialect), event)
            self.unread.add(path)
            return None
        if not event.implicit[0] or event.style:  # quoted, or a block of text
            return event.value
        try:
            return plain(event.value)
        except Ambiguous as error:
            if self._dialect.is_common:
                return event.value
            self._report(path, str(error), event)
            self.unread.add(path)
            return None

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key is None or key in values:
                # the value is read for the violations in it, at a path of its own
                self._value(self._next(), (*path, key or "?", "(again)"))
                continue
            self.keys[(*path, key)] = _position(event.start_mark)
            values[key] = self._value(self._next(), (*path, key))
        return values

    def _key(self, event: Any, path: Path) -> str | None:
        """The key, always as text; None, and a violation, where it is none."""
        if not isinstance(event, yaml.ScalarEvent):
            self._report(path, "a key must be a word or a text, not a list, a mapping or an alias", event)
            self.gaps.add(path)
            if not isinstance(event, yaml.AliasEvent):
                self._value(event, (*path, "?"))
            return None
        if event.anchor or event.tag:
            self._report(path, "anchors (&) and tags (!) are not used here; remove it", event)
        key: str = event.value
        if key == "<<" and not event.style:
            self._report((*path, key), "merge keys (<<) are not used here; write the keys again", event)
            self.gaps.add(path)
            return None
        if first := self.keys.get((*path, key)):
            message = f"the key {key!r} is given twice; the first one is in line {first.line}"
            self._report((*path, key), message, event)
        return key
