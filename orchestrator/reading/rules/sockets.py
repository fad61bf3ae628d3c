"""Rules about ports and bound addresses: of nodes that listen, and of checks that look at sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator.model.roles.role import Role, Serving
from orchestrator.model.values import ADDRESS, BOUND
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.spelling import did_you_mean

PLACES = ("all", "loopback")
WELL_KNOWN_END = 1024


def listens_says_something(raw: RawScenario) -> Iterator[Violation]:
    """A check `listens` names a socket, or says that there is none."""
    for path, check in raw.checks:
        if check.get("listens") == [] and not check.get("lacks") and check.get("exactly") is not True:
            message = "name a socket, such as {port: 80}; or write exactly: true for a node that listens on nothing"
            yield Violation((*path, "listens"), message)


def a_socket_has_a_port(raw: RawScenario) -> Iterator[Violation]:
    """No socket is bound to port 0: asked for it, the kernel picks another (ip(7))."""
    for path, check in raw.checks:
        for at, socket in _sockets(check, path):
            if socket.get("port") == 0 and not isinstance(socket["port"], bool):
                message = "no socket has port 0: asked for 0 the kernel picks a free one; say a port from 1 to 65535"
                yield Violation((*at, "port"), message)


def port_zero_is_free(raw: RawScenario) -> Iterator[Violation]:
    """That port 0 is taken cannot be: it stands for any free one."""
    for path, check in raw.checks:
        place = check.get("cannot_bind")
        if isinstance(place, str) and place.endswith(":0") and check.get("error") in ("EADDRINUSE", "EACCES"):
            yield Violation((*path, "cannot_bind"), "port 0 lets the kernel pick a free port, so it is never taken")


def bound_where_the_node_is(raw: RawScenario) -> Iterator[Violation]:
    """A socket is bound to all addresses, to loopback, or to an address that its node has."""
    for name, node in raw.nodes.items():
        for at, socket in items_at(node.get("listens"), ("nodes", name, "listens")):
            yield from _bound(raw, name, at, socket)
    for path, check in raw.checks:
        looked_at = check.get("node")
        if isinstance(looked_at, str) and looked_at in raw.machines:
            for at, socket in _sockets(check, path):
                yield from _bound(raw, raw.machines[looked_at], at, socket)


def _bound(raw: RawScenario, node: str, at: Path, socket: dict[str, Any]) -> Iterator[Violation]:
    """Addresses that wirelab chooses are not known yet, so only those of a declared place can be told wrong."""
    place = socket.get("address")
    if not isinstance(place, str) or place in PLACES or place.startswith("127.") or place == "::1":
        return
    attached = raw.attachments(node)
    if re.fullmatch(ADDRESS, place):
        own = [address for _, address in attached.values()]
        if None not in own and place not in own:
            message = f"{node!r} has not the address {short(place)}; it has {listed(map(str, own))}"
            yield Violation((*at, "address"), message)
    elif place not in attached and re.fullmatch(BOUND, place):
        words = (*PLACES, *attached)
        message = f"{short(place)!r} is no place of {node!r}{did_you_mean(place, words) or ';'} "
        yield Violation((*at, "address"), message + f"allowed are {listed(words)}, or one of its addresses")


def _sockets(check: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if "listens" in check:
        for key in ("listens", "lacks"):
            yield from items_at(check.get(key), (*path, key))


def items_at(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (*path, index), item


def listeners_are_served(raw: RawScenario) -> Iterator[Violation]:
    """Where a server of ours listens, it must be able to; a program of the author's own is not known."""
    for name, node in raw.nodes.items():
        role, listens = raw.role(name), node.get("listens")
        if role and role.serving and isinstance(listens, list) and not (node.get("image") or node.get("command")):
            yield from _served(role, role.serving, name, listens)


def _served(role: Role, serving: Serving, name: str, listens: list[Any]) -> Iterator[Violation]:
    if not 1 <= len(listens) <= serving.most:
        own = listed(f"{listener.protocol} port {listener.port}" for listener in role.listeners)
        ports = "one port" if serving.most == 1 else f"1 to {serving.most} ports"
        allowed = f"listens on {ports}" if serving.most else f"always listens on {own}; leave listens out"
        yield Violation(("nodes", name, "listens"), f"a node with the role {role.name} {allowed}")
        return
    for at, listener in items_at(listens, ("nodes", name, "listens")):
        if listener.get("port") == 0:
            message = "the kernel would pick a free port for 0, and no client would know which; say one from 1 to 65535"
            yield Violation((*at, "port"), message)
        if listener.get("protocol") == "udp" and "udp" not in serving.protocols:
            yield Violation((*at, "protocol"), f"the server of the role {role.name} speaks tcp, not udp")
        tls = listener.get("tls")
        if tls and not serving.tls:
            message = f"the server of the role {role.name} speaks no TLS; a node with the role proxy before it does"
            yield Violation((*at, "tls"), message)
        elif isinstance(tls, dict) and tls.get("server_names") and not serving.server_names:
            message = f"a server of the role {role.name} has one certificate for all names; a proxy has one for each"
            yield Violation((*at, "tls", "server_names"), message, at_key=True)


def a_port_is_bound_once(raw: RawScenario) -> Iterator[Violation]:
    """Two listeners of a node do not ask for the same port at the same address: the second bind would fail."""
    for name, node in raw.nodes.items():
        seen: list[tuple[object, object, object]] = []
        for at, listener in items_at(node.get("listens"), ("nodes", name, "listens")):
            port, protocol = listener.get("port"), listener.get("protocol", "tcp")
            place = listener.get("address") or "all"
            rivals = (other for other in seen if other[:2] == (port, protocol))
            if port and any("all" in (place, other[2]) or place == other[2] for other in rivals):
                message = f"{protocol} port {port} is bound twice; the second would fail (EADDRINUSE)"
                yield Violation((*at, "port"), message)
            seen.append((port, protocol, place))


def privileged_ports_are_free(raw: RawScenario) -> Iterator[Violation]:
    """Where ports below 1024 need a privilege, no server is meant to bind one: nothing there has it."""
    for name, node in raw.nodes.items():
        role = raw.role(name)
        if node.get("privileged_ports") is not True or role is None:
            continue
        for at, listener in items_at(node.get("listens"), ("nodes", name, "listens")):
            port = listener.get("port")
            if isinstance(port, int) and 0 < port < WELL_KNOWN_END:
                yield Violation((*at, "port"), _needs_privilege(port))
        if node.get("listens") is None and not (node.get("image") or node.get("command")):
            for known in role.listeners[:1]:
                yield Violation(("nodes", name, "privileged_ports"), _needs_privilege(known.port))


def _needs_privilege(port: int) -> str:
    return (
        f"port {port} is below 1024 and needs a privilege on this node (privileged_ports), and no program there "
        "has it; listen on 1024 or above"
    )
