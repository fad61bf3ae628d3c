"""How a server tells who its peers were: by its access log, its sessions, its query log, or its socket table.

A witness is a question and the reading of its answer into addresses, each with the line that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.checks.probes import Probe, ProbeResult, ReadLog, RunProgram, require_log, require_output
from orchestrator.model.node import Node
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import LogWitness

TIME_WAIT = 60.0  # seconds for which Linux keeps an ended connection in its table (TCP_TIMEWAIT_LEN, tcp.h)
SESSIONS = (
    "select client_addr, client_port from pg_stat_activity where client_addr is not null order by backend_start desc"
)


@dataclass(frozen=True)
class Sighting:
    """A peer's address, and the line in which it stands."""

    address: str
    line: str


@dataclass(frozen=True)
class Witness:
    """`asks(node, since)` gives the questions; `reads(results, since)` the sightings; the server writes in `says`."""

    says: str
    asks: Callable[[str, float], tuple[Probe, ...]]
    reads: Callable[[tuple[ProbeResult, ...], float], Iterator[Sighting]]


def _log(node: str, since: float) -> tuple[Probe, ...]:
    return (ReadLog(node, since),)


def _by_log(witness: LogWitness) -> Witness:
    def reads(results: tuple[ProbeResult, ...], _since: float) -> Iterator[Sighting]:
        for line in require_log(results[0]).splitlines():
            if witness.without and witness.without in line:
                continue
            if found := re.search(witness.pattern, line):
                yield Sighting(found[1].removeprefix("::ffff:"), line)

    return Witness(witness.says, _log, reads)


def _sessions_asked(node: str, since: float) -> tuple[Probe, ...]:
    psql = ("psql", "-X", "-U", "app", "-d", "app", "--csv", "-t", "-c", SESSIONS)
    return (RunProgram(node, psql, frozenset({"psql"})), ReadLog(node, since))


def _sessions(results: tuple[ProbeResult, ...], _since: float) -> Iterator[Sighting]:
    """Sessions that are open now, and connections that the log says were received."""
    for row in require_output(results[0]).out.splitlines():
        address, _, port = row.partition(",")
        yield Sighting(address, f"pg_stat_activity: client_addr {address}, client_port {port}")
    for line in require_log(results[1]).splitlines():
        if found := re.search(r"connection received: host=([0-9a-f.:]+) port=\d+", line):
            yield Sighting(found[1], line)


def _sockets_asked(node: str, _since: float) -> tuple[Probe, ...]:
    return (RunProgram(node, ("ss", "-Htano"), frozenset({"ss"})),)


def _by_sockets(node: Node) -> Witness:
    """Connections to the ports on which the node listens, by its own table or its own word (one may have closed its
    listener meanwhile). At another port it is itself the client; half open, nobody was served yet."""
    declared = {listener.port for listener in ROLES[node.role].listeners_of(node)}  # type: ignore[attr-defined]

    def reads(results: tuple[ProbeResult, ...], since: float) -> Iterator[Sighting]:
        found = require_output(results[0])
        rows = [columns for row in found.out.splitlines() if len(columns := row.split()) >= 5]
        ports = declared | {_port(local) for state, _, _, local, *_ in rows if state == "LISTEN"}
        for columns in rows:
            state, _, _, local, peer, *timer = columns
            if state in ("LISTEN", "SYN-SENT", "SYN-RECV") or _port(local) not in ports:
                continue
            if state != "TIME-WAIT" or found.started - TIME_WAIT + _left(timer) >= since:
                yield Sighting(peer.rpartition(":")[0].strip("[]").removeprefix("::ffff:"), " ".join(columns))

    return Witness("its socket table", _sockets_asked, reads)


def _port(place: str) -> int:
    return int(port) if (port := place.rpartition(":")[2]).isdigit() else 0


def _left(timer: list[str]) -> float:
    """The seconds for which an ended connection stays in the table yet: `timer:(timewait,59sec,0)`; 0 if not said."""
    found = re.search(r"timewait,(?:(\d+)min)?(?:(\d+)(?:sec|\.))?", " ".join(timer))
    return 60 * int(found[1] or 0) + int(found[2] or 0) if found else 0


BY_SESSIONS = Witness("its sessions", _sessions_asked, _sessions)


def witness_of(node: Node) -> Witness:
    """How this server tells who its peers were; of an image of the author's own only the socket table is known."""
    witness = "sockets" if node.image else ROLES[node.role].witness  # type: ignore[attr-defined]
    if isinstance(witness, LogWitness):
        return _by_log(witness)
    return _by_sockets(node) if witness == "sockets" else BY_SESSIONS
