"""The connection attempts of a check: between which nodes, by which name, to which port, with which layers."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from orchestrator.checks.asker import asker_of
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import endpoint, family_of, source_of, target_of
from orchestrator.checks.kinds.sql import database_of
from orchestrator.checks.probes import CheckContext
from orchestrator.diagnosis.check_layers.from_judgement import (
    answer_layer,
    forbidden_tcp_layer,
    listen_layer,
    program_layer,
    tls_layer,
)
from orchestrator.diagnosis.check_layers.held_connection import held_layer
from orchestrator.diagnosis.check_layers.http import http_layers
from orchestrator.diagnosis.check_layers.sql import sql_layer
from orchestrator.diagnosis.check_layers.udp import ip_version, udp_layer
from orchestrator.diagnosis.check_layers.upstream_tls import upstream_tls_layer
from orchestrator.diagnosis.layer_probe import ConnectionAttempt, LayerProbe, NameClaim, Port
from orchestrator.diagnosis.layers import LAYERS
from orchestrator.diagnosis.layers.dns import as_checked, leads_also_to, leads_to, servers_of
from orchestrator.diagnosis.program_traffic import ProgramTraffic
from orchestrator.diagnosis.program_words import name_in_words, port_in_words
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.checks import (
    BaseCheck,
    CannotConnect,
    ConnectionCheck,
    Connects,
    HoldsOpen,
    Http,
    Listens,
    Resolves,
    Roles,
    Runs,
    Sees,
    Sql,
    Tls,
    Udp,
)
from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology
from orchestrator.model.upstreams import tls_to_upstreams, upstream_name, upstream_port, upstreams
from orchestrator.model.values import is_address

URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
ADDRESS = re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])")
WEB_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class LayeredAttempt:
    """A connection attempt with its layers, in the order in which they must work.

    `check_layers` are those that the kind of check asks in a way of its own; `only` names the others that are probed,
    None means each that the attempt needs. `explained_by_others`: whatever is broken in the other attempts explains it.
    """

    attempt: ConnectionAttempt
    check_layers: tuple[LayerProbe, ...] = ()
    only: frozenset[str] | None = None
    explained_by_others: bool = False

    @property
    def layer_probes(self) -> tuple[LayerProbe, ...]:
        """The layers to probe."""
        own = {layer.name: layer for layer in self.check_layers}
        return tuple(own.get(layer.name, layer) for layer in LAYERS if layer.name in own or self._needs(layer))

    def _needs(self, layer: LayerProbe) -> bool:
        return layer.needed(self.attempt) and (self.only is None or layer.name in self.only)

    def with_address(self, address: str) -> LayeredAttempt:
        """The same, once the name has led to an address."""
        target = self.attempt.context.topology.owner(address)
        return replace(self, attempt=replace(self.attempt, address=address, target=target))


def check_attempts(
    check: BaseCheck, context: CheckContext, judgement: Judgement, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """The attempts that a check needs: one, or one to each machine of a group.

    A kind that is not named here needs its node, and its own judgement.
    """
    match check:
        case Resolves():
            return (LayeredAttempt(_resolving(check, context, judgement, commands)),)
        case Connects():
            return _layered(_connecting(check, check.connects, context, commands))
        case HoldsOpen():
            return _layered(_connecting(check, check.holds_open, context, commands), held_layer(judgement))
        case CannotConnect():
            return (_forbidding(check, context, judgement, commands),)
        case Http():
            url = urlsplit(context.fill(check.http, check.asker))
            port = url.port or WEB_PORTS[url.scheme]
            attempts = attempts_to_host(check.asker, url.hostname or "", Port(port), context, commands)
            return _layered(attempts, *http_layers(check, url.geturl(), judgement))
        case Tls():
            host, port = endpoint(context.fill(check.tls, check.asker))
            name = context.fill(check.server_name or host, check.asker)
            attempts = attempts_to_host(check.asker, host, Port(port), context, commands)
            return _layered(attempts, tls_layer(judgement, name, presented=check.client_certificate))
        case Udp():
            return _udp_attempts(check, context, judgement, commands)
        case Sql():
            return (sql_attempt(check, context, commands),)
        case Sees():
            return _sees_attempts(check, context, judgement, commands)
        case Listens():
            return (LayeredAttempt(_alone(check.node, context, commands), (listen_layer(judgement),)),)
        case Runs():
            return _runs_attempts(check, context, judgement, commands)
        case _:
            return (LayeredAttempt(_alone(_asker(check, context), context, commands), (answer_layer(judgement),)),)


def _udp_attempts(
    check: Udp, context: CheckContext, judgement: Judgement, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """To the host of the datagram, over all layers but TCP; the reply itself is judged by the check."""
    host, number = endpoint(context.fill(check.udp, check.asker))
    attempts = attempts_to_host(check.asker, host, Port(number, "udp"), context, commands, family=ip_version(judgement))
    layers = frozenset({"node", "resolver", "dns", "route", *(("listen",) if check.answered else ())})
    return tuple(LayeredAttempt(attempt, (udp_layer(judgement),), layers) for attempt in attempts)


def _layered(attempts: tuple[ConnectionAttempt, ...], *check_layers: LayerProbe) -> tuple[LayeredAttempt, ...]:
    return tuple(LayeredAttempt(attempt, check_layers) for attempt in attempts)


def _asker(check: BaseCheck, context: CheckContext) -> str:
    """The node that asks, or the first of which a check speaks."""
    nodes = context.topology.scenario.nodes
    named = (asker_of(check), *(check.roles if isinstance(check, Roles) else ()), *nodes)
    return str(next(node for node in named if node in nodes))


def _resolving(check: Resolves, context: CheckContext, judgement: Judgement, commands: Commands) -> ConnectionAttempt:
    """By the asker's resolv.conf, or, where the check names a server, by that alone."""
    attempt = _attempt(check.asker, context, commands, claim=as_checked(check, context, judgement))
    if not check.asks:
        return attempt
    address = str(context.topology.address_for(check.asker, check.asks))
    return replace(attempt, servers={address: check.asks})


