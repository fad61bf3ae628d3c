"""The lab's picture as SVG. Where each thing stands is the layout engine's work (docs/decisions/layout-engine.md).

`layout_text` is what Graphviz's `dot` is given: boxes of a given size and nothing to write in them, so that the places
do not depend on the fonts of a machine. What it answers, with `-Tjson`, `svg` turns into the picture. One point of
Graphviz is one pixel; its y axis points up (graphviz.org, "Output Formats: json").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

from orchestrator.rendering.graph import Arrow, Machine, Picture

WIDE, SMALL = 7.6, 6.8  # pixels a character: 13 pixels bold, and 11 pixels, bold in a title
LINE, PADDING = 16, 14
LONGEST = 28  # characters of a line in a box
VERBS = {"uses": "uses", "asks": "asks", "delegates": "delegates names to", "seen": "speaks, undeclared, to"}
POINTS = 72  # to an inch, in which Graphviz takes sizes

# plain colours first: not every program that draws SVG knows media queries or variables
STYLE = """\
.topology{color-scheme:light dark}
.topology text{font:11px system-ui,sans-serif;fill:#1b1f24}
.topology .paper{fill:#ffffff}.topology .area{fill:#f3f5f8;stroke:#8a94a2}
.topology .title{font-weight:600;fill:#414a56}.topology .name{font-size:13px;font-weight:600}
.topology .box{fill:#ffffff;stroke:#1b1f24}.topology .arrow path{fill:none;stroke:#3d4754;stroke-width:1.5}
.topology .arrow .head{fill:#3d4754;stroke:none}
.topology .arrow text{paint-order:stroke;stroke:#f3f5f8;stroke-width:3px}
.topology .asks path,.topology .delegates path{stroke-dasharray:2 4;stroke:#5b6470}.topology .asks .head{fill:#5b6470}
.topology .seen path{stroke:#b42318;stroke-width:2.5}.topology .seen .head{fill:#b42318}
.topology .ready .box{fill:#c8e6c9}.topology .starting .box{fill:#fff9c4}.topology .stopped .box{fill:#ffcdd2}
.topology .paused .box{fill:#e1bee7}.topology .missing .box{fill:#eeeeee;stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){.topology text{fill:#e6e9ee}.topology .paper{fill:#14171c}
.topology .area{fill:#1c2128;stroke:#5b6470}.topology .title{fill:#b6bfca}.topology .box{fill:#14171c;stroke:#e6e9ee}
.topology .arrow path{stroke:#b6bfca}.topology .arrow .head{fill:#b6bfca}.topology .arrow text{stroke:#1c2128}
.topology .asks path{stroke:#7b8694}.topology .asks .head{fill:#7b8694}
.topology .seen path{stroke:#ff8a80}.topology .seen .head{fill:#ff8a80}
.topology .ready .box{fill:#1e4624}.topology .starting .box{fill:#4a4413}.topology .stopped .box{fill:#5c1f1f}
.topology .paused .box{fill:#432a4b}.topology .missing .box{fill:#2a2f36}}"""


def layout_text(shown: Picture) -> str:
    """The picture as boxes and lines in Graphviz's language, without any text of it."""
    lines = [
        "digraph lab {",
        "graph [rankdir=LR, nodesep=0.35, ranksep=0.8, splines=true];",
        'node [shape=box, fixedsize=true, label=""];',
    ]
    numbers = {machine.name: f"n{number}" for number, machine in enumerate(shown.machines)}
    for number, area in enumerate(shown.areas):
        lines.append(f'subgraph "cluster_{number}" {{ margin=14; labeljust=l; label=<{_blank(area.title)}>;')
        for machine in area.machines:
            width, height = _size(machine)
            size = f"width={width / POINTS:.4f}, height={height / POINTS:.4f}"
            lines.append(f"{numbers[machine.name]} [{size}];")
        lines.append("}")
    for number, arrow in enumerate(shown.arrows):
        label = f", label=<{_blank(arrow.label)}>" if arrow.label else ""
        # Who asks the DNS server says nothing about who stands before whom.
        loose = ", constraint=false" if arrow.how == "asks" else ""
        lines.append(f"{numbers[arrow.client]} -> {numbers[arrow.server]} [id=e{number}{label}{loose}];")
    return "\n".join([*lines, "}"]) + "\n"


def _blank(text: str) -> str:
    """As much room as the text needs."""
    width = round(len(text) * SMALL + 8)
    return f'<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="16"><TR><TD></TD></TR></TABLE>'


def _size(machine: Machine) -> tuple[float, float]:
    lines = _lines(machine)
    widths = [len(lines[0]) * WIDE, *(len(line) * SMALL for line in lines[1:])]
    return max(90, *widths) + 2 * PADDING, len(lines) * LINE + PADDING


def _lines(machine: Machine) -> list[str]:
    role = f"{machine.role}, {machine.state}" if machine.state else machine.role
    return [_cut(line) for line in (machine.name, role, *machine.addresses, machine.note) if line]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@dataclass(frozen=True)
class _Sheet:
    """Turns Graphviz's places, whose y axis points up, into those of SVG."""

    height: float

    def at(self, text: str) -> tuple[float, float]:
        x, y = text.split(",")
        return float(x), self.height - float(y)

    def points(self, texts: list[str]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, texts))


def svg(shown: Picture, laid_out: str) -> str:
    """The picture as one SVG without scripts and without anything from outside; `laid_out` is Graphviz's JSON."""
    found = json.loads(laid_out)
    width, height = (float(number) for number in found["bb"].split(",")[2:])
    sheet = _Sheet(height)
    boxes = {one["name"]: one for one in found.get("objects", ())}
    edges = {one["id"]: one for one in found.get("edges", ())}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="topology" viewBox="-8 -8 {width + 16:.0f} {height + 16:.0f}" '
        f'width="{width + 16:.0f}" height="{height + 16:.0f}" role="img" aria-labelledby="topology-t topology-d">',
        f'<title id="topology-t">{escape(shown.title)}</title>',
        f'<desc id="topology-d">{escape(description(shown))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="-8" y="-8" width="{width + 16:.0f}" height="{height + 16:.0f}"/>',
        *(_area(area.title, boxes[f"cluster_{n}"], sheet) for n, area in enumerate(shown.areas)),
        *(_arrow(arrow, edges[f"e{n}"], sheet) for n, arrow in enumerate(shown.arrows)),
        *(_machine(machine, boxes[f"n{n}"], sheet) for n, machine in enumerate(shown.machines)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def description(shown: Picture) -> str:
    """The picture in words, for a screen reader."""
    machines = (f"{machine_words(one)}." for one in shown.machines)
    return " ".join((*machines, *(f"{arrow_words(one)}." for one in shown.arrows)))


def machine_words(machine: Machine) -> str:
    """A node as a sentence."""
    state = f", {machine.state}" if machine.state else ""
    note = f", {machine.note}" if machine.note else ""
    return f"{machine.name}: {machine.role}{state}, {' '.join(machine.addresses)}{note}"


def arrow_words(arrow: Arrow) -> str:
    """An arrow as a sentence."""
    verb = VERBS[arrow.how]
    label = f" ({arrow.label})" if arrow.label not in ("", "delegates") else ""
    return f"{arrow.client} {verb} {arrow.server}{label}"


def _area(title: str, box: dict[str, Any], sheet: _Sheet) -> str:
    left, low, right, high = (float(number) for number in box["bb"].split(","))
    top = sheet.height - high
    return (
        f'<rect class="area" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{high - low:.1f}" rx="8"/>'
        f'<text class="title" x="{left + 14:.1f}" y="{top + 18:.1f}">{escape(title)}</text>'
    )


def _arrow(arrow: Arrow, edge: dict[str, Any], sheet: _Sheet) -> str:
    """`pos` is "e,TIP P0 P1 P2 P3 ...": a Bézier curve in threes, and where the tip of the arrow is."""
    points = edge["pos"].split()
    tip = sheet.at(points[0].removeprefix("e,"))
    curve = sheet.points(points[1:]).split(" ", 1)
    label = ""
    if arrow.label:
        x, y = sheet.at(edge["lp"])
        label = f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{escape(arrow.label)}</text>'
    return (
        f'<g class="arrow {arrow.how}" data-client="{escape(arrow.client)}" data-server="{escape(arrow.server)}">'
        f'<title>{escape(arrow_words(arrow))}</title><path d="M{curve[0]}C{curve[1]}"/>'
        f"{_head(sheet.at(points[-1]), tip)}{label}</g>"
    )


def _head(end: tuple[float, float], tip: tuple[float, float]) -> str:
    """A triangle from the end of the curve to the tip."""
    x, y = (tip[0] - end[0]) * 0.4, (tip[1] - end[1]) * 0.4
    corners = ((end[0] - y, end[1] + x), (end[0] + y, end[1] - x), tip)
    return f'<polygon class="head" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>'


def _machine(machine: Machine, box: dict[str, Any], sheet: _Sheet) -> str:
    x, y = sheet.at(box["pos"])
    width, height = _size(machine)
    top = y - height / 2
    lines = [
        f'<text {_class(number)}x="{x:.1f}" y="{top + 20 + number * LINE:.1f}" '
        f'text-anchor="middle">{escape(line)}</text>'
        for number, line in enumerate(_lines(machine))
    ]
    return (
        f'<g class="machine {machine.state}" data-node="{escape(machine.name)}">'
        f"<title>{escape(machine_words(machine))}</title>"
        f'<rect class="box" x="{x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>'
        f"{''.join(lines)}</g>"
    )


def _class(number: int) -> str:
    return 'class="name" ' if number == 0 else ""
