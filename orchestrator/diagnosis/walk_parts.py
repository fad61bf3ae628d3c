"""What a check aims at: which nodes, which name and port, and which layers it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import asker_of
from orchestrator.checks.kinds.connections import endpoint, target_of
from orchestrator.checks.kinds.sql import database_of
from orchestrator.checks.probes import CheckContext
from orchestrator.diagnosis.address_and_route import ROUTE
from orchestrator.diagnosis.dns_names import DNS, RESOLVER, as_checked, leads_to, servers_of
from orchestrator.diagnosis.http_answer import http_layers
from orchestrator.diagnosis.layer_probe import ConnectionAttempt, LayerProbe, NameClaim, Port
from orchestrator.diagnosis.layers_from_judgement import answer_layer, forbidden_tcp_layer, listen_layer, tls_layer
from orchestrator.diagnosis.node_and_process import LISTEN, NODE
from orchestrator.diagnosis.sql_answer import sql_layer
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.tcp_connection import TCP
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.checks import (
    BaseCheck,
    CannotConnect,
    Connects,
    Http,
    Listens,
    Resolves,
    Roles,
    Runs,
    Sees,
    Sql,
    Tls,
)
from orchestrator.model.roles import ROLES
from orchestrator.model.values import is_address

URL = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
ADDRESS = re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])")
WEB_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class WalkPart:
    """A leg, and its layers in the order in which they must work.

    `above` are those above the DNS answer of a leg whose end may be known only when its name is resolved. What a
    `closing` one shows is explained by whatever is broken in the legs before it.
    """

    attempt: ConnectionAttempt
    layer_probes: tuple[LayerProbe, ...]
    above: tuple[LayerProbe, ...] = ()
    closing: bool = False

    def knowing(self, address: str) -> WalkPart:
        """The same, once the name has led to an address."""
        return _reaching(
            replace(self.attempt, address=address, target=self.attempt.context.topology.owner(address)), *self.above
        )


def walk_parts(
    check: BaseCheck, context: CheckContext, judgement: Judgement, commands: Commands
) -> tuple[WalkPart, ...]:
    """The legs that a check needs: one, or one to each machine of a group.

    A kind of which nothing is known here needs its node, and its own judgement.
    """
    match check:
        case Resolves():
            return (_resolving(check, context, judgement, commands),)
        case Connects():
            host, port = endpoint(context.fill(check.connects, check.asker))
            return _reaching_each(towards(check.asker, host, Port(port), context, commands), TCP)
        case CannotConnect():
            return (_forbidding(check, context, judgement, commands),)
        case Http():
            url = urlsplit(context.fill(check.http, check.asker))
            attempts = towards(
                check.asker, url.hostname or "", Port(url.port or WEB_PORTS[url.scheme]), context, commands
            )
            return _reaching_each(attempts, TCP, *http_layers(check, url.geturl()))
        case Tls():
            host, port = endpoint(context.fill(check.tls, check.asker))
            return _reaching_each(towards(check.asker, host, Port(port), context, commands), TCP, tls_layer(judgement))
        case Sql():
            return (sql_part(check, context, commands),)
        case Sees():
            return _sees_parts(check, context, judgement, commands)
        case Listens():
            return (WalkPart(_alone(check.node, context, commands), (NODE, listen_layer(judgement))),)
        case Runs():
            return _runs_parts(check, context, judgement, commands)
        case _:
            return (WalkPart(_alone(_asker(check, context), context, commands), (NODE, answer_layer(judgement))),)


def _asker(check: BaseCheck, context: CheckContext) -> str:
    """The node that asks, or the first of which a check speaks."""
    nodes = context.topology.scenario.nodes
    named = (asker_of(check), *(check.roles if isinstance(check, Roles) else ()), *nodes)
    return str(next(node for node in named if node in nodes))


def _resolving(check: Resolves, context: CheckContext, judgement: Judgement, commands: Commands) -> WalkPart:
    """By the asker's resolv.conf, or, where the check names a server, by that alone."""
    attempt = _leg(check.asker, context, commands, claim=as_checked(check, context, judgement))
    if not check.asks:
        return WalkPart(attempt, (NODE, LISTEN, ROUTE, RESOLVER, DNS))
    address = str(context.topology.address_for(check.asker, check.asks))
    return WalkPart(replace(attempt, servers={address: check.asks}), (NODE, LISTEN, ROUTE, DNS))


def _forbidding(check: CannotConnect, context: CheckContext, judgement: Judgement, commands: Commands) -> WalkPart:
    """To the host that must not be reached. Where nobody knows, that it does not listen, or is cut off, says why."""
    host, port = endpoint(context.fill(check.cannot_connect, check.asker))
    attempt = towards(check.asker, host, Port(port), context, commands)[0]
    names = (RESOLVER, DNS) if attempt.claim else ()
    below = (*((LISTEN,) if attempt.target else ()), ROUTE) if judgement.verdict == "unknown" else ()
    return WalkPart(attempt, (NODE, *below, *names, forbidden_tcp_layer(judgement)))


def towards(
    asker: str, host: str, port: Port, context: CheckContext, commands: Commands
) -> tuple[ConnectionAttempt, ...]:
    """The legs from a node to a host: a name of the lab or another one, an address, or the asker itself.

    A name may stand for a group of machines: then there is a leg to each.
    """
    topology = context.topology
    name = host if is_address(host) else topology.absolute_name(host)
    target = target_of(context, asker, name)
    if target == asker and (name in ("localhost", "::1") or name.startswith("127.")):
        loopback = "127.0.0.1" if name == "localhost" else name
        return (_leg(asker, context, commands, target=asker, port=port, address=loopback),)
    if is_address(name):
        return (_leg(asker, context, commands, target=target, port=port, address=name),)
    claim = leads_to(topology, asker, target, name)
    if target is None:
        return (_leg(asker, context, commands, port=port, claim=claim),)
    homes = {
        machine: str(topology.address_for(asker, machine))
        for machine in topology.scenario.groups.get(target, (target,))
    }
    return tuple(
        _leg(asker, context, commands, target=machine, port=port, claim=claim, address=home)
        for machine, home in homes.items()
    )