def _connecting(
    check: ConnectionCheck, place: str, context: CheckContext, commands: Commands
) -> tuple[ConnectionAttempt, ...]:
    """To host:port, over the version of IP and from the address that the check says."""
    host, port = endpoint(context.fill(place, check.asker))
    source = source_of(check, context)
    family = family_of(check, source)
    attempts = attempts_to_host(check.asker, host, Port(port), context, commands, family=family)
    return tuple(replace(attempt, source=source) for attempt in attempts)


def _forbidding(
    check: CannotConnect, context: CheckContext, judgement: Judgement, commands: Commands
) -> LayeredAttempt:
    """To the host that must not be reached. Where an attempt proved nothing, that it does not listen, or is cut off,
    says why; where none was made, that is no reason."""
    attempt = _connecting(check, check.cannot_connect, context, commands)[0]
    tried = judgement.verdict == "unknown" and judgement.evidence
    only = None if tried else frozenset({"node", "resolver", "dns"})
    return LayeredAttempt(attempt, (forbidden_tcp_layer(judgement),), only)


def attempts_to_host(
    asker: str, host: str, port: Port, context: CheckContext, commands: Commands, *, family: str | None = None
) -> tuple[ConnectionAttempt, ...]:
    """The attempts from a node to a host: a name of the lab or another one, an address, or the asker itself.

    A name may stand for a group of machines: then there is an attempt for each. Of a name, a program that tries only
    IPv6 (`family`) asks for AAAA records, and every other one is followed over IPv4.
    """
    topology, six = context.topology, family == "ipv6"
    listed = topology.hosts_of(asker).get(host.lower(), ())
    written = [address for address in listed if six == (":" in address) or not family]
    name = host if is_address(host) else written[0] if written else topology.absolute_name(asker, host)
    target = target_of(context, asker, name) or _alias_target(topology, asker, name)
    if target == asker and (name in ("localhost", "::1") or name.startswith("127.")):
        loopback = ("::1" if six else "127.0.0.1") if name == "localhost" else name
        return (_attempt(asker, context, commands, target=asker, port=port, address=loopback),)
    if is_address(name):
        return (_attempt(asker, context, commands, target=target, port=port, address=name),)
    claim = leads_to(topology, asker, target, name, "AAAA" if six else "A")
    tried = topology.names_tried(asker, host)
    before = tried[: tried.index(name)] if name in tried else ()
    if target is None:
        return (_attempt(asker, context, commands, port=port, claim=claim),)
    homes = {
        machine: _address(topology, asker, machine, six) for machine in topology.scenario.groups.get(target, (target,))
    }
    return tuple(
        replace(
            _attempt(asker, context, commands, target=machine, port=port, claim=claim, address=home),
            tried_before=before,
            written=host,
        )
        for machine, home in homes.items()
    )


