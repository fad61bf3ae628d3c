"""TCP: accepted, refused, or met with silence (RFC 9293)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from orchestrator.checks.kinds.connections import (
    NO_SUCH_ADDRESS,
    ConnectResult,
    connect_probe,
    read_connect_result,
)
from orchestrator.checks.probes import Probe, ProgramResult
from orchestrator.checks.sockets import BoundSocket, read_socket_table, socket_table_probe
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    ran_or_reason,
    state_of,
)
from orchestrator.diagnosis.layers.filter_rules import (
    ends_of,
    found_discovery_rules,
    rule_probes,
    rules_between,
)
from orchestrator.diagnosis.layers.neighbours import asked_in_vain, neighbour_probes


def _connections(attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    return (
        (connect_probe(attempt.asker, attempt.address, attempt.port.number, source=attempt.source),)
        if attempt.address and attempt.port
        else ()
    )


def _probes(attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    connections = _connections(attempt)
    return (*connections, *neighbour_probes(attempt)) if connections else ()


def _needed(attempt: ConnectionAttempt) -> bool:
    return attempt.port is not None and (attempt.address is not None or attempt.claim is not None)


def connect_result(attempt: ConnectionAttempt, results: Answers) -> ConnectResult | str:
    """How the connection attempt ended, or why there was none."""
    probes = _connections(attempt)
    if not probes:
        return "no address is known to connect to"
    result = ran_or_reason(results.get(probes[0]))
    return result if isinstance(result, str) else read_connect_result(result)


def connected(attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether the connection was accepted; true, too, where none is asked for. To no known address none can be."""
    if not any(probe in results for probe in _connections(attempt)):
        return attempt.address is not None or not _needed(attempt)
    result = connect_result(attempt, results)
    return not isinstance(result, str) and result.outcome == "accepted"


def got_through(attempt: ConnectionAttempt, results: Answers) -> bool:
    """The same, where of a datagram nobody knows that it arrived: whatever may keep it from its way counts."""
    return connected(attempt, results) and not (attempt.port and attempt.port.protocol == "udp")


