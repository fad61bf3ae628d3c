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
    Began,
    Datagrams,
    Ended,
    UnansweredArp,
    asker,
    begins_at,
    ends_at,
    server,
)
from orchestrator.traffic.story import Earlier, Losses, Scene, Story

WIDTH = 80
TIME = 9  # "  12345.6"
TOOK = 10  # "  123.4 ms"
NARROWEST = 24

Glyphs = tuple[str, str, str, str]
LINES: Glyphs = ("├─ ", "└─ ", "│  ", "   ")
ASCII: Glyphs = ("|- ", "`- ", "|  ", "   ")

KINDS = {
    "Opening": "tcp", "Closing": "close", "Asked": "dns", "HttpExchange": "http", "SqlStart": "sql-start",
    "SqlStatement": "sql", "TlsHandshake": "tls", "SshGreeting": "ssh", "Datagrams": "udp", "Unreachable": "icmp",
    "Earlier": "earlier",
}  # fmt: skip


def story_text(story: Story, *, width: int = WIDTH, ascii_only: bool = False) -> str:
    """The story as text: a time in milliseconds, the tree, and how long each exchange took."""
    lines = [*warnings(story)]
    if not story.scenes:
        lines.append(nothing(story))
    else:
        lines.append(f"{'ms':>{TIME - 2}}{'took':>{width - TIME + 2}}")
        lines += scene_lines(story.scenes, story.began or 0.0, width=width, ascii_only=ascii_only)
        lines += ["", *textwrap.wrap(summary(story), width)]
    lines += [f"Left out: {counted(count, 'exchange')} of {label}." for label, count in story.hidden]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def nothing(story: Story) -> str:
    """That there is no scene to tell, and why."""
    if story.hidden:
        return "Nothing happened but what is left out."
    return "Nothing happened: no packet of a conversation was captured."


def scene_lines(
    scenes: tuple[Scene, ...], began: float, *, width: int = WIDTH, ascii_only: bool = False
) -> Iterator[str]:
    """The lines of these scenes; `began` is the time that counts as 0."""
    tree = _Tree(began, width, ASCII if ascii_only else LINES)
    for scene in scenes:
        yield from tree.lines(scene, "", "")


def warnings(story: Story) -> list[str]:
    """That the story may have holes, and why."""
    return missing(story.losses, "this story may have holes")