def over_ipv6(layered: LayeredAttempt) -> LayeredAttempt | None:
    """The same attempt to the IPv6 address of the name, which a client with IPv6 tries first (RFC 6724); None where
    nothing is asked for by name, or the asker has no IPv6."""
    attempt = layered.attempt
    topology, claim = attempt.context.topology, attempt.claim
    has_six = any(attachment.address6 for attachment in topology.attachments_of(attempt.asker))
    if claim is None or claim.type != "A" or attempt.port is None or attempt.source or not has_six:
        return None
    also = leads_also_to(topology, attempt.asker, attempt.target, claim.name)
    return replace(layered, attempt=replace(attempt, claim=also, address=None))


def over_ipv6_alone(layered: LayeredAttempt) -> LayeredAttempt:
    """The same attempt, of a name that must lead to the target by an IPv6 address."""
    attempt = layered.attempt
    assert attempt.claim is not None
    topology, asker, target = attempt.context.topology, attempt.asker, attempt.target
    claim = leads_to(topology, asker, target, attempt.claim.name, "AAAA")
    address = _address(topology, asker, target, six=True) if target else None
    return replace(layered, attempt=replace(attempt, claim=claim, address=address))


def _address(topology: Topology, asker: str, machine: str, six: bool) -> str | None:
    """Where a machine is for the asker; None where it has no IPv6 address, and that is asked for."""
    address = topology.address6_for(asker, machine) if six else topology.address_for(asker, machine)
    return str(address) if address else None


def _alias_target(topology: Topology, asker: str, name: str) -> str | None:
    """The node to which the file's own aliases lead from a name, as the asker is told."""
    nodes = {topology.name_of(node): node for node in topology.names}
    server = next(iter(topology.resolvers_of(asker)), asker)
    network = topology.asked_from(asker, server)[0]
    for _ in topology.scenario.records:  # no chain is longer, and one that goes in circles ends
        label = name.removesuffix(f".{topology.scenario.domain}")
        records = topology.scenario.records.get(label)
        alias = getattr(records.seen_from(network) if records else None, "CNAME", None)
        if alias is None or name in nodes:
            break
        name = alias.lower().removesuffix(".") if "." in alias else f"{alias}.{topology.scenario.domain}"
    return nodes.get(name)


def _attempt(
    asker: str,
    context: CheckContext,
    commands: Commands,
    *,
    target: str | None = None,
    port: Port | None = None,
    claim: NameClaim | None = None,
    address: str | None = None,
) -> ConnectionAttempt:
    return ConnectionAttempt(
        asker, target, port, claim, address, context, commands, servers_of(context.topology, asker)
    )


def _alone(asker: str, context: CheckContext, commands: Commands) -> ConnectionAttempt:
    return _attempt(asker, context, commands, target=asker)


def sql_attempt(check: Sql, context: CheckContext, commands: Commands) -> LayeredAttempt:
    """Over the network, or, where the database asks itself, over its local socket."""
    database = database_of(check, context)
    if check.host:
        host, number = endpoint(context.fill(check.host, check.asker))
        attempts = attempts_to_host(check.asker, host, Port(number), context, commands)
        return LayeredAttempt(attempts[0], (sql_layer(check),))
    port = _first_port(database, context) or Port(5432)
    if check.asker == database and check.password is None:
        return LayeredAttempt(replace(_alone(database, context, commands), port=port), (sql_layer(check),))
    (attempt,) = attempts_to_host(check.asker, context.topology.name_of(database), port, context, commands)
    return LayeredAttempt(attempt, (sql_layer(check),))


