"""A story as a sequence diagram: messages between nodes in order of time, as Mermaid text and as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from orchestrator.rendering.event_sentences import ms, over, search, words
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    IcmpError,
    TcpClose,
    TcpHandshake,
    UnansweredArp,
    client_node,
    end_time,
    server_node,
    start_time,
)
from orchestrator.traffic.story import EarlierConnection, Span, Story

ASK, ANSWER, LOST, NOTE = "ask", "answer", "lost", "note"


@dataclass(frozen=True)
class Message:
    """One arrow: `style` is ask, answer, lost (nothing came back) or note (about the two, no arrow).

    `at` is in seconds since the story began, `span` the number of the span in the story's tree, from 1, in the
    order in which `json_lines` gives them.
    """

    at: float
    source: str
    target: str
    text: str
    style: str
    span: int


def messages(story: Story) -> tuple[Message, ...]:
    """All messages in order of time."""
    began = story.began or 0.0
    numbers = iter(range(1, 1 << 62))
    unordered = [message for span in story.spans for message in _span_messages(span, began, numbers)]
    return tuple(sorted(unordered, key=lambda message: message.at))


def _span_messages(span: Span, began: float, numbers: Iterator[int]) -> Iterator[Message]:
    own = next(numbers)
    yield from _own_messages(span, began, own)
    for child in span.children:
        yield from _span_messages(child, began, numbers)


def _own_messages(span: Span, began: float, own: int) -> Iterator[Message]:
    event = span.event
    request, result = words(span, began)
    if isinstance(event, EarlierConnection):
        flow = event.flow
        yield Message(event.at - began, flow.client.node, flow.server.node, request, NOTE, own)
        return
    source, target = client_node(event), server_node(event)
    start = start_time(event) - began
    if isinstance(event, TcpClose):
        by = event.by or source
        yield Message(start, by, target if by == source else source, request, ASK, own)
    elif isinstance(event, IcmpError):
        yield Message(start, event.reporter, source, result, ANSWER, own)
    else:
        yield from _exchange(event, start, (source, target), (_short(event, request), result), own, began)


def _exchange(
    event: CompletedEvent, start: float, ends: tuple[str, str], texts: tuple[str, str], own: int, began: float
) -> Iterator[Message]:
    source, target = ends
    ended = end_time(event)
    if ended is None:
        text = f"{texts[0]}: {texts[1]}" if texts[1] else texts[0]
        yield Message(start, source, target, text, LOST, own)
        return
    yield Message(start, source, target, texts[0], ASK, own)
    if texts[1] or not isinstance(event, TcpHandshake):
        yield Message(ended - began, target, source, texts[1] or "done", ANSWER, own)


def _short(event: CompletedEvent, request: str) -> str:
    """Without the names that the arrow shows."""
    match event:
        case DnsExchange(operation="notify"):
            return f"{event.name} has changed (NOTIFY)"
        case DnsExchange(operation="update"):
            return f"change {event.name} (UPDATE)"
        case DnsExchange():
            tcp = " (TCP)" if event.flow.protocol == "tcp" else ""
            return f"{event.name} {event.type}?{tcp}"
        case TcpHandshake():
            return f"connects to port {event.flow.server.port}{over(event.flow)}"
        case DatagramFlow(flow=flow) if flow.protocol == "icmp":
            return f"ping{over(flow)}"
        case DatagramFlow():
            return f"UDP to port {event.flow.server.port}{over(event.flow)}"
        case UnansweredArp():
            return f"who has {event.address}? ({search(event).upper()})"
        case _:
            return request


def participants(drawn: tuple[Message, ...]) -> tuple[str, ...]:
    """The nodes in the order in which they appear."""
    return tuple(dict.fromkeys(node for message in drawn for node in (message.source, message.target)))


def mermaid(story: Story) -> str:
    """A Mermaid sequence diagram (mermaid.js.org, "Sequence diagrams")."""
    drawn = messages(story)
    names = {node: f"p{index}" for index, node in enumerate(participants(drawn), 1)}
    lines = ["sequenceDiagram", *(f"    participant {key} as {_mermaid(node)}" for node, key in names.items())]
    for message in drawn:
        source, target = names[message.source], names[message.target]
        if message.style == NOTE:
            lines.append(f"    Note over {source},{target}: {_mermaid(message.text)}")
            continue
        arrow = {ASK: "->>", ANSWER: "-->>", LOST: "-x"}[message.style]
        lines.append(f"    {source}{arrow}{target}: {_mermaid(message.text)}")
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """Characters that Mermaid reads as its own are written as entities, with `#` for `&`."""
    special = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "\n": " "}
    return "".join(special.get(character, character) for character in text)


# SVG, all lengths in pixels
MARGIN, HEAD, HEAD_BOX, ROW, TIME_WIDTH = 16, 44, 28, 36, 76
# between two nodes, by how many there are: many stand nearer together
LIFE_GAPS, NARROW_GAP = {1: 280, 2: 280, 3: 270, 4: 262, 5: 236}, 212
CHARACTER = 6.3  # pixels

# plain colours first: not every program that draws SVG knows media queries or variables
STYLE = """\
.sequence{color-scheme:light dark}
.sequence text{font:12px system-ui,sans-serif;fill:#1b1f24;paint-order:stroke;stroke:#ffffff;stroke-width:3px}
.sequence .time{fill:#5b6470;font-size:11px}
.sequence .node{font-weight:600;font-size:13px}.sequence .paper{fill:#ffffff}.sequence .box{fill:#ffffff;stroke:#1b1f24}
.sequence .life{stroke:#8a94a2;stroke-dasharray:3 4}
.sequence .ask line,.sequence .ask path{stroke:#0b57b7;fill:#0b57b7}
.sequence .answer line,.sequence .answer path{stroke:#1a7f37;fill:#1a7f37}
.sequence .lost line,.sequence .lost path{stroke:#b42318;fill:#b42318}
.sequence .answer line{stroke-dasharray:6 4}.sequence .note text{font-style:italic}
@media(prefers-color-scheme:dark){.sequence text{fill:#e6e9ee;stroke:#14171c}.sequence .time{fill:#9aa4b2}
.sequence .paper,.sequence .box{fill:#14171c}.sequence .box{stroke:#e6e9ee}.sequence .life{stroke:#5b6470}
.sequence .ask line,.sequence .ask path{stroke:#6aa8ff;fill:#6aa8ff}
.sequence .answer line,.sequence .answer path{stroke:#56c271;fill:#56c271}
.sequence .lost line,.sequence .lost path{stroke:#ff8a80;fill:#ff8a80}}"""


def svg(story: Story, title: str = "What crossed the wire") -> str:
    """The diagram as one SVG without scripts and without anything from outside; the same story gives the same bytes.

    Each message is a group `<g id="m1" data-span="1">` with its whole text as `<title>`.
    """
    return diagram(messages(story), title)


def diagram(drawn: tuple[Message, ...], title: str = "What crossed the wire") -> str:
    """The diagram of these messages."""
    places, width = _columns(drawn)
    height = MARGIN + HEAD + (len(drawn) + 1) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sequence" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="t d" width="{width}" height="{height}" style="--width:{width}px">',
        f'<title id="t">{escape(title)}</title>',
        f'<desc id="d">{escape(_description(drawn))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *(_life(node, place, height) for node, place in places.items()),
        *(_row(index, message, places) for index, message in enumerate(drawn, 1)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def heads(drawn: tuple[Message, ...]) -> str:
    """The names of the nodes alone, in the places of the diagram: a page keeps them in sight."""
    places, width = _columns(drawn)
    height = MARGIN + HEAD_BOX + 6
    boxes = "".join(_head(node, place) for node, place in places.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sequence" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" style="--width:{width}px" aria-hidden="true">'
        f'<rect class="paper" width="{width}" height="{height}"/>{boxes}</svg>'
    )


def _columns(drawn: tuple[Message, ...]) -> tuple[dict[str, int], int]:
    """The place of each node from left to right, and the width of the diagram."""
    nodes = participants(drawn)
    gap = LIFE_GAPS.get(len(nodes), NARROW_GAP)
    places = {node: TIME_WIDTH + MARGIN + gap // 2 + index * gap for index, node in enumerate(nodes)}
    return places, TIME_WIDTH + 2 * MARGIN + max(1, len(nodes)) * gap


def _description(drawn: tuple[Message, ...]) -> str:
    """The diagram in words, for a screen reader."""
    if not drawn:
        return "Nothing happened."
    return " ".join(f"{message.source} to {message.target}: {message.text}." for message in drawn)


def _life(node: str, place: int, height: int) -> str:
    top = MARGIN + HEAD_BOX
    return f'{_head(node, place)}<line class="life" x1="{place}" y1="{top}" x2="{place}" y2="{height - MARGIN}"/>'


def _head(node: str, place: int) -> str:
    return (
        f'<rect class="box" x="{place - 70}" y="{MARGIN}" width="140" height="{HEAD_BOX}" rx="5"/>'
        f'<text class="node" x="{place}" y="{MARGIN + 19}" text-anchor="middle">{escape(_cut(node, 20))}</text>'
    )


def _row(index: int, message: Message, places: dict[str, int]) -> str:
    y = MARGIN + HEAD + index * ROW
    left, right = places[message.source], places[message.target]
    room = abs(left - right) or LIFE_GAPS[1]
    text = _cut(message.text, int((room - 14) / CHARACTER))
    if message.style == LOST:
        right = left + (right - left) * 3 // 4
    return (
        f'<g id="m{index}" class="{message.style}" data-span="{message.span}">'
        f"<title>{escape(f'{message.source} to {message.target}: {message.text}')}</title>"
        f'<text class="time" x="{MARGIN}" y="{y}">{ms(message.at)}</text>'
        f'<text x="{(places[message.source] + places[message.target]) // 2}" y="{y - 7}" '
        f'text-anchor="middle">{escape(text)}</text>'
        f"{_arrow(message.style, left, right, y)}</g>"
    )


def _arrow(style: str, left: int, right: int, y: int) -> str:
    line = f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke-width="1.5"/>'
    if style == NOTE:
        return ""
    if style == LOST:
        cross = f"M{right - 5} {y - 5}L{right + 5} {y + 5}M{right - 5} {y + 5}L{right + 5} {y - 5}"
        return f'{line}<path d="{cross}" stroke-width="2"/>'
    back = -8 if right > left else 8
    return f'{line}<path d="M{right} {y}l{back} -4v8z"/>'


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
