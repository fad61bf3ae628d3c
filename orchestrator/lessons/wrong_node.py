"""An attempt at what a task wants that another node makes, and that fails there as well."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from urllib.parse import urlsplit

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import (
    MOST_CHARACTERS,
    AddressesOf,
    Different,
    failed_connection,
    failed_lookup,
    is_loopback,
    leads_to,
)
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.observations import (
    ConnectsObservation,
    ListensObservation,
    ResolvesObservation,
    SqlObservation,
    TlsObservation,
)
from orchestrator.lessons.open_exchanges import silence
from orchestrator.lessons.repairs import ProgramRun
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.traffic.exchanges.events import CompletedEvent, DnsExchange, ExchangeStart, TcpHandshake, client_node

# Programs that ask others, or that wait to be asked.
PROGRAMS = frozenset(
    {"curl", "delv", "dig", "getent", "host", "nc", "ncat", "netcat", "nslookup", "openssl", "perl", "ping", "psql"}
    | {"python", "python3", "scp", "sftp", "socat", "ssh", "tcp", "telnet", "tracepath", "traceroute", "udp", "wget"}
)
# Those that may only wait to be asked: a learner may need them in another node.
MAY_WAIT = frozenset({"nc", "ncat", "netcat", "perl", "python", "python3", "socat"})
NO_PROGRAM = 127  # what a shell gives where there is no program of that name (bash(1), EXIT STATUS)
# How they are told to wait: `python3 -m http.server`, `nc -l`, `nc -lk`.
WAITS = re.compile(r"http\.server|(?<!\S)-[a-z]*l|listen", re.IGNORECASE)
# Options by which a program speaks of itself alone.
OF_ITSELF = re.compile(r"(?<!\S)(--help|--version|-V)(?!\S)")
KINDS = ("dns", "opening", "arp", "ndp")


def failed_elsewhere(
    event: CompletedEvent, observation: BaseObservation, addresses_of: AddressesOf
) -> Different | None:
    """What is said of a lookup or a connection that failed on another node; None where the task wants another one."""
    target, node = _target_of(observation), client_node(event)
    if target is None or node == observation.client:
        return None
    host, port = target
    failed = None
    if isinstance(event, DnsExchange) and _is_name_of(event.name, host, addresses_of):
        failed = failed_lookup(event, node, "") or _own_name(event, node, addresses_of)
    elif isinstance(event, TcpHandshake) and port in (None, event.flow.server.port):
        failed = failed_connection(event, node, "") if leads_to(event.flow, host, addresses_of) else None
    return replace(failed, layer="node", expected=f"{observation.client} does it") if failed else None


def _own_name(event: DnsExchange, node: str, addresses_of: AddressesOf) -> Different | None:
    """The message on a node that asks for its own address; what it then sends there crosses no network."""
    if not {record.value for record in event.answers} & set(addresses_of(node)):
        return None
    seen = f"{node} asked {event.flow.server.node} for its own name, {event.name}"
    return Different("node", seen, "", may_be_followed=True)


def silent_elsewhere(start: ExchangeStart, observation: BaseObservation, addresses_of: AddressesOf) -> Different | None:
    """What is said of one that has no answer so far."""
    target, seen = _target_of(observation), silence(start)
    if target is None or seen is None or start.kind not in KINDS or start.client == observation.client:
        return None
    host, port = target
    if start.kind == "dns":
        is_meant = _is_name_of(start.subject.split(" ")[0], host, addresses_of)
    elif start.kind == "opening":
        is_meant = start.server_address in addresses_of(host) and port in (None, start.port)
    else:
        is_meant = start.subject in addresses_of(host)
    return Different("node", seen, f"{observation.client} does it") if is_meant else None


def ran_elsewhere(run: ProgramRun, observation: BaseObservation, shells: Collection[str] = ()) -> Different | None:
    """The message on a program that ran in another node, unseen on any network; None if it only looked at that node.

    A program that could not listen has printed that itself. In a node of `shells`, where the learner works too, a
    program may wait to be asked.
    """
    if run.exit_code and isinstance(observation, ListensObservation):
        return None
    if not (asks_others(run) if run.node in shells else _programs_of(run)):
        return None
    return Different("node", _ran(run), f"{observation.client} does it")


def ran_in_vain(run: ProgramRun, wanted: str) -> Different | None:
    """The message on a program that ran in the right node, and of which no packet was seen; None if it sends none."""
    if not _programs_of(run) or OF_ITSELF.search(_words(run)) or _waits(run):
        return None
    if run.exit_code == NO_PROGRAM:
        return Different("node", _ran(run), wanted)
    return Different("node", f"{_ran(run)}, and nothing that it sent was seen on a network so far", wanted)


def asks_others(run: ProgramRun) -> bool:
    """Whether the program is one that can only ask."""
    return bool(_programs_of(run) - MAY_WAIT)


def _waits(run: ProgramRun) -> bool:
    return not asks_others(run) and bool(WAITS.search(_words(run)))


def _ran(run: ProgramRun) -> str:
    if run.exit_code == NO_PROGRAM:
        return f"{_words(run)!r} did not run in {run.node}, which has no such program"
    return f"{_words(run)!r} ran in {run.node}"


def _words(run: ProgramRun) -> str:
    words = " ".join(run.argv)
    return words if len(words) <= MOST_CHARACTERS else f"{words[: MOST_CHARACTERS - 3]}..."


def _programs_of(run: ProgramRun) -> frozenset[str]:
    return PROGRAMS & set(re.findall(r"[a-z0-9_]+", " ".join(run.argv)))


def _is_name_of(name: str, host: str, addresses_of: AddressesOf) -> bool:
    name = name.rstrip(".").lower()
    return name == host or set(addresses_of(name)) == set(addresses_of(host))


def _target_of(observation: BaseObservation) -> tuple[str, int | None] | None:
    """The host that is wanted, and its port if that is fixed; None where it is the node itself."""
    host, port = "", None
    match observation:
        case ResolvesObservation():
            host = observation.resolves
        case ConnectsObservation(connects=place) | TlsObservation(tls=place):
            host, _, digits = place.rpartition(":")
            port = int(digits)
        case HttpObservation():
            url = urlsplit(observation.http)
            host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        case SqlObservation():
            host = observation.sql
        case SshObservation():
            host = observation.ssh
    return (host.lower(), port) if host and not is_loopback(host) else None
