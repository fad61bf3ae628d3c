"""Where everything stands in the picture of a lab: networks are horizontal segments, nodes stand above and below them.

A connection runs from the client's plug into the segment, along a lane of it, and out to the server's plug; through a
router it goes on in the next segment. All lengths are pixels. The same picture has the same layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.rendering.graph import Arrow, Machine, Picture
from orchestrator.rendering.network_order import order_networks, order_row, row_of

WIDE, SMALL = 7.8, 6.5  # pixels a character: 13 pixels bold, and 11 pixels
LINE, PADDING = 16, 12
NARROWEST_BOX = 88
LONGEST = 28  # characters of a line in a box
GAP = 26  # between two boxes
PLUG_LINE = 14
STUB = 20  # from a plug to its segment, with room for the head of an arrow
PIN = 11  # between two connections of one plug
LANE = 16
LONG_LABEL = 130
WIDEST_ROW = 1000  # a wider row has two lines
MARGIN = 12


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


@dataclass(frozen=True)
class Plug:
    """Where a node is attached to a network: its addresses there, and whether the network is above the node."""

    node_name: str
    network: str
    addresses: tuple[str, ...]
    above: bool
    box: Box


@dataclass(frozen=True)
class Line:
    """One hop of an arrow: down or up from a plug, along a lane, and to the other plug."""

    start: tuple[float, float]
    lane: float
    end: tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Everything that `svg` draws; `lines` has the hops of each arrow, in the order of the picture's arrows."""

    width: float
    height: float
    segments: Mapping[str, Box]
    boxes: Mapping[str, Box]
    plugs: tuple[Plug, ...]
    lines: tuple[tuple[Line, ...], ...]


Lane = tuple[str, str, str]
"""A network, the server to which its connections go, and their kind."""


@dataclass(frozen=True)
class _Hop:
    """A part of an arrow on one network."""

    source: str
    target: str
    lane: Lane


def hops_of(arrow: Arrow) -> tuple[_Hop, ...]:
    """The parts of an arrow: from the client to a router, from there to the next, and at last to the server."""
    networks, routers = arrow.path[::2], arrow.path[1::2]
    stations = (arrow.client, *routers, arrow.server)
    return tuple(
        _Hop(stations[at], stations[at + 1], (network, arrow.server, arrow.kind)) for at, network in enumerate(networks)
    )


def box_lines(machine: Machine) -> list[str]:
    """What stands in the box of a node; its addresses stand in its plugs."""
    role = f"{machine.role}, {machine.state}" if machine.state else machine.role
    return [cut(line) for line in (machine.name, role, machine.note) if line]


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def lay_out(picture: Picture, widest_row: float = WIDEST_ROW) -> Layout:
    """Place the networks and nodes of a picture, and route its arrows. A row that is wider has two lines."""
    return _Layouter(picture, widest_row).layout()