def attempts_to_used_node(
    node: str, used: str, context: CheckContext, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """The attempts from a server to one that it uses; none where the used one listens on nothing."""
    if used in context.topology.servers_of(ApplicationProtocol.POSTGRESQL):
        fields = {"name": "It answers", "from": node, "sql": "select 1", "database": used}
        return (sql_attempt(Sql.model_validate(fields), context, commands),)
    port, name = _first_port(used, context), context.topology.name_of(used)
    if port is None:
        return ()
    passes_on = used in upstreams(context.topology, node) and ROLES[context.topology.node(node).role].forwards_requests
    port = Port(upstream_port(context.topology, node, used)) if passes_on else port
    attempts = attempts_to_host(node, name, port, context, commands)
    if passes_on and (tls := tls_to_upstreams(context.topology, node)):
        return _layered(attempts, upstream_tls_layer(tls, upstream_name(context.topology, node)))
    declared = context.topology.node(used)
    health_path = ROLES[declared.role].health_path
    if not health_path or declared.is_customized:
        return _layered(attempts)
    url = f"http://{name}:{port.number}{health_path}"  # it needs nothing but the program itself
    return _layered(attempts, *http_layers(Http.model_validate({"name": "It answers", "from": node, "http": url}), url))


def _sees_attempts(
    check: Sees, context: CheckContext, judgement: Judgement, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """From the node that should be seen to the server that should have seen it."""
    port = _first_port(check.node, context)
    if port is None or check.sees == check.node:
        return (LayeredAttempt(_alone(check.node, context, commands), (answer_layer(judgement),)),)
    attempts = attempts_to_host(check.sees, context.topology.name_of(check.node), port, context, commands)
    return _layered(attempts, answer_layer(judgement))


def _runs_attempts(
    check: Runs, context: CheckContext, judgement: Judgement, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """To whom the program's own words lead, by URLs and by names of the lab; then what it printed.

    A program that did what it should may have met a closed port on purpose: then nothing else is asked.
    """
    answer = program_layer(judgement, check.runs)
    own = LayeredAttempt(_alone(check.asker, context, commands), (answer,), explained_by_others=True)
    if judgement.verdict == "pass":
        return (own,)
    words = " ".join(context.fill(word, check.asker) for word in check.runs)
    urls = dict.fromkeys((host, int(port or WEB_PORTS[scheme])) for scheme, host, port in URL.findall(words))
    attempts = [
        attempt for host, port in urls for attempt in attempts_to_host(check.asker, host, Port(port), context, commands)
    ]
    hosts = {host for host, _ in urls}
    topology = context.topology
    names = {node: name_in_words(words, node, check.asker, topology) for node in topology.names}
    named = {node: name for node, name in names.items() if name and name not in hosts}
    more = [attempt for node, name in named.items() for attempt in _naming(check, node, name, context, commands)]
    met = {address: owner for address in ADDRESS.findall(words) if (owner := topology.owner(address))}
    for address, owner in met.items():
        if address not in hosts and owner != check.asker:
            attempt = _attempt(check.asker, context, commands, target=owner, address=address)
            more.append(LayeredAttempt(attempt))
    return (*_layered(tuple(attempts)), *more, own)


def attempts_of_traffic(
    check: Runs,
    traffic: ProgramTraffic,
    walked: Collection[tuple[str, str | None]],
    context: CheckContext,
    commands: Commands,
) -> tuple[LayeredAttempt, ...]:
    """The attempts that a program was seen to make: to the places to which it connected, and of names that it asked for
    where no such place is known, and nobody has walked there yet (`walked`: pairs of nodes)."""
    topology, attempts = context.topology, list[ConnectionAttempt]()
    for host, number in traffic.places:
        attempts += attempts_to_host(check.asker, host, Port(number), context, commands)
    targets = {attempt.target for attempt in attempts} | {target for asker, target in walked if asker == check.asker}
    for name in traffic.names:
        target = target_of(context, check.asker, name)
        if target is None or target not in targets:
            port = _first_port(target, context) if target in topology.scenario.nodes and target != check.asker else None
            attempts += (
                attempts_to_host(check.asker, name, port, context, commands)
                if port
                else (_attempt(check.asker, context, commands, claim=leads_to(topology, check.asker, target, name)),)
            )
    # Of the same connection over a name and by an address, one is enough.
    single = {(attempt.target_name, attempt.port): attempt for attempt in reversed(attempts)}
    return _layered(tuple(reversed(single.values())))


def _naming(
    check: Runs, node: str, written: str, context: CheckContext, commands: Commands
) -> tuple[LayeredAttempt, ...]:
    """The attempts to a node whose name a program was given: it may only look it up, or speak to a port."""
    asker, name = check.asker, context.topology.name_of(node)
    machine = context.topology.scenario.groups.get(node, (node,))[0]
    given = port_in_words(" ".join(check.runs), written)
    port = (Port(given) if given else _first_port(machine, context)) if machine != asker else None
    if port and check.exit == 0:
        return _layered(attempts_to_host(asker, written, port, context, commands))
    claim = leads_to(context.topology, asker, target_of(context, asker, name), name)
    return (LayeredAttempt(_attempt(asker, context, commands, claim=claim)),)


def _first_port(node: str, context: CheckContext) -> Port | None:
    declared = context.topology.node(node)
    listeners = ROLES[declared.role].listeners_of(declared)
    return next((Port(listener.port) for listener in listeners if listener.protocol == "tcp"), None)
