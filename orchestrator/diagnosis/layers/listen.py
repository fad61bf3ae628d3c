"""Process listens: a socket waits at the address and port that are meant (ss(8))."""

from __future__ import annotations

from orchestrator.checks.interfaces import lacks
from orchestrator.checks.sockets import BoundSocket, read_socket_table, socket_table_probe
from orchestrator.diagnosis.layer_probe import (
    DNS_PORT,
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    Port,
    listed,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.dns import dns_works


def _servers(attempt: ConnectionAttempt) -> tuple[tuple[str, Port], ...]:
    """The nodes that have to listen, with their ports."""
    own = ((attempt.target, attempt.port),) if attempt.target and attempt.port else ()
    dns = tuple((node, Port(DNS_PORT, "udp")) for node in attempt.dns_nodes)
    return tuple(dict.fromkeys((*own, *dns)))


def _listening(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    readings = LayerReadings()
    for node, port in _servers(attempt):
        result = ran_or_reason(results.get(socket_table_probe(node)))
        if isinstance(result, str):
            readings.not_probed.append(f"not asked: {result}")
            continue
        # A program loses its socket with its address: then the network is to blame, not the program.
        cut = lacks(node, _wanted(attempt, node), results)
        counts = _counts(attempt, node, port, results)
        _read_sockets(attempt, node, port, read_socket_table(result), readings, counts=counts, cut=cut)
    return readings.result()


def listens(attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether a socket of the target waits where the attempt leads to; true where nobody could look."""
    result = ran_or_reason(results.get(socket_table_probe(attempt.target))) if attempt.target else ""
    if isinstance(result, str) or attempt.target is None or attempt.port is None:
        return True
    return any(
        (socket.protocol, socket.port) == (attempt.port.protocol, attempt.port.number)
        and socket.takes(_wanted(attempt, attempt.target))
        for socket in read_socket_table(result)
    )


def _counts(attempt: ConnectionAttempt, node: str, port: Port, results: Answers) -> bool:
    """Whether it matters that a node does not listen: a DNS server only where the name was not resolved."""
    return (node, port) == (attempt.target, attempt.port) or not dns_works(attempt, results)


def _wanted(attempt: ConnectionAttempt, node: str) -> str:
    """The address at which a node is expected to listen."""
    return attempt.address if node == attempt.target and attempt.address else attempt.address_of(node, attempt.asker)


def _read_sockets(
    attempt: ConnectionAttempt,
    node: str,
    port: Port,
    there: tuple[BoundSocket, ...],
    readings: LayerReadings,
    *,
    counts: bool,
    cut: bool,
) -> None:
    wanted = _wanted(attempt, node)
    on_port = [socket for socket in there if (socket.protocol, socket.port) == (port.protocol, port.number)]
    if any(socket.takes(wanted) for socket in on_port):
        readings.held.append(f"{node} on port {port.number}, {_where(on_port)}{_program(on_port)}")
        readings.evidence += [_line(node, socket) for socket in on_port]
        return
    if not counts:
        return
    summary, sentence = _not_reached(node, port, wanted, on_port, there)
    evidence = [_line(node, socket) for socket in on_port or there]
    if cut:
        readings.fails_because_of_another(f"{node} has no address {wanted} to listen on", evidence)
        return
    affects: tuple[str, ...] = ("tcp",) if node == attempt.target else ()
    affects = (*affects, "dns") if node in attempt.dns_nodes else affects
    command = attempt.commands.run(node, "ss", "-tlnp" if port.protocol == "tcp" else "-ulnp")
    readings.broken(summary, sentence, command, *affects, evidence=evidence or [f"ss -tulnp in {node}: no socket"])


def _line(node: str, socket: BoundSocket) -> str:
    return f"socket table of {node}: {socket}"


def _where(sockets: list[BoundSocket]) -> str:
    if any(socket.everywhere for socket in sockets):
        return "on all addresses"
    if all(socket.loopback for socket in sockets):
        return "on loopback only"
    return "on " + listed(sorted({socket.address for socket in sockets if not socket.loopback}))


def _program(sockets: list[BoundSocket]) -> str:
    names = sorted({socket.process for socket in sockets if socket.process})
    return f" ({', '.join(names)})" if names else ""


def _not_reached(
    node: str, port: Port, wanted: str, on_port: list[BoundSocket], there: tuple[BoundSocket, ...]
) -> tuple[str, str]:
    """What is seen and what is said where no socket waits at the address and port that are meant."""
    number = port.number
    if on_port and all(socket.loopback for socket in on_port):
        own = f"only {node} itself can connect to it"
        return _where(on_port), f"On {node} port {number} is open on {on_port[0].address} (loopback) alone: {own}."
    if on_port and all(socket.everywhere for socket in on_port):
        version = "IPv6" if ":" in on_port[0].address else "IPv4"
        sentence = f"{node} waits on port {number} over {version} alone, and {wanted} is no {version} address."
        return f"on all addresses of {version} alone", sentence
    if on_port:
        hosts = listed(sorted({socket.address for socket in on_port}))
        return _where(on_port), f"{node} waits on port {number} at {hosts} alone, and not at {wanted}."
    others = sorted({socket.port for socket in there if socket.protocol == port.protocol})
    if others:
        ports = f"port{'s' if len(others) > 1 else ''} {listed([str(other) for other in others])}"
        return f"{node} listens on {ports}", f"Nobody listens on port {number} of {node}; {node} listens on {ports}."
    sentence = f"Nobody listens on port {number} of {node}: the node runs, but no program in it waits there."
    return f"nobody listens in {node}", sentence


LISTEN = LayerProbe(
    "listen",
    "process listens",
    lambda attempt: tuple(socket_table_probe(node) for node, _ in _servers(attempt)),
    _listening,
    needed=lambda attempt: bool(_servers(attempt)),
)
