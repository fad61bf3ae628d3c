"""Rules about ports and bound addresses: of nodes that listen, and of checks that look at sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator.model.values import ADDRESS
from orchestrator.reading.document import Complaint, Path
from orchestrator.reading.draft import Draft
from orchestrator.reading.words import did_you_mean, listed, short

PLACES = ("all", "loopback")


def listens_says_something(draft: Draft) -> Iterator[Complaint]:
    """A check `listens` names a socket, or says that there is none."""
    for path, check in draft.checks:
        if check.get("listens") == [] and not check.get("lacks") and check.get("exactly") is not True:
            message = "name a socket, such as {port: 80}; or write exactly: true for a node that listens on nothing"
            yield Complaint((*path, "listens"), message)


def a_socket_has_a_port(draft: Draft) -> Iterator[Complaint]:
    """No socket is bound to port 0: asked for it, the kernel picks another (ip(7))."""
    for path, check in draft.checks:
        for at, socket in _sockets(check, path):
            if socket.get("port") == 0 and not isinstance(socket["port"], bool):
                message = "no socket has port 0: asked for 0 the kernel picks a free one; say a port from 1 to 65535"
                yield Complaint((*at, "port"), message)


def port_zero_is_free(draft: Draft) -> Iterator[Complaint]:
    """That port 0 is taken cannot be: it stands for any free one."""
    for path, check in draft.checks:
        place = check.get("cannot_bind")
        if isinstance(place, str) and place.endswith(":0") and check.get("error") in ("EADDRINUSE", "EACCES"):
            yield Complaint((*path, "cannot_bind"), "port 0 lets the kernel pick a free port, so it is never taken")


def bound_where_the_node_is(draft: Draft) -> Iterator[Complaint]:
    """A socket is bound to all addresses, to loopback, or to an address that its node has."""
    for name, node in draft.nodes.items():
        for at, socket in _listed(node.get("listens"), ("nodes", name, "listens")):
            yield from _bound(draft, name, at, socket)
    for path, check in draft.checks:
        looked_at = check.get("node")
        if isinstance(looked_at, str) and looked_at in draft.machines:
            for at, socket in _sockets(check, path):
                yield from _bound(draft, draft.machines[looked_at], at, socket)


def _bound(draft: Draft, node: str, at: Path, socket: dict[str, Any]) -> Iterator[Complaint]:
    """Addresses that wirelab chooses are not known yet, so only those of a declared place can be told wrong."""
    place = socket.get("address")
    if not isinstance(place, str) or place in PLACES or place.startswith("127."):
        return
    attached = draft.attachments(node)
    if re.fullmatch(ADDRESS[1:-1], place):
        own = [address for _, address in attached.values()]
        if None not in own and place not in own:
            message = f"{node!r} has not the address {short(place)}; it has {listed(map(str, own))}"
            yield Complaint((*at, "address"), message)
    elif place not in attached:
        words = (*PLACES, *attached)
        message = f"{short(place)!r} is no place of {node!r}{did_you_mean(place, words) or ';'} "
        yield Complaint((*at, "address"), message + f"allowed are {listed(words)}, or one of its addresses")


def _sockets(check: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if "listens" in check:
        for key in ("listens", "lacks"):
            yield from _listed(check.get(key), (*path, key))


def _listed(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for index, one in enumerate(value if isinstance(value, list) else ()):
        if isinstance(one, dict):
            yield (*path, index), one