def missing(losses: Losses, so: str) -> list[str]:
    """How many packets are missing and why, what follows from it, and an empty line; nothing where none is missing."""
    parts = [
        (losses.dropped, "dropped by the kernel"),
        (losses.overwritten, "overwritten in the ring"),
        (losses.unreadable, "unreadable"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in parts if count)
    return [f"Packets are missing ({said}): {so}.", ""] if said else []


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
    said = ", ".join(text for count, text in parts if count)
    return f"{said}." if said else "No question, connection, request or statement was captured."


class _Tree:
    """Draws scenes; every line fits the width."""

    def __init__(self, began: float, width: int, glyphs: Glyphs) -> None:
        self._began = began
        self._width = width
        self._glyphs = glyphs

    def lines(self, scene: Scene, first: str, rest: str, doubt: tuple[Began, ...] = ()) -> Iterator[str]:
        """`first` and `rest` are what stands left of the scene's first line and of its others.

        `doubt` is what was said already of the scene above.
        """
        tee, elbow, bar, space = self._glyphs
        remarks = remarks_on(scene, doubt)
        below = len(scene.children) + len(remarks)
        yield from self._sentence(scene, first, rest + (bar if below else space))
        for remark in remarks:
            below -= 1
            edge = (tee, bar) if below else (elbow, space)
            yield from self._wrapped(f"? {remark}", "", "", rest + edge[0], rest + edge[1])
        for child in scene.children:
            below -= 1
            edge = (tee, bar) if below else (elbow, space)
            yield from self.lines(child, rest + edge[0], rest + edge[1], scene.doubt)

    def _sentence(self, scene: Scene, first: str, rest: str) -> Iterator[str]:
        """On one line if it fits there, otherwise what came of it stands on a line of its own."""
        at, seconds = times(scene)
        time = f"{(at - self._began) * 1000:{TIME - 2}.1f}  "
        took = ms(seconds) if seconds is not None else ""
        asked, came = words(scene, self._began)
        if not came:
            yield from self._wrapped(asked, time, took, first, rest)
        elif len(asked) + len(came) + 4 <= self._room(first, took):
            yield from self._wrapped(f"{asked} -> {came}", time, took, first, rest)
        else:
            yield from self._wrapped(asked, time, took, first, rest)
            yield from self._wrapped(f"-> {came}", "", "", rest, rest)

    def _room(self, left: str, took: str) -> int:
        return max(NARROWEST, self._width - TIME - len(left) - (TOOK if took else 0))

    def _wrapped(self, text: str, time: str, took: str, first: str, rest: str) -> Iterator[str]:
        parts = textwrap.wrap(text, self._room(first, took), subsequent_indent="  ", break_on_hyphens=False) or [""]
        line = f"{time:<{TIME}}{first}{parts[0]}"
        yield f"{line:<{self._width - TOOK}}{took:>{TOOK}}" if took else line
        for part in parts[1:]:
            yield f"{'':{TIME}}{rest}{part}"


def remarks_on(scene: Scene, said: tuple[Began, ...] = ()) -> list[str]:
    """What could not be told, in sentences; not again what was said of the scene above."""
    remarks = []
    if scene.doubt and scene.doubt != said:
        which = ", ".join(f"{readable(began.subject)} of {began.client}" for began in scene.doubt[:4])
        more = f" and {len(scene.doubt) - 4} more" if len(scene.doubt) > 4 else ""
        remarks.append(f"serves one of these, and the packets do not tell which: {which}{more}")
    if scene.unsure:
        others = f"{counted(scene.unsure, 'exchange')} outside this branch"
        remarks.append(f"{others} may belong here: other requests were open too")
    if scene.more:
        remarks.append(counted(scene.more, "more exchange is not shown", "more exchanges are not shown"))
    return remarks


def times(scene: Scene) -> tuple[float, float | None]:
    """When a scene began and how many seconds it took; None for a moment, and where nothing ended it."""
    event = scene.event
    if isinstance(event, Earlier):
        return event.at, None
    began, ended = begins_at(event), ends_at(event)
    return began, None if ended is None or ended == began else ended - began


def json_lines(story: Story) -> Iterator[str]:
    """The story as JSON, one object a line: first the whole, then each scene before its children.

    Times are seconds since the story began, rounded to microseconds. `parent` is the id of the scene that was served.
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
    for scene in story.scenes:
        yield from _scene_json(scene, story.began or 0.0, None, identity)


def live_json(scene: Scene, began: float, identity: Iterator[int]) -> Iterator[str]:
    """The JSON lines of one scene, as they stand in a story; `identity` numbers them."""
    yield from _scene_json(scene, began, None, identity)


def _scene_json(scene: Scene, began: float, parent: int | None, identity: Iterator[int]) -> Iterator[str]:
    own = next(identity)
    at, took = times(scene)
    said, came = words(scene, began)
    document: dict[str, Any] = {
        "schema": 1,
        "kind": _kind(scene.event),
        "id": own,
        "parent": parent,
        "at": round(at - began, 6),
        "took": None if took is None else round(took, 6),
        "said": said,
        "came": came,
        **_parties(scene),
        **_details(scene.event),
    }
    if scene.doubt:
        document["doubt"] = [
            {"client": item.client, "subject": item.subject, "exchange": item.exchange} for item in scene.doubt
        ]
    if scene.unsure:
        document["unsure"] = scene.unsure
    if scene.more:
        document["more"] = scene.more
    yield _dump(document)
    for child in scene.children:
        yield from _scene_json(child, began, own, identity)


def _kind(event: Ended | Earlier) -> str:
    if isinstance(event, Datagrams) and event.link.protocol == "icmp":
        return "ping"
    if isinstance(event, UnansweredArp):
        return search(event)
    return KINDS[type(event).__name__]


def _parties(scene: Scene) -> dict[str, Any]:
    event = scene.event
    if isinstance(event, Earlier):
        return {"client": event.link.client.node, "server": event.link.server.node}
    return {"client": asker(event), "server": server(event)}


def _details(event: Ended | Earlier) -> dict[str, Any]:
    """The event's own fields, without those that the document has already."""
    found = asdict(event)
    link = found.pop("link", None)
    for name in ("started", "ended", "at", "asker", "target" if "address" in found else "", "last_try"):
        found.pop(name, None)
    if link:
        found["link"] = link["number"]
        found["protocol"] = link["protocol"]
        found["port"] = link["server"]["port"]
        found["client_port"] = link["client"]["port"]
        found["server_address"] = link["server"]["address"]
        found["client_address"] = link["client"]["address"]
        found["name_asked"] = link["name"]
    return found


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)
