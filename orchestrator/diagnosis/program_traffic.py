"""What a program of a `runs` check asked for and connected to, where its words do not say it: by what others saw of it.

Its names stand in the query log of the DNS servers, its connections in the connection table of its node's kernel, and
some programs print them. Other checks may ask from the same node at the same time; what they name is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from orchestrator.checks.asker import asker_of
from orchestrator.checks.kinds.resolves import QUERY
from orchestrator.checks.probes import (
    PROBE_PORTS,
    CheckContext,
    LogText,
    LookAtNetwork,
    ProbeResult,
    ProgramResult,
    ReadLog,
    RunProgram,
)
from orchestrator.checks.steps import ProbeSteps
from orchestrator.diagnosis.layer_probe import DNS_PORT, Answers
from orchestrator.diagnosis.layers.dns import servers_of
from orchestrator.model.checks import Runs
from orchestrator.model.topology import Topology
from orchestrator.planning.seen_network import SeenConnection, read_network
from orchestrator.quick_dataclass import dataclass

# The clock of a DNS server's log is the engine's; a line may be a moment older than the start that the engine noted.
SLACK_SECONDS = 0.5
# What programs say where a name leads nowhere: the words of gai_strerror(3), curl, psql, ssh, Python and others.
LOOKUP_FAILED = re.compile(
    r"name or service not known|temporary failure in name resolution|no address associated|could not resolve"
    r"|could not translate host name|gaierror|getaddrinfo|nxdomain|unknown host|bad address",
    re.IGNORECASE,
)
# `app.shop.lab port 81`, `"db.shop.lab" (192.168.7.11), port 5432`, `192.168.7.12:81`, `("app.shop.lab", 81)`: so it is
# said by curl, psql, nc and Python.
PRINTED = re.compile(
    r"([a-z0-9][a-z0-9.-]*\.[a-z0-9-]+)(?:\"?(?: \([^)]*\))?(?:,? port |:)|['\"],\s*)([0-9]{1,5})\b", re.IGNORECASE
)


@dataclass(frozen=True)
class ProgramTraffic:
    """`names` that the program asked for, and `places`: a name or an address with a port, to which it connected."""

    names: tuple[str, ...] = ()
    places: tuple[tuple[str, int], ...] = ()


def program_traffic(check: Runs, context: CheckContext, seen: Answers, *, named: bool) -> ProbeSteps[ProgramTraffic]:
    """What the last run of the program, which is among the probes of the check, did as far as others saw it.

    Where its words have `named` nodes already, names of nodes are not looked for.
    """
    argv = tuple(context.fill(word, check.asker) for word in check.runs)
    ran = _last_run(check.asker, argv, seen)
    if ran is None:
        return ProgramTraffic()
    servers = dict.fromkeys(servers_of(context.topology, check.asker).values())
    reads = tuple(ReadLog(server, ran.started - SLACK_SECONDS) for server in servers)
    network, *logs = yield (LookAtNetwork(check.asker), *reads)
    others = _texts_of_others(check, context)
    names = [name for log in logs for name in _names(log, check.asker, ran, context.topology)]
    connections = read_network(network.text).connections if isinstance(network, LogText) else ()
    places = [*_printed(ran), *_connected(connections, check.asker, context.topology, others)]
    lookup_failed = LOOKUP_FAILED.search(f"{ran.out}\n{ran.err}") is not None
    given = [name for name in _as_given(names, check.asker, context.topology) if name not in others]
    sure = [name for name in given if lookup_failed or (not named and _is_node(name, context.topology))]
    return ProgramTraffic(tuple(sure), tuple(dict.fromkeys(places)))


def _last_run(asker: str, argv: Sequence[str], seen: Answers) -> ProgramResult | None:
    for probe, result in reversed(tuple(seen.items())):
        same = isinstance(probe, RunProgram) and probe.inside and (probe.node, probe.argv) == (asker, argv)
        if same and isinstance(result, ProgramResult) and result.started:
            return result
    return None


def _texts_of_others(check: Runs, context: CheckContext) -> str:
    """All that other checks of the same asker say."""
    others = [other for other in context.topology.scenario.checks if other != check and asker_of(other) == check.asker]
    return "\n".join(str(other.as_written()) for other in others)


def _names(log: ProbeResult, asker: str, ran: ProgramResult, topology: Topology) -> list[str]:
    """The names for which the asker's own programs asked while this one ran."""
    names = []
    for line in log.text.splitlines() if isinstance(log, LogText) else ():
        match = QUERY.search(line)
        own = match and topology.owner(match[1]) == asker and not PROBE_PORTS[0] <= int(match[2]) < PROBE_PORTS[1]
        if match and own and match[4] in ("A", "AAAA") and _within(line, ran):
            names.append(match[3].lower())
    return names


def _within(line: str, ran: ProgramResult) -> bool:
    """Whether a line of BIND's log was written while the program ran; true where its time cannot be read."""
    try:
        at = datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return True
    return ran.started - SLACK_SECONDS <= at <= ran.started + ran.seconds + SLACK_SECONDS


def _as_given(names: Sequence[str], asker: str, topology: Topology) -> list[str]:
    """The names, without what the C library makes of one of them by the search list (resolv.conf(5))."""
    made = {f"{name}.{suffix}" for name in names for suffix in topology.search_list(asker)}
    return [name for name in dict.fromkeys(names) if name not in made]


def _is_node(name: str, topology: Topology) -> bool:
    """A node's name must lead to it, whoever asks. Any other name may be meant to lead nowhere, by another program."""
    return name in map(topology.name_of, topology.names)


def _printed(ran: ProgramResult) -> list[tuple[str, int]]:
    printed = PRINTED.findall(f"{ran.out[:4000]}\n{ran.err[:4000]}")
    return [(host, int(port)) for host, port in printed if 0 < int(port) < 1 << 16]


def _connected(
    connections: Sequence[SeenConnection], asker: str, topology: Topology, others: str
) -> list[tuple[str, int]]:
    """Where the asker's programs connected to a node of the lab, over TCP, and no other check does."""
    places = []
    for connection in connections:
        owner = topology.owner(connection.to)
        own = topology.owner(connection.source) == asker and not (
            PROBE_PORTS[0] <= connection.source_port < PROBE_PORTS[1]
        )
        if own and owner and owner != asker and connection.port != DNS_PORT and str(connection.port) not in others:
            places.append((connection.to, connection.port))
    return places
