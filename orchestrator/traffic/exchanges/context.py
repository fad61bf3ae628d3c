"""What the readers of all protocols share: numbers, names, and what DNS told whom."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import count

from orchestrator.traffic.exchanges.events import Link, Party

REMEMBERED_ANSWERS = 4096


class Wire:
    """Gives numbers to exchanges and links, names to addresses, and remembers which name led to which address."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        self._numbers: Iterator[int] = count(1)
        self._links: Iterator[int] = count(1)
        self._told: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def number(self) -> int:
        return next(self._numbers)

    def name(self, address: str) -> str:
        """The node that bears this address; the address itself where no node does."""
        return self._names.get(address, address)

    def told(self, node: str, name: str, address: str, at: float) -> None:
        """DNS told this node that `name` has this address. Only the latest few thousand are remembered."""
        self._told[node, address] = (name, at)
        self._told.move_to_end((node, address))
        if len(self._told) > REMEMBERED_ANSWERS:
            self._told.popitem(last=False)

    def link(self, protocol: str, client: tuple[str, int], server: tuple[str, int], opened: float | None) -> Link:
        """A new link between two (address, port), with the DNS answer that led to it."""
        asker, target = self.name(client[0]), self.name(server[0])
        name, asked = self._told.get((asker, server[0]), ("", None))
        return Link(
            next(self._links),
            protocol,
            Party(asker, client[0], client[1]),
            Party(target, server[0], server[1]),
            opened,
            name if opened is not None else "",
            asked if opened is not None else None,
        )
