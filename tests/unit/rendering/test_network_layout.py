"""Pictures of labs of every shape: nothing lies on anything else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

import pytest
from picture_labs import lab

from orchestrator.rendering.graph import Picture, make_picture
from orchestrator.rendering.network_layout import Box, Layout, hops_of, lay_out

Upright = tuple[float, float, float, tuple[str, str, str]]


def any_lab(seed: int) -> Picture:
    """A lab of one to four networks, with a router where there are two, and up to 24 nodes."""
    random = Random(seed)
    networks = [f"n{number}" for number in range(random.randint(1, 4))]
    servers = [f"app{number}" for number in range(random.randint(1, 6))]
    nodes = [f"dns: {{role: dns, networks: [{', '.join(networks)}]}}"]
    if len(networks) > 1:
        nodes.append(f"gw: {{role: router, networks: [{', '.join(random.sample(networks, 2))}]}}")
    for at, name in enumerate(servers):
        own = random.sample(networks, random.randint(1, min(2, len(networks))))
        uses = random.sample(servers[:at], random.randint(0, min(2, at)))
        nodes.append(f"{name}: {{role: app, networks: [{', '.join(own)}], uses: [{', '.join(uses)}]}}")
    for number in range(random.randint(1, 16)):
        uses = random.sample(servers, random.randint(1, min(3, len(servers))))
        network = random.choice(networks)
        nodes.append(f"c{number}: {{role: client, networks: [{network}], uses: [{', '.join(uses)}]}}")
    text = "".join(f"  {node.replace(', uses: []', '')}\n" for node in nodes)
    declared = "".join(f"  {network}:\n" for network in networks)
    return make_picture(lab(f"name: x{seed}\ntitle: Any\nnetworks:\n{declared}nodes:\n{text}"), {})


def uprights(picture: Picture, layout: Layout) -> Iterator[Upright]:
    """The vertical parts of all lines: x, from which y to which, and their lane."""
    for arrow, lines in zip(picture.arrows, layout.lines, strict=True):
        for hop, line in zip(hops_of(arrow), lines, strict=True):
            for x, y in (line.start, line.end):
                yield x, min(y, line.lane), max(y, line.lane), hop.lane


def overlap(first: Box, second: Box) -> bool:
    across = first.left < second.right - 0.5 and second.left < first.right - 0.5
    return across and first.top < second.bottom - 0.5 and second.top < first.bottom - 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_nothing_lies_on_anything_else(seed: int) -> None:
    """No two boxes or plugs meet, no line runs through a box, and no two lines to different servers share a place."""
    shown = any_lab(seed)
    layout = lay_out(shown)
    rectangles = [*layout.boxes.values(), *(plug.box for plug in layout.plugs), *layout.segments.values()]
    assert not [pair for pair in combinations(rectangles, 2) if overlap(*pair)]
    lines = list(uprights(shown, layout))
    for x, low, high, _ in lines:
        assert not [
            b for b in layout.boxes.values() if b.left < x < b.right and low < b.bottom - 1 and high > b.top + 1
        ]
    for (x, low, high, lane), (other_x, other_low, other_high, other_lane) in combinations(lines, 2):
        together = abs(x - other_x) < 1.5 and min(high, other_high) - max(low, other_low) > 2
        assert not together or lane == other_lane


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_a_line_ends_at_the_plugs_of_its_two_nodes(seed: int) -> None:
    """And runs within the segment of its network."""
    shown = any_lab(seed)
    layout = lay_out(shown)
    plugs = {(plug.node_name, plug.network): plug for plug in layout.plugs}
    for arrow, lines in zip(shown.arrows, layout.lines, strict=True):
        for hop, line in zip(hops_of(arrow), lines, strict=True):
            segment = layout.segments[hop.lane[0]]
            assert segment.top < line.lane < segment.bottom
            for node_name, (x, y) in ((hop.source, line.start), (hop.target, line.end)):
                plug = plugs[node_name, hop.lane[0]]
                assert plug.box.left <= x <= plug.box.right
                assert y == (plug.box.top if plug.above else plug.box.bottom)