def _read(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    result, readings = connect_result(attempt, results), LayerReadings()
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return readings.result()
    assert attempt.port is not None
    where = f"{attempt.address}:{attempt.port.number}"
    if result.outcome == "accepted":
        state = state_of(attempt.target, results) if attempt.target else None
        kernel = f", by the kernel: {attempt.target} is paused" if state and state.state == "paused" else ""
        readings.held.append(f"{where} accepted{kernel}")
        readings.evidence.append(result.message)
        return readings.result()
    if result.outcome in ("not measured", "broken"):
        readings.not_probed.append(f"not asked: {result.message}")
        return readings.result()
    _read_failure(attempt, result, results, readings)
    return readings.result()


def _read_failure(attempt: ConnectionAttempt, result: ConnectResult, results: Answers, readings: LayerReadings) -> None:
    """Why no connection was made: a full queue, nobody who has the address, a rule on the way, or what is left."""
    assert attempt.port is not None
    where = f"{attempt.address}:{attempt.port.number}"
    words = {"refused": "refused with an RST", "silent": "no answer"}.get(result.outcome, result.outcome)
    evidence = [f"connect to {where}: {result.message}"]
    full_backlog = _full_backlog(attempt, results) if result.outcome == "silent" else None
    in_vain = asked_in_vain(attempt, results) if result.outcome in ("silent", "unreachable") else None
    if full_backlog:
        evidence.append(f"socket table of {attempt.target_name}: {full_backlog.line}")
        sentence = _full_text(attempt, full_backlog)
        readings.broken(f"{where}: its queue is full", sentence, _table(attempt), evidence=evidence)
    elif in_vain:
        node, line = in_vain
        command = attempt.commands.run(node, "ip", "neigh")
        sentence, evidence = _nobody_has(attempt, node), [*evidence, line]
        if rules := found_discovery_rules(attempt, results):
            sentence, command = f"{sentence.rstrip('.')}: {rules.clause}", attempt.commands.start_anew(rules.nodes[0])
            evidence += rules.evidence
        readings.broken(f"{where}: nobody answers {node} for the address", sentence, command, evidence=evidence)
    elif rules := rules_between(attempt, results, lost=result.outcome != "refused"):
        sentence = f"{_outcome(attempt, result)}: {rules.clause}"
        command = attempt.commands.start_anew(rules.nodes[0])
        readings.broken(f"{where}: {words}", sentence, command, evidence=[*evidence, *rules.evidence])
    else:
        readings.broken(f"{where}: {words}", _sentence(attempt, result), by_hand(attempt), evidence=evidence)


def _asks_further(attempt: ConnectionAttempt, results: Answers) -> tuple[Probe, ...]:
    """Rules in the nodes may explain a connection that was not made although somebody listens."""
    result = connect_result(attempt, results)
    explained = isinstance(result, str) or result.outcome not in ("refused", "silent", "unreachable")
    return () if explained or attempt.address is None else rule_probes(attempt, ends_of(attempt))


def _outcome(attempt: ConnectionAttempt, result: ConnectResult) -> str:
    """What became of the attempt, where a rule explains it."""
    assert attempt.port is not None
    place = f"port {attempt.port.number} of {attempt.target_name}"
    match result.outcome:
        case "refused":
            return f"The connection to {place} is refused at once"
        case "silent":
            return f"Nothing comes back from {place}"
        case _:
            return f"{attempt.asker} cannot reach {place} ({result.message})"


def _full_backlog(attempt: ConnectionAttempt, results: Answers) -> BoundSocket | None:
    """The socket of the target that would take the connection, if its queue is full: then the kernel is silent."""
    result = results.get(socket_table_probe(attempt.target)) if attempt.target else None
    there = read_socket_table(result) if isinstance(result, ProgramResult) else ()
    own = [
        socket
        for socket in there
        if attempt.port and socket.port == attempt.port.number and socket.takes(attempt.address or "")
    ]
    return next((socket for socket in own if socket.pending_connections), None)


def _full_text(attempt: ConnectionAttempt, backlog: BoundSocket) -> str:
    assert attempt.port is not None
    pending = backlog.pending_connections
    return (
        f"The program on port {attempt.port.number} of {attempt.target_name} accepts no connections: {pending} "
        f"{'waits' if pending == 1 else 'wait'} in its queue already, and there is no room for another."
    )


def _nobody_has(attempt: ConnectionAttempt, node: str) -> str:
    """Of an address of the lab, its node is there, and has the address, where no layer before says otherwise."""
    asks = f"{node} asks its network who has it ({'neighbour discovery' if ':' in str(attempt.address) else 'ARP'})"
    if attempt.context.topology.owner(str(attempt.address)):
        return f"{attempt.target_name} does not answer for its address {attempt.address}: {asks} in vain."
    return f"No machine has the address {attempt.address}: {asks}, and nobody answers."


def _table(attempt: ConnectionAttempt) -> str:
    return attempt.commands.run(attempt.target_name, "ss", "-tlnp")


def _sentence(attempt: ConnectionAttempt, result: ConnectResult) -> str:
    """What is said where nothing before explains it."""
    assert attempt.port is not None
    place = f"port {attempt.port.number} of {attempt.target_name}"
    if attempt.source and result.message == NO_SUCH_ADDRESS:
        return f"{attempt.asker} does not have the address {attempt.source} now, so no connection leaves from it."
    place += f" for a connection from {attempt.source}" if attempt.source else ""
    if attempt.claim and not attempt.target and not attempt.context.topology.owner(str(attempt.address)):
        leads = f"The name {attempt.claim.name} leads to {attempt.address}, which no machine of this lab has"
        return f"{leads}; {attempt.asker} gets no connection there: {result.message}."
    if result.outcome in ("silent", "unreachable") and not _is_in_lab(attempt):
        return f"The address {attempt.address} is in no network of this lab; {attempt.asker} gets no connection there."
    match result.outcome:
        case "refused":
            return f"The connection to {place} is refused at once, with an RST from there or from a rule on the way."
        case "silent":
            return f"Nothing comes back from {place}: packets are lost on the way, for example by a firewall rule."
        case "unreachable":
            return f"{attempt.asker} cannot reach {place}: {result.message}."
        case _:
            return f"The connection to {place} is not made: {result.message}."


def _is_in_lab(attempt: ConnectionAttempt) -> bool:
    topology, address = attempt.context.topology, str(attempt.address)
    if ":" in address:
        return any(IPv6Address(address) in subnet for subnet in topology.subnets6.values())
    return any(IPv4Address(address) in subnet for subnet in topology.subnets.values())


def by_hand(attempt: ConnectionAttempt) -> str:
    """The command that tries the same connection."""
    assert attempt.port is not None
    source = ("-s", attempt.source) if attempt.source else ()
    place = (str(attempt.address), str(attempt.port.number))
    return attempt.commands.run(attempt.asker, "nc", "-vz", "-w", "2", *source, *place)


TCP = LayerProbe("tcp", "TCP connection", _probes, _read, _needed, asks_further=_asks_further)
