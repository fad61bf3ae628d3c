"""TCP: accepted, refused, or met with silence (RFC 9293)."""

from __future__ import annotations

from orchestrator.checks.kinds.connections import Attempt, attempt, read_attempt
from orchestrator.checks.probes import Probe, ProgramResult
from orchestrator.checks.sockets import BoundSocket, sockets, table_of
from orchestrator.diagnosis.stage import Answers, Leg, Readings, Seen, Stage, ran_or_reason, state_of


def _asks(leg: Leg) -> tuple[Probe, ...]:
    return (attempt(leg.asker, leg.address, leg.port.number),) if leg.address and leg.port else ()


def tried(leg: Leg, results: Answers) -> Attempt | str:
    """How the connection attempt ended, or why there was none."""
    asked = _asks(leg)
    if not asked:
        return "no address is known to connect to"
    found = ran_or_reason(results.get(asked[0]))
    return found if isinstance(found, str) else read_attempt(found)


def connected(leg: Leg, results: Answers) -> bool:
    """Whether the connection was accepted; true, too, where none is asked for."""
    if not any(probe in results for probe in _asks(leg)):
        return True
    found = tried(leg, results)
    return not isinstance(found, str) and found.outcome == "accepted"


def _reads(leg: Leg, results: Answers) -> Seen:
    found, readings = tried(leg, results), Readings()
    if isinstance(found, str):
        readings.unasked.append(f"not asked: {found}")
        return readings.seen()
    assert leg.port is not None
    where = f"{leg.address}:{leg.port.number}"
    if found.outcome == "accepted":
        state = state_of(leg.target, results) if leg.target else None
        kernel = f", by the kernel: {leg.target} is paused" if state and state.state == "paused" else ""
        readings.held.append(f"{where} accepted{kernel}")
        readings.evidence.append(found.said)
        return readings.seen()
    words = {"refused": "refused with an RST", "silent": "no answer"}.get(found.outcome, found.outcome)
    said = [f"connect to {where}: {found.said}"]
    crowded = _crowded(leg, results) if found.outcome == "silent" else None
    if crowded:
        sentence = (
            f"The program on port {leg.port.number} of {leg.to} accepts no connections: {crowded.crowd} "
            f"{'waits' if crowded.crowd == 1 else 'wait'} in its queue already, and there is no room for another."
        )
        said.append(f"socket table of {leg.to}: {crowded.line}")
        readings.broken(f"{where}: its queue is full", sentence, _table(leg), "tls", "answer", evidence=said)
        return readings.seen()
    readings.broken(f"{where}: {words}", _sentence(leg, found), by_hand(leg), "tls", "answer", evidence=said)
    return readings.seen()


def _crowded(leg: Leg, results: Answers) -> BoundSocket | None:
    """The socket of the target that would take the connection, if its queue is full: then the kernel is silent."""
    found = results.get(table_of(leg.target)) if leg.target else None
    there = sockets(found) if isinstance(found, ProgramResult) else ()
    own = [one for one in there if leg.port and one.port == leg.port.number and one.takes(leg.address or "")]
    return next((one for one in own if one.crowd), None)


def _table(leg: Leg) -> str:
    return leg.commands.run(leg.to, "ss", "-tlnp")


def _sentence(leg: Leg, found: Attempt) -> str:
    """What is said where nothing before explains it."""
    assert leg.port is not None
    place = f"port {leg.port.number} of {leg.to}"
    match found.outcome:
        case "refused":
            return f"The connection to {place} is refused at once: something there answers with an RST."
        case "silent":
            return f"Nothing comes back from {place}: packets are lost on the way, for example by a firewall rule."
        case "unreachable":
            return f"{leg.asker} cannot reach {place}: {found.said}."
        case _:
            return f"The connection to {place} is not made: {found.said}."


def by_hand(leg: Leg) -> str:
    """The command that tries the same connection."""
    assert leg.port is not None
    return leg.commands.run(leg.asker, "nc", "-vz", "-w", "2", str(leg.address), str(leg.port.number))


TCP = Stage("tcp", _asks, _reads)
