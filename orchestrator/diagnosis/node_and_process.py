"""Node runs, and process listens: what must be there before anything crosses the wire (ss(8))."""

from __future__ import annotations

from orchestrator.checks.probes import GetNodeState, NodeState
from orchestrator.checks.sockets import BoundSocket, read_socket_table, socket_table_probe
from orchestrator.checks.walk import LayerName
from orchestrator.diagnosis.dns_names import dns_works
from orchestrator.diagnosis.interfaces import lacks
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
    state_of,
)
from orchestrator.diagnosis.tcp_connection import connected

# Exit codes after SIGKILL and SIGTERM, and of an orderly end: somebody stopped the node, it did not fail.
STOPPED = (0, 137, 143)
PAST_LISTENING: tuple[LayerName, ...] = ("tcp", "tls", "answer")


def _state(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    readings = LayerReadings()
    for node in attempt.on_the_way():
        state = state_of(node, results)
        if state is None:
            readings.not_probed.append(f"{node} could not be looked at")
        elif state.state == "running":
            readings.held.append(node)
        elif node in (attempt.asker, attempt.target) or not dns_works(attempt, results):
            sentence, command = _not_running(attempt, node, state)
            readings.broken(f"{node} is {state.state}", sentence, command, *_needs(attempt, node))
        else:
            readings.evidence.append(f"{node} is {state.state}; another DNS server answered")
    for node in attempt.routers:
        state = state_of(node, results)
        if state and state.state != "running" and not (dns_works(attempt, results) and connected(attempt, results)):
            sentence = f"The router {node} is {state.state}, so {attempt.asker} reaches nobody on another network."
            readings.broken(
                f"{node} is {state.state}", sentence, attempt.commands.repair(), "route", "dns", *PAST_LISTENING
            )
    if readings.held and not readings.wrong:
        readings.held = [f"{listed(readings.held)} {'runs' if len(readings.held) == 1 else 'run'}"]
    return readings.result()


def _not_running(attempt: ConnectionAttempt, node: str, node_state: NodeState) -> tuple[str, str]:
    """The sentence on a node that does not run, and the command."""
    name = f"The DNS server {node}" if node in attempt.dns_nodes else f"The node {node}"
    if node_state.state == "missing":
        return f"{name} is not there: it has no container.", attempt.commands.up()
    if node_state.state == "stopped" and node_state.exit_code not in STOPPED:
        return f"{name} has ended by itself, with exit code {node_state.exit_code}.", attempt.commands.logs(node)
    return f"{name} is {node_state.state}{_consequence(attempt, node, node_state.state)}.", attempt.commands.repair()


def _consequence(attempt: ConnectionAttempt, node: str, state: str) -> str:
    if node == attempt.asker:
        return ", so no program in it can ask anything"
    if attempt.claim and (node != attempt.target or not attempt.port):
        return f", so {attempt.asker} does not get the answer for {attempt.claim.name}"
    if state == "paused":
        return ": its kernel still accepts connections, but its program does not run, so nobody answers"
    return ", so nobody can reach it"


def _needs(attempt: ConnectionAttempt, node: str) -> tuple[LayerName, ...]:
    """The layers that cannot work without a node."""
    if node == attempt.asker:
        return ("resolver", "dns", *PAST_LISTENING)
    affects: tuple[LayerName, ...] = PAST_LISTENING if node == attempt.target else ()
    return ("dns", *affects) if node in attempt.dns_nodes else affects


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


def _counts(attempt: ConnectionAttempt, node: str, port: Port, results: Answers) -> bool:
    """Whether it matters that a node does not listen: a DNS server only where the name was not resolved."""
    return (node, port) == (attempt.target, attempt.port) or not dns_works(attempt, results)


def _wanted(attempt: ConnectionAttempt, node: str) -> str:
    """The address at which a node is expected to listen."""
    return attempt.address if node == attempt.target and attempt.address else attempt.home(node, attempt.asker)


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
    affects: tuple[LayerName, ...] = PAST_LISTENING if node == attempt.target else ()
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


def _looked_at(attempt: ConnectionAttempt) -> tuple[str, ...]:
    return (*attempt.on_the_way(), *attempt.routers)


NODE = LayerProbe("node", lambda attempt: tuple(GetNodeState(node) for node in _looked_at(attempt)), _state)
LISTEN = LayerProbe(
    "listen", lambda attempt: tuple(socket_table_probe(node) for node, _ in _servers(attempt)), _listening
)
