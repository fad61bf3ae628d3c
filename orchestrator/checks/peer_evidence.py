"""How a server tells who its peers were: by its access log, its sessions, its query log, or its socket table.

A source is a set of probes, and a function that reads addresses from their results, each with the line that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from orchestrator.checks.probes import Probe, ProbeResult, ReadLog, RunProgram, require_log, require_output
from orchestrator.model.node import Node
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import PeerLog
from orchestrator.quick_dataclass import dataclass

TIME_WAIT = 60.0  # seconds for which Linux keeps an ended connection in its table (TCP_TIMEWAIT_LEN, tcp.h)
# Of sessions that were there before, only those count that have done something since; a cut leaves others behind. A
# replica that follows is one long statement, and replies every second (postgresql.conf).
SESSIONS = (
    "select client_addr, client_port from pg_stat_activity where client_addr is not null"
    " and greatest(backend_start, query_start, state_change) >= to_timestamp({since:.3f})"
    " union select client_addr, client_port from pg_stat_replication where reply_time >= to_timestamp({since:.3f})"
)


@dataclass(frozen=True)
class SeenPeer:
    """A peer's address, and the line in which it stands."""

    address: str
    line: str


@dataclass(frozen=True)
class PeerSource:
    """Where a server records its peers: the probes that read it, and how their results become peers.

    `name` is what a person calls it, as "its access log".
    """

    name: str
    probes: Callable[[str, float], tuple[Probe, ...]]
    read_peers: Callable[[tuple[ProbeResult, ...], float], Iterator[SeenPeer]]


def _log(node: str, since: float) -> tuple[Probe, ...]:
    return (ReadLog(node, since),)


def _by_log(source: PeerLog) -> PeerSource:
    def read_peers(results: tuple[ProbeResult, ...], _since: float) -> Iterator[SeenPeer]:
        for line in require_log(results[0]).splitlines():
            if source.without and source.without in line:
                continue
            # Port 0 is no peer's: a server that believes a header (X-Forwarded-For) writes it so.
            if (match := re.search(source.pattern, line)) and f"{match[1]}:0 " not in line:
                yield SeenPeer(match[1].removeprefix("::ffff:"), line)

    return PeerSource(source.says, _log, read_peers)


def _sessions_asked(node: str, since: float) -> tuple[Probe, ...]:
    psql = ("psql", "-X", "-U", "app", "-d", "app", "--csv", "-t", "-c", SESSIONS.format(since=since))
    return (RunProgram(node, psql, frozenset({"psql"})), ReadLog(node, since))


def _sessions(results: tuple[ProbeResult, ...], _since: float) -> Iterator[SeenPeer]:
    """Sessions that are open now, and connections that the log says were received."""
    for row in require_output(results[0]).out.splitlines():
        address, _, port = row.partition(",")
        yield SeenPeer(address, f"pg_stat_activity: client_addr {address}, client_port {port}")
    for line in require_log(results[1]).splitlines():
        if match := re.search(r"connection received: host=([0-9a-f.:]+) port=\d+", line):
            yield SeenPeer(match[1], line)


def _sockets_asked(node: str, _since: float) -> tuple[Probe, ...]:
    return (RunProgram(node, ("ss", "-HtanoiO"), frozenset({"ss"})),)


def _by_sockets(node: Node) -> PeerSource:
    """Connections to the ports on which the node listens, by its own table or its own word (one may have closed its
    listener meanwhile). At another port it is itself the client; half open, nobody was served yet. Of a connection that
    was there before, the last byte counts: a server may never close what its client has left."""
    declared = {listener.port for listener in ROLES[node.role].listeners_of(node)}

    def read_peers(results: tuple[ProbeResult, ...], since: float) -> Iterator[SeenPeer]:
        result = require_output(results[0])
        rows = [columns for row in result.out.splitlines() if len(columns := row.split()) >= 5]
        ports = declared | {_port(local) for state, _, _, local, *_ in rows if state == "LISTEN"}
        for columns in rows:
            state, _, _, local, peer, *more = columns
            if state in ("LISTEN", "SYN-SENT", "SYN-RECV") or _port(local) not in ports:
                continue
            ended = result.started - TIME_WAIT + _seconds_left(more)
            used = result.started + result.seconds - _seconds_idle(more)
            if (ended if state == "TIME-WAIT" else used) >= since:
                timers = [word for word in more if word.startswith("timer:")]
                line = " ".join((*columns[:5], *timers))
                yield SeenPeer(peer.rpartition(":")[0].strip("[]").removeprefix("::ffff:"), line)

    return PeerSource("its socket table", _sockets_asked, read_peers)


def _port(place: str) -> int:
    return int(port) if (port := place.rpartition(":")[2]).isdigit() else 0


def _seconds_left(timer: list[str]) -> float:
    """The seconds for which an ended connection stays in the table yet: `timer:(timewait,59sec,0)`; 0 if not said."""
    match = re.search(r"timewait,(?:(\d+)min)?(?:(\d+)(?:sec|\.))?", " ".join(timer))
    return 60 * int(match[1] or 0) + int(match[2] or 0) if match else 0


def _seconds_idle(more: list[str]) -> float:
    """For how long no byte came or went: `lastsnd:40 lastrcv:52`, in milliseconds; what is not said is just now."""
    said = dict(word.split(":", 1) for word in more if word.startswith(("lastsnd:", "lastrcv:")))
    return min(float(said.get(key, 0)) for key in ("lastsnd", "lastrcv")) / 1000


BY_SESSIONS = PeerSource("its sessions", _sessions_asked, _sessions)


def peer_source_of(node: Node) -> PeerSource:
    """How this server tells who its peers were; of an image of the author's own or with a command of the author's, only
    the socket table is known."""
    source = "sockets" if node.is_customized else ROLES[node.role].peer_source
    if isinstance(source, PeerLog):
        return _by_log(source)
    return _by_sockets(node) if source == "sockets" else BY_SESSIONS
