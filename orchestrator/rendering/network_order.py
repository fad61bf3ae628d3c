"""In which order the networks and nodes of a picture stand, so that its lines are short and rarely cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, permutations

from orchestrator.rendering.graph import Machine, Picture

# All orders of more networks would be too many to try.
MOST_TRIED = 6
PASSES = 6


def order_networks(picture: Picture) -> tuple[str, ...]:
    """From top to bottom: nodes on two networks stand between them, and connections lead down where they can."""
    names = tuple(network.name for network in picture.networks)
    if len(names) > MOST_TRIED:
        return names
    return min(permutations(names), key=lambda order: _cost(order, picture))


def _cost(order: tuple[str, ...], picture: Picture) -> tuple[float, float]:
    index = {name: at for at, name in enumerate(order)}
    reached = {m.name: [index[name] for name, _ in m.attachments] for m in picture.machines}
    crossed = sum(max(0, max(at) - min(at) - 1) for at in reached.values() if at)
    level = {name: sum(at) / len(at) for name, at in reached.items() if at}
    uses = [arrow for arrow in picture.arrows if arrow.how in ("uses", "seen")]
    upwards = sum(level[arrow.client] - level[arrow.server] for arrow in uses)
    return crossed, upwards


def row_of(machine: Machine, index: Mapping[str, int], picture: Picture) -> int:
    """The row of a node: row n is above the network with that index. Clients stand above their network."""
    reached = sorted(index[name] for name, _ in machine.attachments)
    if not reached:
        return len(index)
    first, last = reached[0], len(index) - 1
    if len(set(reached)) > 1:
        return first + 1
    if last and first in (0, last):
        return first if first == 0 else first + 1
    asks = any(arrow.client == machine.name for arrow in picture.arrows if arrow.how != "asks")
    serves = any(arrow.server == machine.name for arrow in picture.arrows)
    return first if asks and not serves else first + 1


def order_row(rows: Mapping[int, Sequence[Machine]], picture: Picture) -> dict[int, list[Machine]]:
    """The nodes of each row from left to right, each near those that it is connected to."""
    order = {row: list(machines) for row, machines in sorted(rows.items())}
    partners: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        stations = (arrow.client, *arrow.path[1::2], arrow.server)
        for node_name, other in pairwise(stations):
            weight = 1 if arrow.how == "asks" else 2
            partners.setdefault(node_name, []).extend([other] * weight)
            partners.setdefault(other, []).extend([node_name] * weight)
    for _ in range(PASSES):
        for machines in order.values():
            place = _places(order)
            centre = {m.name: _mean([place[p] for p in partners.get(m.name, ()) if p in place]) for m in machines}
            wanted = {name: middle or place[name] for name, middle in centre.items()}
            machines.sort(key=lambda machine: wanted[machine.name])
    return order


def _places(order: Mapping[int, Sequence[Machine]]) -> dict[str, float]:
    return {m.name: (at + 0.5) / len(row) for row in order.values() for at, m in enumerate(row)}


def _mean(values: Sequence[float]) -> float:
    """0 for no values: all places are above it."""
    return sum(values) / len(values) if values else 0.0