def _leg(
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
    return _leg(asker, context, commands, target=asker)


def _reaching(attempt: ConnectionAttempt, *above: LayerProbe) -> WalkPart:
    """The layers below a connection, without those that this leg does not need, and those above."""
    listen = (LISTEN,) if attempt.target else ()
    route = (ROUTE,) if attempt.target != attempt.asker or attempt.claim else ()
    names = (RESOLVER, DNS) if attempt.claim else ()
    return WalkPart(attempt, (NODE, *listen, *route, *names, *above), above)


def _reaching_each(attempts: tuple[ConnectionAttempt, ...], *above: LayerProbe) -> tuple[WalkPart, ...]:
    return tuple(_reaching(attempt, *above) for attempt in attempts)


def sql_part(check: Sql, context: CheckContext, commands: Commands) -> WalkPart:
    """Over the network, or, where the database asks itself, over its local socket."""
    database = database_of(check, context)
    port = _first_port(database, context) or Port(5432)
    if check.asker == database and check.password is None:
        return WalkPart(replace(_alone(database, context, commands), port=port), (NODE, LISTEN, sql_layer(check)))
    (attempt,) = towards(check.asker, context.topology.name_of(database), port, context, commands)
    return _reaching(attempt, TCP, sql_layer(check))


def parts_for_used_node(node: str, used: str, context: CheckContext, commands: Commands) -> tuple[WalkPart, ...]:
    """The legs from a server to one that it uses; none where the used one listens on nothing."""
    if used in context.topology.servers_of(ApplicationProtocol.POSTGRESQL):
        fields = {"name": "It answers", "from": node, "sql": "select 1", "database": used}
        return (sql_part(Sql.model_validate(fields), context, commands),)
    port, name = _first_port(used, context), context.topology.name_of(used)
    if port is None:
        return ()
    attempts = towards(node, name, port, context, commands)
    declared = context.topology.node(used)
    health_path = ROLES[declared.role].health_path
    if not health_path or declared.image or declared.command:
        return _reaching_each(attempts, TCP)
    url = f"http://{name}:{port.number}{health_path}"  # it needs nothing but the program itself
    return _reaching_each(
        attempts, TCP, *http_layers(Http.model_validate({"name": "It answers", "from": node, "http": url}), url)
    )


def _sees_parts(check: Sees, context: CheckContext, judgement: Judgement, commands: Commands) -> tuple[WalkPart, ...]:
    """From the node that should be seen to the server that should have seen it."""
    port = _first_port(check.node, context)
    if port is None or check.sees == check.node:
        return (WalkPart(_alone(check.node, context, commands), (NODE, answer_layer(judgement))),)
    attempts = towards(check.sees, context.topology.name_of(check.node), port, context, commands)
    return _reaching_each(attempts, TCP, answer_layer(judgement))


def _runs_parts(check: Runs, context: CheckContext, judgement: Judgement, commands: Commands) -> tuple[WalkPart, ...]:
    """To whom the program's own words lead, by URLs and by names of the lab; then what it printed.

    A program that did what it should may have met a closed port on purpose: then nothing else is asked.
    """
    own = WalkPart(_alone(check.asker, context, commands), (NODE, answer_layer(judgement)), closing=True)
    if judgement.verdict == "pass":
        return (own,)
    words = " ".join(context.fill(word, check.asker) for word in check.runs)
    urls = dict.fromkeys((host, int(port or WEB_PORTS[scheme])) for scheme, host, port in URL.findall(words))
    attempts = [attempt for host, port in urls for attempt in towards(check.asker, host, Port(port), context, commands)]
    hosts = {host for host, _ in urls}
    topology = context.topology
    named = [node for node in topology.names if _holds(words, name := topology.name_of(node)) and name not in hosts]
    parts = [part for node in named for part in _naming(check, node, context, commands)]
    met = {address: owner for address in ADDRESS.findall(words) if (owner := topology.owner(address))}
    for address, owner in met.items():
        if address not in hosts and owner != check.asker:
            attempt = _leg(check.asker, context, commands, target=owner, address=address)
            parts.append(WalkPart(attempt, (NODE, ROUTE)))
    return (*_reaching_each(tuple(attempts), TCP), *parts, own)


def _holds(words: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words) is not None


def _naming(check: Runs, node: str, context: CheckContext, commands: Commands) -> tuple[WalkPart, ...]:
    """The legs to a node whose name a program was given: it may only look it up, or speak to its first port."""
    asker, name = check.asker, context.topology.name_of(node)
    machine = context.topology.scenario.groups.get(node, (node,))[0]
    port = _first_port(machine, context) if machine != asker else None
    if port and check.exit == 0:
        return _reaching_each(towards(asker, name, port, context, commands), TCP)
    claim = leads_to(context.topology, asker, target_of(context, asker, name), name)
    return (WalkPart(_leg(asker, context, commands, claim=claim), (NODE, LISTEN, ROUTE, RESOLVER, DNS)),)


def _first_port(node: str, context: CheckContext) -> Port | None:
    declared = context.topology.node(node)
    listeners = ROLES[declared.role].listeners_of(declared)
    return next((Port(listener.port) for listener in listeners if listener.protocol == "tcp"), None)
