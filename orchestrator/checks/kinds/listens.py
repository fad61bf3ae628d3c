"""`listens`: what is bound on a node, by its own socket table (ss(8))."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckContext, ResultUnavailable, require_output
from orchestrator.checks.sockets import BoundSocket, read_socket_table, socket_table_probe
from orchestrator.checks.steps import CheckSteps
from orchestrator.model.check_values import Socket
from orchestrator.model.checks import Listens


def listens(check: Listens, context: CheckContext) -> CheckSteps:
    """Read the table once, then look for what must be there, what must not, and what nobody spoke of."""
    expected = _expected(check)
    bound = read_socket_table(require_output((yield (socket_table_probe(check.node),))[0]))
    for socket in (*check.listens, *check.lacks):
        _known(socket, bound, context, check.node)
    evidence = tuple(f"socket table of {check.node}: {socket.line}" for socket in bound)
    wanted = {
        socket: [candidate for candidate in bound if fits(socket, candidate, context, check.node)]
        for socket in check.listens
    }
    missing = [socket for socket, sockets in wanted.items() if not _taken(socket, sockets, context, check.node)]
    unwanted = [
        candidate for candidate in bound if any(fits(socket, candidate, context, check.node) for socket in check.lacks)
    ]
    spoken_of = {socket for sockets in wanted.values() for socket in sockets}
    more = [candidate for candidate in bound if check.exactly and candidate not in spoken_of]
    told_wrong = [f"nothing is bound to {socket_text(socket)}" + _near(socket, bound) for socket in missing]
    told_wrong += [f"{socket} is there" for socket in dict.fromkeys([*unwanted, *more])]
    if told_wrong:
        return Judgement("fail", expected, "; ".join(told_wrong), evidence or (f"{check.node} has no bound socket",))
    actual = ", ".join(map(str, spoken_of and sorted(spoken_of, key=str))) or "none of them is bound"
    return Judgement("pass", expected, actual, evidence or (f"{check.node} has no bound socket",))


def _taken(wanted: Socket, sockets: list[BoundSocket], context: CheckContext, node: str) -> bool:
    """Whether these sockets are what is meant. All addresses are those of each version of IP that the node has: of a
    socket on `::` that takes IPv6 alone, nobody gets in over IPv4 (ipv6(7), IPV6_V6ONLY)."""
    if wanted.address != "all":
        return bool(sockets)
    own = context.topology.addresses_of(node)
    return all(any(socket.takes(str(address)) for socket in sockets) for address in own)


def _known(wanted: Socket, bound: Iterable[BoundSocket], context: CheckContext, node: str) -> None:
    """Raise ResultUnavailable if the check names a program and the table does not: it shows one's own programs only."""
    anyone = wanted.model_copy(update={"process": None})
    place = [candidate for candidate in bound if fits(anyone, candidate, context, node)]
    if wanted.process and not any(candidate.process == wanted.process for candidate in place):
        for candidate in place:
            if not candidate.process:
                raise ResultUnavailable(f"the socket table of {node} does not say which program holds {candidate}")


def fits(wanted: Socket, candidate: BoundSocket, context: CheckContext, node: str) -> bool:
    """Whether a socket of the table is one of those that are meant."""
    if (wanted.protocol, wanted.port) != (candidate.protocol, candidate.port):
        return False
    if wanted.process not in (None, candidate.process):
        return False
    match wanted.address:
        case None:
            return True
        case "all":
            return candidate.everywhere
        case "loopback":
            return candidate.loopback
        case place:
            ends = [end for end in context.topology.attachments_of(node) if end.network == place]
            own = [str(address) for end in ends for address in (*end.addresses(4), *end.addresses(6))]
            return candidate.address in (own or [place])


def _near(wanted: Socket, bound: Iterable[BoundSocket]) -> str:
    """What has the same port, otherwise than meant."""
    others = ", ".join(str(candidate) for candidate in bound if candidate.port == wanted.port)
    return f" (there is {others})" if others else ""


def socket_text(socket: Socket) -> str:
    """`tcp port 80 on all addresses, by nginx`"""
    place = {None: "", "all": " on all addresses", "loopback": " on loopback"}
    where = place.get(socket.address, f" on {socket.address}")
    return f"{socket.protocol} port {socket.port}{where}" + (f", by {socket.process}" if socket.process else "")


def _expected(check: Listens) -> str:
    there = ", ".join(map(socket_text, check.listens))
    parts = [f"{check.node} listens on {there}"] if there else []
    if check.exactly:
        parts.append("on nothing else" if there else f"{check.node} listens on nothing")
    if check.lacks:
        parts.append(
            ("not" if parts else f"{check.node} does not listen") + f" on {', '.join(map(socket_text, check.lacks))}"
        )
    return ", ".join(parts)