class _Layouter:
    """Works out one layout: rows and columns first, then the heights that the lanes need, then the lines."""

    def __init__(self, picture: Picture, widest_row: float) -> None:
        self._picture = picture
        self._networks = order_networks(picture)
        self._index = {name: at for at, name in enumerate(self._networks)}
        self._row = {machine.name: row_of(machine, self._index, picture) for machine in picture.machines}
        self._machines = {machine.name: machine for machine in picture.machines}
        self._hops = [hops_of(arrow) for arrow in picture.arrows]
        self._pins = self._lanes_of_plugs()
        self._middle: dict[str, float] = {}
        self._second_line: set[str] = set()
        self._widest_row = widest_row

    def layout(self) -> Layout:
        left = MARGIN + max((_title_width(network.titles) for network in self._picture.networks), default=0) + 24
        right = self._columns(left) + self._label_room()
        offsets = self._lane_offsets()
        segments, boxes, height = self._heights(right + MARGIN, offsets)
        plugs = tuple(self._plugs(boxes))
        lines = self._lines({(plug.node_name, plug.network): plug for plug in plugs}, segments, offsets)
        return Layout(right + 2 * MARGIN, height, segments, boxes, plugs, lines)

    # columns

    def _lanes_of_plugs(self) -> dict[tuple[str, str], list[Lane]]:
        """The lanes that each plug is connected to; a connection that arrives stands left of those that leave."""
        pins: dict[tuple[str, str], list[Lane]] = {}
        for hop in (hop for hops in self._hops for hop in hops):
            for node_name, first in ((hop.target, hop.lane[1] == hop.target), (hop.source, False)):
                lanes = pins.setdefault((node_name, hop.lane[0]), [])
                if hop.lane not in lanes:
                    lanes.insert(0 if first else len(lanes), hop.lane)
        return pins

    def _sides(self, machine: Machine) -> tuple[list[str], list[str]]:
        """The networks above the node and those below it."""
        row = self._row[machine.name]
        networks = [name for name, _ in machine.attachments]
        return [n for n in networks if self._index[n] < row], [n for n in networks if self._index[n] >= row]

    def _width(self, machine: Machine) -> float:
        lines = box_lines(machine)
        words = max(len(lines[0]) * WIDE, *(len(line) * SMALL for line in lines)) + 2 * PADDING
        addresses = dict(machine.attachments)
        plugs = (
            sum(self._plug_width(machine.name, n, addresses[n]) + 8 for n in side) for side in self._sides(machine)
        )
        return max(NARROWEST_BOX, words, *plugs)

    def _plug_width(self, node_name: str, network: str, addresses: Sequence[str]) -> float:
        pins = len(self._pins.get((node_name, network), ()))
        return max(*(len(address) * SMALL + 10 for address in addresses), pins * PIN + 4)

    def _spans(self, machine: Machine) -> bool:
        """Whether a cable of the node crosses a segment to reach the next one: it needs a column of its own."""
        reached = {self._index[name] for name, _ in machine.attachments}
        return bool(reached) and max(reached) - min(reached) > 1

    def _columns(self, left: float) -> float:
        """Give each node its place from left to right; returns where the last one ends."""
        for machine in self._picture.machines:
            if self._spans(machine):
                self._middle[machine.name] = left + self._width(machine) / 2
                left += self._width(machine) + GAP
                self._widest_row -= self._width(machine) + GAP
        rows: dict[int, list[Machine]] = {}
        for machine in self._picture.machines:
            if machine.name not in self._middle:
                rows.setdefault(self._row[machine.name], []).append(machine)
        order = order_row(rows, self._picture)
        widths = {row: self._row_width(machines) for row, machines in order.items()}
        whole = max(widths.values(), default=0.0)
        for row, machines in order.items():
            self._fill_row(machines, left + (whole - widths[row]) / 2)
        return max(left + whole, left - GAP)

    def _label_room(self) -> float:
        """Room for long labels, right of the last node; short ones find a place between the nodes."""
        longest = max((len(arrow.label) for arrow in self._picture.arrows), default=0) * SMALL
        return longest + 16 if longest > LONG_LABEL else 0.0

    def _pitch(self, machines: Sequence[Machine]) -> float:
        pipe = max(len(self._pins.get((m.name, n), ())) * PIN for m in machines for n, _ in m.attachments)
        return max(self._width(machine) for machine in machines) + max(GAP, pipe + 10)

    def _one_line(self, machines: Sequence[Machine]) -> float:
        return sum(self._width(machine) + GAP for machine in machines) - GAP

    def _row_width(self, machines: Sequence[Machine]) -> float:
        if self._one_line(machines) <= self._widest_row:
            return self._one_line(machines)
        return (len(machines) + 1) / 2 * self._pitch(machines)

    def _fill_row(self, machines: Sequence[Machine], left: float) -> None:
        """On one line; if that is too wide on two, the boxes of one before the gaps of the other."""
        if self._one_line(machines) <= self._widest_row:
            for machine in machines:
                self._middle[machine.name] = left + self._width(machine) / 2
                left += self._width(machine) + GAP
            return
        pitch = self._pitch(machines)
        for at, machine in enumerate(machines):
            self._middle[machine.name] = left + pitch / 2 * (at + 1)
            if at % 2:
                self._second_line.add(machine.name)

    # heights

    def _lane_offsets(self) -> dict[Lane, float]:
        """The distance of each lane from the top of its segment; lanes that do not meet may share one."""
        offsets: dict[Lane, float] = {}
        for network in self._networks:
            taken: list[float] = []  # where the last lane of each height ends
            for start, end, lane in sorted(self._extents(network)):
                at = next((at for at, until in enumerate(taken) if until < start), len(taken))
                taken[at : at + 1] = [end]
                offsets[lane] = LANE * (at + 1)
        return offsets

    def _extents(self, network: str) -> Iterator[tuple[float, float, Lane]]:
        places: dict[Lane, list[float]] = {}
        for hop in (hop for hops in self._hops for hop in hops):
            if hop.lane[0] == network:
                places.setdefault(hop.lane, []).extend((self._middle[hop.source], self._middle[hop.target]))
        for lane, middles in places.items():
            yield min(middles) - 130, max(middles) + 130, lane

    def _segment_height(self, network: str, offsets: Mapping[Lane, float]) -> float:
        titles = next(item.titles for item in self._picture.networks if item.name == network)
        lanes = max((offset for lane, offset in offsets.items() if lane[0] == network), default=0.0)
        return max(len(titles) * LINE + 10, lanes + LANE)

    def _heights(self, right: float, offsets: Mapping[Lane, float]) -> tuple[dict[str, Box], dict[str, Box], float]:
        segments: dict[str, Box] = {}
        boxes: dict[str, Box] = {}
        top = float(MARGIN)
        for row in range(len(self._networks) + 1):
            top = self._row_heights(row, top, boxes)
            if row < len(self._networks):
                network = self._networks[row]
                segments[network] = Box(MARGIN, top, right - MARGIN, self._segment_height(network, offsets))
                top = segments[network].bottom
        return segments, boxes, top + MARGIN

    def _row_heights(self, row: int, top: float, boxes: dict[str, Box]) -> float:
        """Place the boxes of a row below `top`; returns where its space ends."""
        machines = [machine for machine in self._picture.machines if self._row[machine.name] == row]
        if not machines:
            return top + (GAP if 0 < row < len(self._networks) else 0)
        above, below = (max(self._plug_height(m, side) for m in machines) for side in (0, 1))
        top += above
        height = max(len(box_lines(machine)) for machine in machines) * LINE + PADDING
        lines = 2 if any(machine.name in self._second_line for machine in machines) else 1
        step = height + max(self._plug_height(m, s) for m in machines for s in (0, 1))
        for machine in machines:
            # a row that hangs below its only network has its first line near it
            line = (machine.name in self._second_line) == (above > 0)
            y = top + (step if lines == 2 and line else 0)
            width = self._width(machine)
            boxes[machine.name] = Box(self._middle[machine.name] - width / 2, y, width, height)
        return top + height + (step if lines == 2 else 0) + below

    def _plug_height(self, machine: Machine, side: int) -> float:
        addresses = dict(machine.attachments)
        lines = [len(addresses[network]) for network in self._sides(machine)[side]]
        return max(lines) * PLUG_LINE + 4 + STUB if lines else 0

    # plugs and lines

    def _plugs(self, boxes: Mapping[str, Box]) -> Iterator[Plug]:
        for machine in self._picture.machines:
            addresses = dict(machine.attachments)
            for side, networks in enumerate(self._sides(machine)):
                widths = [self._plug_width(machine.name, network, addresses[network]) for network in networks]
                left = boxes[machine.name].middle - (sum(widths) + 8 * (len(widths) - 1)) / 2
                for network, width in zip(networks, widths, strict=True):
                    height = len(addresses[network]) * PLUG_LINE + 4
                    top = boxes[machine.name].bottom if side else boxes[machine.name].top - height
                    box = Box(left, top, width, height)
                    yield Plug(machine.name, network, addresses[network], not side, box)
                    left += width + 8

    def _pin_places(self, plug: Plug) -> dict[Lane, float]:
        lanes = self._pins.get((plug.node_name, plug.network), [])
        return {lane: plug.box.middle + (at - (len(lanes) - 1) / 2) * PIN for at, lane in enumerate(lanes)}

    def _lines(
        self, plugs: Mapping[tuple[str, str], Plug], segments: Mapping[str, Box], offsets: Mapping[Lane, float]
    ) -> tuple[tuple[Line, ...], ...]:
        places = {key: self._pin_places(plug) for key, plug in plugs.items()}
        for key, plug in plugs.items():
            if plug.above:
                others = [(other, places[other.node_name, other.network]) for other in plugs.values()]
                opposite = [pins for other, pins in others if other.network == plug.network and not other.above]
                places[key] = _moved_apart(places[key], opposite, offsets)

        def pin(node_name: str, lane: Lane) -> tuple[float, float]:
            plug = plugs[node_name, lane[0]]
            return places[node_name, lane[0]][lane], plug.box.top if plug.above else plug.box.bottom

        def line(hop: _Hop) -> Line:
            y = segments[hop.lane[0]].top + offsets[hop.lane]
            return Line(pin(hop.source, hop.lane), y, pin(hop.target, hop.lane))

        return tuple(tuple(line(hop) for hop in hops) for hops in self._hops)


def _moved_apart(
    pins: dict[Lane, float], opposite: Sequence[Mapping[Lane, float]], offsets: Mapping[Lane, float]
) -> dict[Lane, float]:
    """The pins of a plug below a segment, moved a little where a line from above would lie on one of theirs."""

    def free(move: float) -> bool:
        return not any(
            other != lane and abs(x + move - place) < 4 and offsets[other] >= offsets[lane]
            for lane, x in pins.items()
            for above in opposite
            for other, place in above.items()
        )

    move = next(filter(free, (0.0, PIN / 2, -PIN / 2, PIN, -PIN)), 0.0)
    return {lane: x + move for lane, x in pins.items()}


def _title_width(titles: Sequence[str]) -> float:
    return max(len(title) for title in titles) * SMALL
