"""A story in the terminal, as a tree with times, and as JSON lines."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from orchestrator.rendering.event_sentences import ms, readable, search, words
from orchestrator.rendering.quantities import counted
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    ExchangeStart,
    UnansweredArp,
    client_node,
    end_time,
    server_node,
    start_time,
)
from orchestrator.traffic.story import EarlierConnection, PacketLosses, Span, Story

WIDTH = 80
TIME = 9  # "  12345.6"
TOOK = 10  # "  123.4 ms"
NARROWEST = 24

Glyphs = tuple[str, str, str, str]
LINES: Glyphs = ("├─ ", "└─ ", "│  ", "   ")
ASCII: Glyphs = ("|- ", "`- ", "|  ", "   ")

KINDS = {
    "TcpHandshake": "tcp", "TcpClose": "close", "DnsExchange": "dns", "HttpExchange": "http", "SqlSession": "sql-start",
    "SqlStatement": "sql", "TlsHandshake": "tls", "SshGreeting": "ssh", "DatagramFlow": "udp", "IcmpError": "icmp",
    "EarlierConnection": "earlier",
}  # fmt: skip


def story_text(story: Story, *, width: int = WIDTH, ascii_only: bool = False) -> str:
    """The story as text: a time in milliseconds, the tree, and how long each exchange took."""
    lines = [*warnings(story)]
    if not story.spans:
        lines.append(nothing(story))
    else:
        lines.append(f"{'ms':>{TIME - 2}}{'took':>{width - TIME + 2}}")
        lines += span_lines(story.spans, story.began or 0.0, width=width, ascii_only=ascii_only)
        lines += ["", *textwrap.wrap(summary(story), width)]
    lines += [f"Left out: {counted(count, 'exchange')} of {label}." for label, count in story.hidden]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def nothing(story: Story) -> str:
    """That there is no span to tell, and why."""
    if story.hidden:
        return "Nothing happened but what is left out."
    return "Nothing happened: no packet of a conversation was captured."


def span_lines(spans: tuple[Span, ...], began: float, *, width: int = WIDTH, ascii_only: bool = False) -> Iterator[str]:
    """The lines of these spans; `began` is the time that counts as 0."""
    tree = _Tree(began, width, ASCII if ascii_only else LINES)
    for span in spans:
        yield from tree.lines(span, "", "")


def warnings(story: Story) -> list[str]:
    """That the story may have holes, and why."""
    return missing(story.losses, "this story may have holes")


def missing(losses: PacketLosses, so: str) -> list[str]:
    """How many packets are missing and why, what follows from it, and an empty line; nothing where none is missing."""
    parts = [
        (losses.dropped, "dropped by the kernel"),
        (losses.overwritten, "overwritten in the ring"),
        (losses.unreadable, "unreadable"),
    ]
    losses_text = ", ".join(f"{count} {what}" for count, what in parts if count)
    return [f"Packets are missing ({losses_text}): {so}.", ""] if losses_text else []


def summary(story: Story) -> str:
    """What there was, counted."""
    counts = story.counts
    questions = sum(counts.questions.values())
    types = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.questions.items()))
    parts = [
        (questions, counted(questions, "DNS question") + f" ({types})"),
        (counts.connections, counted(counts.connections, "TCP connection") + " opened"),
        (counts.refused, counted(counts.refused, "TCP connection") + " refused"),
        (counts.silent, counted(counts.silent, "TCP connection") + " not answered"),
        (counts.datagrams, counted(counts.datagrams, "other UDP exchange")),
        (counts.pings, counted(counts.pings, "ping")),
        (counts.requests, counted(counts.requests, "HTTP request")),
        (counts.statements, counted(counts.statements, "SQL statement")),
    ]
    text = ", ".join(words for count, words in parts if count)
    return f"{text}." if text else "No question, connection, request or statement was captured."


class _Tree:
    """Draws spans; every line fits the width."""

    def __init__(self, began: float, width: int, glyphs: Glyphs) -> None:
        self._began = began
        self._width = width
        self._glyphs = glyphs

    def lines(self, span: Span, first: str, rest: str, already_named: tuple[ExchangeStart, ...] = ()) -> Iterator[str]:
        """`first` and `rest` are what stands left of the span's first line and of its others.

        `already_named` are the possible parents of the span above, which were named there.
        """
        tee, elbow, bar, space = self._glyphs
        remarks = remarks_on(span, already_named)
        below = len(span.children) + len(remarks)
        yield from self._sentence(span, first, rest + (bar if below else space))
        for remark in remarks:
            below -= 1
            edge = (tee, bar) if below else (elbow, space)
            yield from self._wrapped(f"? {remark}", "", "", rest + edge[0], rest + edge[1])
        for child in span.children:
            below -= 1
            edge = (tee, bar) if below else (elbow, space)
            yield from self.lines(child, rest + edge[0], rest + edge[1], span.possible_parents)

    def _sentence(self, span: Span, first: str, rest: str) -> Iterator[str]:
        """On one line if it fits there, otherwise what came of it stands on a line of its own."""
        at, seconds = times(span)
        time = f"{(at - self._began) * 1000:{TIME - 2}.1f}  "
        took = ms(seconds) if seconds is not None else ""
        request, result = words(span, self._began)
        if not result:
            yield from self._wrapped(request, time, took, first, rest)
        elif len(request) + len(result) + 4 <= self._room(first, took):
            yield from self._wrapped(f"{request} -> {result}", time, took, first, rest)
        else:
            yield from self._wrapped(request, time, took, first, rest)
            yield from self._wrapped(f"-> {result}", "", "", rest, rest)

    def _room(self, left: str, took: str) -> int:
        return max(NARROWEST, self._width - TIME - len(left) - (TOOK if took else 0))

    def _wrapped(self, text: str, time: str, took: str, first: str, rest: str) -> Iterator[str]:
        parts = textwrap.wrap(text, self._room(first, took), subsequent_indent="  ", break_on_hyphens=False) or [""]
        line = f"{time:<{TIME}}{first}{parts[0]}"
        yield f"{line:<{self._width - TOOK}}{took:>{TOOK}}" if took else line
        for part in parts[1:]:
            yield f"{'':{TIME}}{rest}{part}"


def remarks_on(span: Span, already_named: tuple[ExchangeStart, ...] = ()) -> list[str]:
    """What the packets do not tell, in sentences; not again what was said of the span above."""
    remarks = []
    if span.possible_parents and span.possible_parents != already_named:
        which = ", ".join(f"{readable(began.subject)} of {began.client}" for began in span.possible_parents[:4])
        more = f" and {len(span.possible_parents) - 4} more" if len(span.possible_parents) > 4 else ""
        remarks.append(f"serves one of these, and the packets do not tell which: {which}{more}")
    if span.possible_children:
        others = f"{counted(span.possible_children, 'exchange')} outside this branch"
        remarks.append(f"{others} may belong here: other requests were open too")
    if span.omitted:
        remarks.append(counted(span.omitted, "more exchange is not shown", "more exchanges are not shown"))
    return remarks


def times(span: Span) -> tuple[float, float | None]:
    """When a span began and how many seconds it took; None for a moment, and where nothing ended it."""
    event = span.event
    if isinstance(event, EarlierConnection):
        return event.at, None
    began, ended = start_time(event), end_time(event)
    return began, None if ended is None or ended == began else ended - began


def json_lines(story: Story) -> Iterator[str]:
    """The story as JSON, one object a line: first the whole, then each span before its children.

    Times are seconds since the story began, rounded to microseconds. `parent` is the id of the span that was served.
    """
    yield _dump(
        {
            "schema": 1,
            "kind": "story",
            "began": story.began,
            "counts": asdict(story.counts),
            "losses": asdict(story.losses),
            "hidden": dict(story.hidden),
        }
    )
    identity = iter(range(1, 1 << 62))
    for span in story.spans:
        yield from _span_json(span, story.began or 0.0, None, identity)


def live_json(span: Span, began: float, identity: Iterator[int]) -> Iterator[str]:
    """The JSON lines of one span, as they stand in a story; `identity` numbers them."""
    yield from _span_json(span, began, None, identity)


def _span_json(span: Span, began: float, parent: int | None, identity: Iterator[int]) -> Iterator[str]:
    own = next(identity)
    at, took = times(span)
    request, result = words(span, began)
    document: dict[str, Any] = {
        "schema": 1,
        "kind": _kind(span.event),
        "id": own,
        "parent": parent,
        "at": round(at - began, 6),
        "took": None if took is None else round(took, 6),
        "said": request,
        "came": result,
        **_parties(span),
        **_details(span.event),
    }
    if span.possible_parents:
        document["doubt"] = [
            {"client": item.client, "subject": item.subject, "exchange": item.exchange}
            for item in span.possible_parents
        ]
    if span.possible_children:
        document["unsure"] = span.possible_children
    if span.omitted:
        document["more"] = span.omitted
    yield _dump(document)
    for child in span.children:
        yield from _span_json(child, began, own, identity)


def _kind(event: CompletedEvent | EarlierConnection) -> str:
    if isinstance(event, DatagramFlow) and event.flow.protocol == "icmp":
        return "ping"
    if isinstance(event, UnansweredArp):
        return search(event)
    return KINDS[type(event).__name__]


def _parties(span: Span) -> dict[str, Any]:
    event = span.event
    if isinstance(event, EarlierConnection):
        return {"client": event.flow.client.node, "server": event.flow.server.node}
    return {"client": client_node(event), "server": server_node(event)}


def _details(event: CompletedEvent | EarlierConnection) -> dict[str, Any]:
    """The event's own fields, without those that the document has already, and the mark of our own questions."""
    details = asdict(event)
    flow = details.pop("flow", None)
    known = ("started", "ended", "at", "sender", "target" if "address" in details else "", "last_try")
    for name in (*known, "wants_ad", "ended_by"):
        details.pop(name, None)
    details = {name: value for name, value in details.items() if value or name not in ("lost", "astray_from")}
    if flow:
        details["link"] = flow["number"]
        details["protocol"] = flow["protocol"]
        details["port"] = flow["server"]["port"]
        details["client_port"] = flow["client"]["port"]
        details["server_address"] = flow["server"]["address"]
        details["client_address"] = flow["client"]["address"]
        details["name_asked"] = flow["name"]
    return details


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)
