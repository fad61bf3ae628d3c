"""The lab's picture as SVG: segments, nodes with their plugs, connections along lanes, and a legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from orchestrator.rendering.graph import Arrow, Machine, Network, Picture
from orchestrator.rendering.network_layout import (
    LINE,
    MARGIN,
    PIN,
    PLUG_LINE,
    SMALL,
    Box,
    Layout,
    Line,
    Plug,
    box_lines,
    hops_of,
    lay_out,
)
from orchestrator.rendering.quantities import counted

VERBS = {"uses": "uses", "asks": "asks", "delegates": "delegates names to", "seen": "speaks, undeclared, to"}
KINDS = {
    "uses": "uses, as declared (a colour for each server)",
    "missed": "declared, but no connection was captured",
    "asks": "asks a DNS server for names",
    "delegates": "delegates a part of the names",
    "seen": "captured, but not declared",
}
COLOURS = 6  # in which the lanes of servers are drawn, again and again
ROUND = 5  # pixels of a corner
LEGEND_LINE = 20

# plain colours first: not every program that draws SVG knows media queries or variables
STYLE = """\
.topology{color-scheme:light dark}
.topology text{font:11px system-ui,sans-serif;fill:#1b1f24}
.topology .paper{fill:#ffffff}.topology .segment{fill:#e6ecf5;stroke:#9aabc4}
.topology .cable{fill:#e6ecf5;stroke:#9aabc4}.topology .title{fill:#414a56}
.topology .title.name,.topology .machine .name{font-size:13px;font-weight:600;fill:#1b1f24}
.topology .box{fill:#ffffff;stroke:#3d4754}.topology .plug rect{fill:#ffffff;stroke:#9aabc4}
.topology .plug text{font-size:11px;fill:#414a56}
.topology .arrow path,.topology .sample path{fill:none;stroke:#3d4754;stroke-width:1.8}
.topology .arrow:hover path{stroke-width:4}
.topology .label rect{fill:#e6ecf5}
.topology .c0 path{stroke:#0b57b7}.topology .c0 .head,.topology .label.c0 text{fill:#0b57b7}
.topology .c1 path{stroke:#17652d}.topology .c1 .head,.topology .label.c1 text{fill:#17652d}
.topology .c2 path{stroke:#7d4a00}.topology .c2 .head,.topology .label.c2 text{fill:#7d4a00}
.topology .c3 path{stroke:#7a3ea8}.topology .c3 .head,.topology .label.c3 text{fill:#7a3ea8}
.topology .c4 path{stroke:#005f65}.topology .c4 .head,.topology .label.c4 text{fill:#005f65}
.topology .c5 path{stroke:#a8326b}.topology .c5 .head,.topology .label.c5 text{fill:#a8326b}
.topology .asks path,.topology .delegates path{stroke:#7b8694;stroke-width:1.2}
.topology .asks .head,.topology .delegates .head{fill:#7b8694}
.topology .delegates path,.topology .missed path{stroke-dasharray:5 4}
.topology .seen path{stroke:#c0271b;stroke-width:3}.topology .seen .head,.topology .label.seen text{fill:#c0271b}
.topology .ready .box{fill:#d3edd5}.topology .starting .box{fill:#fff6c2}.topology .stopped .box{fill:#ffd7da}
.topology .paused .box{fill:#ead2ef}.topology .missing .box{fill:#eeeeee;stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){.topology text{fill:#e6e9ee}.topology .paper{fill:#14171c}
.topology .segment,.topology .cable{fill:#232b38;stroke:#55647c}.topology .title{fill:#b6bfca}
.topology .title.name,.topology .machine .name{fill:#e6e9ee}
.topology .box{fill:#14171c;stroke:#b6bfca}.topology .plug rect{fill:#14171c;stroke:#55647c}
.topology .plug text{fill:#b6bfca}.topology .label rect{fill:#232b38}
.topology .arrow path,.topology .sample path{stroke:#b6bfca}
.topology .c0 path{stroke:#6aa8ff}.topology .c0 .head,.topology .label.c0 text{fill:#6aa8ff}
.topology .c1 path{stroke:#56c271}.topology .c1 .head,.topology .label.c1 text{fill:#56c271}
.topology .c2 path{stroke:#e0a33e}.topology .c2 .head,.topology .label.c2 text{fill:#e0a33e}
.topology .c3 path{stroke:#c79bf0}.topology .c3 .head,.topology .label.c3 text{fill:#c79bf0}
.topology .c4 path{stroke:#4fc3c9}.topology .c4 .head,.topology .label.c4 text{fill:#4fc3c9}
.topology .c5 path{stroke:#f08bb8}.topology .c5 .head,.topology .label.c5 text{fill:#f08bb8}
.topology .asks path,.topology .delegates path{stroke:#8f9aa8}
.topology .asks .head,.topology .delegates .head{fill:#8f9aa8}
.topology .seen path{stroke:#ff8a80}.topology .seen .head,.topology .label.seen text{fill:#ff8a80}
.topology .ready .box{fill:#1e4624}.topology .starting .box{fill:#4a4413}.topology .stopped .box{fill:#5c1f1f}
.topology .paused .box{fill:#432a4b}.topology .missing .box{fill:#2a2f36}}"""


def svg(picture: Picture) -> str:
    """The picture as one SVG without scripts and without anything from outside; the same picture gives the same bytes.

    Each node is a group `<g class="machine" data-node="app">`, each arrow a group with its sentence as `<title>`.
    """
    layout = lay_out(picture)
    legend = list(_legend(picture, layout))
    width = layout.width
    height = layout.height + (LEGEND_LINE * len(legend) + 8 if legend else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="topology" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" style="--width:{width:.0f}px" role="img" '
        'aria-labelledby="topology-t topology-d">',
        f'<title id="topology-t">{escape(picture.title)}</title>',
        f'<desc id="topology-d">{escape(description(picture))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        *(_segment(network, layout.segments[network.name]) for network in picture.networks),
        *(_cable(plug, layout, _pins(picture, plug)) for plug in layout.plugs),
        *_arrows(picture, layout),
        *_labels(picture, layout),
        *(_plug(plug) for plug in layout.plugs),
        *(_machine(machine, layout.boxes[machine.name]) for machine in picture.machines),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def description(picture: Picture) -> str:
    """The picture in words, for a screen reader."""
    machines = (f"{machine_words(machine)}." for machine in picture.machines)
    return " ".join((*machines, *(f"{arrow_words(arrow)}." for arrow in picture.arrows)))


def machine_words(machine: Machine) -> str:
    """A node as a sentence."""
    state = f", {machine.state}" if machine.state else ""
    note = f", {machine.note}" if machine.note else ""
    return f"{machine.name}: {machine.role}{state}, {' '.join(machine.addresses)}{note}"


def arrow_words(arrow: Arrow) -> str:
    """An arrow as a sentence."""
    routers = arrow.path[1::2]
    via = f" through {', '.join(routers)}" if routers else ""
    label = f" ({arrow.label})" if arrow.label not in ("", "delegates") else ""
    return f"{arrow.client} {VERBS[arrow.how]} {arrow.server}{via}{label}"


def _segment(network: Network, box: Box) -> str:
    top = box.top + box.height / 2 - len(network.titles) * LINE / 2
    titles = "".join(
        f'<text class="title{"" if at else " name"}" x="{box.left + 10:.1f}" y="{top + 12 + at * LINE:.1f}">'
        f"{escape(title)}</text>"
        for at, title in enumerate(network.titles)
    )
    name = escape(network.name)
    return f'<g class="network" data-network="{name}"><rect class="segment" {_rect(box)} rx="9"/>{titles}</g>'


def _rect(box: Box) -> str:
    return f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _pins(picture: Picture, plug: Plug) -> int:
    """How many lanes a plug is connected to."""
    lanes = {
        hop.lane
        for arrow in picture.arrows
        for hop in hops_of(arrow)
        if plug.node_name in (hop.source, hop.target) and hop.lane[0] == plug.network
    }
    return len(lanes)


def _cable(plug: Plug, layout: Layout, pins: int) -> str:
    """What joins the plug with its segment; it has no line where it meets the segment."""
    segment = layout.segments[plug.network]
    half = max(10, pins * PIN + 3) / 2
    if plug.above:
        start, end = plug.box.top, segment.bottom - 1
    else:
        start, end = plug.box.bottom, segment.top + 1
    left, right = plug.box.middle - half, plug.box.middle + half
    outline = f"M{left:.1f} {start:.1f}V{end:.1f}H{right:.1f}V{start:.1f}"
    return f'<path class="cable" d="{outline}" stroke-dasharray="{_edges(start, end, right - left)}"/>'


def _edges(start: float, end: float, width: float) -> str:
    """Draw the two sides of a cable, and leave out its end."""
    side = abs(end - start)
    return f"{side:.1f} {width:.1f} {side:.1f} 0"


def _plug(plug: Plug) -> str:
    texts = "".join(
        f'<text x="{plug.box.middle:.1f}" y="{plug.box.top + 12 + at * PLUG_LINE:.1f}" text-anchor="middle">'
        f"{escape(address)}</text>"
        for at, address in enumerate(plug.addresses)
    )
    return (
        f'<g class="plug" data-node="{escape(plug.node_name)}" data-network="{escape(plug.network)}">'
        f'<rect {_rect(plug.box)} rx="3"/>{texts}</g>'
    )


def _machine(machine: Machine, box: Box) -> str:
    lines = box_lines(machine)
    top = box.top + box.height / 2 - len(lines) * LINE / 2
    texts = "".join(
        f'<text {"" if at else _NAME}x="{box.middle:.1f}" y="{top + 12 + at * LINE:.1f}" text-anchor="middle">'
        f"{escape(line)}</text>"
        for at, line in enumerate(lines)
    )
    return (
        f'<g class="machine {machine.state}" data-node="{escape(machine.name)}">'
        f'<title>{escape(machine_words(machine))}</title><rect class="box" {_rect(box)} rx="5"/>{texts}</g>'
    )


_NAME = 'class="name" '


# connections


def _arrows(picture: Picture, layout: Layout) -> Iterator[str]:
    for arrow, lines in zip(picture.arrows, layout.lines, strict=True):
        paths = "".join(f'<path d="{_path(line)}"/>' for line in lines)
        head = _head(lines[-1]) if lines else ""  # who knows no way has no line; its box says so
        yield (
            f'<g class="arrow{_colour(picture, arrow)}{" missed" if arrow.missed else ""}" '
            f'data-client="{escape(arrow.client)}" data-server="{escape(arrow.server)}">'
            f"<title>{escape(arrow_words(arrow))}</title>{paths}{head}</g>"
        )


def _colour(picture: Picture, arrow: Arrow) -> str:
    """The class of the colour of its server; of its kind for lines that have the colour of that."""
    servers = list(dict.fromkeys(arrow.server for arrow in picture.arrows if arrow.how == "uses"))
    return f" c{servers.index(arrow.server) % COLOURS}" if arrow.how == "uses" else f" {arrow.how}"


def _path(line: Line) -> str:
    """From a plug to the lane, along it, and to the other plug; with round corners."""
    (x1, y1), (x2, y2), y = line.start, line.end, line.lane
    if abs(x1 - x2) < 1:
        return f"M{x1:.1f} {y1:.1f}V{y2:.1f}" if (y1 - y) * (y2 - y) < 0 else f"M{x1:.1f} {y1:.1f}V{y:.1f}V{y2:.1f}"
    turn = min(ROUND, abs(x1 - x2) / 2)
    along, down, up = _sign(x2 - x1) * turn, _sign(y - y1) * ROUND, _sign(y2 - y) * ROUND
    return (
        f"M{x1:.1f} {y1:.1f}V{y - down:.1f}Q{x1:.1f} {y:.1f} {x1 + along:.1f} {y:.1f}"
        f"H{x2 - along:.1f}Q{x2:.1f} {y:.1f} {x2:.1f} {y + up:.1f}V{y2:.1f}"
    )


def _sign(number: float) -> int:
    return 1 if number > 0 else -1


def _head(line: Line) -> str:
    """A triangle whose tip is at the server's plug."""
    x, y = line.end
    back = _sign(line.lane - y) * 9
    return f'<polygon class="head" points="{x - 4.5:.1f},{y + back:.1f} {x + 4.5:.1f},{y + back:.1f} {x:.1f},{y:.1f}"/>'


def _labels(picture: Picture, layout: Layout) -> Iterator[str]:
    """One label for all arrows of a lane, near the server."""
    lanes: dict[tuple[str, str, str], list[int]] = {}
    for at, arrow in enumerate(picture.arrows):
        if arrow.path and arrow.label:
            lanes.setdefault((arrow.path[-1], arrow.server, arrow.kind), []).append(at)
    uprights = [end for lines in layout.lines for line in lines for end in _uprights(line)]
    titles = max(len(title) for network in picture.networks for title in network.titles) * SMALL + 2 * MARGIN
    taken: list[Box] = []
    for (network_name, _, _), indexes in lanes.items():
        text = _common_label([picture.arrows[at].label for at in indexes])
        line, segment = layout.lines[indexes[-1]][-1], layout.segments[network_name]
        xs = [x for at in indexes for hop in layout.lines[at][-1:] for x, _ in (hop.start, hop.end)]
        width = len(text) * SMALL + 4
        beside = (line.end[0] + 8, line.end[0] - 8 - width, max(xs) + 18, min(xs) - 18 - width)
        places = _label_places(line.lane - 7, width, beside, (titles, segment.right - 6))
        box = _best_place(places, line.end[0], uprights, taken)
        taken.append(box)
        yield (
            f'<g class="label{_colour(picture, picture.arrows[indexes[-1]])}"><rect {_rect(box)}/>'
            f'<text x="{box.left + 2:.1f}" y="{box.top + 11:.1f}">{escape(text)}</text></g>'
        )


def _uprights(line: Line) -> tuple[tuple[float, float, float], ...]:
    """The vertical parts of a line: x, and from which y to which."""
    return tuple((x, min(y, line.lane), max(y, line.lane)) for x, y in (line.start, line.end))


def _label_places(y: float, width: float, beside: Sequence[float], room: tuple[float, float]) -> list[Box]:
    """The places for a label on a lane within its segment: beside its lines, and all along."""
    left, right = room
    along = [left + step for step in range(0, max(1, int(right - left - width)), 4)]
    places = [Box(place, y, width, 14) for place in (*beside, *along) if left <= place <= right - width]
    return places or [Box(left, y, width, 14)]


def _best_place(
    places: Sequence[Box], server: float, uprights: Sequence[tuple[float, float, float]], taken: Sequence[Box]
) -> Box:
    """Where it lies on no other label and on the fewest lines, as near to the server as can be."""

    def cost(box: Box) -> tuple[int, int, float]:
        met = [b for b in taken if box.left < b.right and b.left < box.right and abs(b.top - box.top) < 13]
        crossed = [
            x
            for x, low, high in uprights
            if box.left - 2 < x < box.right + 2 and low < box.bottom - 2 and high > box.top + 2
        ]
        return len(met), len(crossed), min(abs(box.left - server), abs(box.right - server))

    return min(places, key=cost)


def _common_label(labels: Sequence[str]) -> str:
    """The label of all arrows, or what they have in common and how many there are."""
    distinct = dict.fromkeys(labels)
    if len(distinct) == 1:
        return labels[0]
    heads = dict.fromkeys(label.partition(":")[0].partition(",")[0] for label in labels)
    return f"{' / '.join(list(heads)[:2])}: {counted(len(labels), 'client')}"


# legend


def _legend(picture: Picture, layout: Layout) -> Iterator[str]:
    """What lines and colours mean, as far as they occur in this picture."""
    kinds = dict.fromkeys(arrow.kind for arrow in picture.arrows)
    y = layout.height + 8
    for kind in (kind for kind in KINDS if kind in kinds):
        colour = " c0" if kind in ("uses", "missed") else ""
        yield (
            f'<g class="legend"><g class="sample {kind}{colour}"><path d="M{MARGIN} {y:.1f}h28"/>'
            f'<polygon class="head" points="{MARGIN + 28},{y - 4.5:.1f} {MARGIN + 28},{y + 4.5:.1f} '
            f'{MARGIN + 37},{y:.1f}"/></g><text x="{MARGIN + 46}" y="{y + 4:.1f}">{KINDS[kind]}</text></g>'
        )
        y += LEGEND_LINE
