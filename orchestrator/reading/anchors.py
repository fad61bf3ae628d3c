"""YAML events without anchors, aliases and merge keys: each alias is replaced by what its anchor stands for.

The events that come out are bounded by whoever reads them. What is kept meanwhile is bounded here: a text of a few
lines may stand for millions of values ("billion laughs"). Merge keys: https://yaml.org/type/merge.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from orchestrator.reading.yaml_errors import DEEPEST, TOO_DEEP

MOST_MERGED = 60_000


class AnchorError(Exception):
    """The text cannot be expanded; `mark` says where."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.mark = mark


@dataclass
class _Node:
    """A value: its first event, its parts, and its last event. A mapping's parts are keys and values in turn."""

    event: Any
    parts: list[_Node] = field(default_factory=list)
    end: Any = None


def expand_anchors(events: Iterator[Any]) -> Iterator[Any]:
    """The same events, expanded. Raises AnchorError while they are read."""
    expander = _Expander(events)
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            yield from _emitted(expander.node(event, 0))
        else:
            yield event


def _emitted(node: _Node) -> Iterator[Any]:
    yield node.event
    for part in node.parts:
        yield from _emitted(part)
    if node.end:
        yield node.end


class _Expander:
    """Builds the values of one document from its events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}
        self._merged = 0

    def node(self, event: Any, depth: int) -> _Node:
        if depth > DEEPEST:
            raise AnchorError(TOO_DEEP, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise AnchorError(f"*{event.anchor} names no anchor that stands before it", event.start_mark)
            return self._anchors[event.anchor]
        node = _Node(event)
        if not isinstance(event, yaml.ScalarEvent):
            while not isinstance(part := next(self._events), yaml.CollectionEndEvent):
                node.parts.append(self.node(part, depth + 1))
            node.end = part
        if isinstance(event, yaml.MappingStartEvent):
            node.parts = self._with_merged(node)
        if event.anchor:
            self._anchors[event.anchor] = node
            event.anchor = None
        return node

    def _with_merged(self, node: _Node) -> list[_Node]:
        """The parts of a mapping, with the keys that `<<` brings and that it does not have itself."""
        pairs = list(zip(node.parts[::2], node.parts[1::2], strict=True))
        own = [(key, value) for key, value in pairs if not _is_merge_key(key)]
        known = {key.event.value for key, _ in own if isinstance(key.event, yaml.ScalarEvent)}
        for key, value in pairs:
            if _is_merge_key(key):
                for name, merged in _merged_pairs(key, value):
                    word = name.event.value if isinstance(name.event, yaml.ScalarEvent) else ""
                    own += [] if word in known else [(name, merged)]
                    known.add(word)
                    self._count_merged(key)
        return [part for pair in own for part in pair]

    def _count_merged(self, key: _Node) -> None:
        self._merged += 1
        if self._merged > MOST_MERGED:
            raise AnchorError(f"merge keys (<<) bring more than {MOST_MERGED} keys", key.event.start_mark)


def _merged_pairs(key: _Node, value: _Node) -> Iterator[tuple[_Node, _Node]]:
    """The keys and values of the mapping, or mappings, that stand at a merge key."""
    for source in value.parts if isinstance(value.event, yaml.SequenceStartEvent) else [value]:
        if not isinstance(source.event, yaml.MappingStartEvent):
            raise AnchorError("<< takes a mapping, or a list of mappings", key.event.start_mark)
        yield from zip(source.parts[::2], source.parts[1::2], strict=True)


def _is_merge_key(key: _Node) -> bool:
    return isinstance(key.event, yaml.ScalarEvent) and key.event.value == "<<" and not key.event.style
