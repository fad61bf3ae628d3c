"""Puts the scenes of one level below the connections on which they happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.traffic.exchanges.events import Closing, Link, Opening, UnansweredArp, begins_at, ends_at
from orchestrator.traffic.story.spans import Earlier, Scene, order


def arrange(scenes: Iterable[Scene]) -> tuple[Scene, ...]:
    """The scenes by time, those of one TCP connection below its opening, or below a note that it was opened earlier.

    A closing goes to its connection, at the place where the connection was used at that time. That a connection was
    still open when the capture ended is no event.
    """
    level, closings = [], {}
    for scene in scenes:
        if isinstance(scene.event, Closing):
            closings[scene.event.link.number] = scene
        else:
            level.append(scene)
    arranged = _level(level, closings, None)
    left = [_alone(scene) for scene in closings.values()]
    return tuple(sorted([*arranged, *(scene for scene in left if scene is not None)], key=order))


def _alone(scene: Scene) -> Scene | None:
    """A closing where nothing else was said on the connection."""
    event = scene.event
    if not isinstance(event, Closing) or event.how == "open":
        return None
    return Scene(Earlier(event.link, event.at), (scene,))


def _level(scenes: list[Scene], closings: dict[int, Scene], within: Scene | None) -> tuple[Scene, ...]:
    groups: dict[tuple[int, tuple[int, ...]], list[Scene]] = {}
    for scene in sorted(scenes, key=order):
        inner = replace(scene, children=_level(list(scene.children), closings, scene))
        link = _connection(scene)
        key = (link.number if link else -1 - len(groups), tuple(began.exchange for began in scene.doubt))
        groups.setdefault(key, []).append(inner)
    arranged = []
    for group in groups.values():
        link = _connection(group[0])
        arranged.append(group[0] if link is None else _below(link, group, closings, within))
    return tuple(sorted(arranged, key=order))


def _connection(scene: Scene) -> Link | None:
    event = scene.event
    if isinstance(event, Earlier | UnansweredArp) or event.link.protocol != "tcp":
        return None
    return event.link


def _below(link: Link, group: list[Scene], closings: dict[int, Scene], within: Scene | None) -> Scene:
    first, rest = group[0], group[1:]
    if isinstance(first.event, Opening):
        head, members = first, [*first.children, *rest]
    else:
        head = Scene(Earlier(link, order(first)[0]), doubt=first.doubt)
        members = group
    closing = closings.get(link.number)
    if closing is not None and isinstance(closing.event, Closing) and _covers(within, closing.event.at):
        del closings[link.number]
        if closing.event.how != "open":
            members = [*members, closing]
    return replace(head, children=tuple(members))


def _covers(within: Scene | None, when: float) -> bool:
    """Whether that moment lies within the exchange; the top of the story covers all."""
    if within is None:
        return True
    if isinstance(within.event, Earlier):
        return False
    end = ends_at(within.event)
    return begins_at(within.event) <= when and (end is None or when <= end)
