"""What a check aims at: which nodes, which name and port, and which layers it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from orchestrator.judging.checks import asker_of
from orchestrator.judging.checks.connections import endpoint, target_of
from orchestrator.judging.checks.sql import database_of
from orchestrator.judging.findings import Judgement
from orchestrator.judging.questions import Scene
from orchestrator.judging.why.commands import Commands
from orchestrator.judging.why.connection import TCP, forbidden
from orchestrator.judging.why.http_answer import http_stages
from orchestrator.judging.why.leg import Answers, Leg, NameClaim, Port, Readings, Seen, Stage
from orchestrator.judging.why.machines import LISTEN, NODE
from orchestrator.judging.why.names import DNS, RESOLVER, as_checked, leads_to, servers_of
from orchestrator.judging.why.sql_answer import sql_stage
from orchestrator.judging.why.ways import ROUTE
from orchestrator.model.checks import CannotConnect, Common, Connects, Http, Resolves, Runs, Sees, Sql, Tls
from orchestrator.model.roles import ROLES

WEB_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Aim:
    """A leg, and its layers in the order in which they must work.

    `above` are those above the DNS answer of a leg whose end may be known only when its name is resolved.
    """

    leg: Leg
    stages: tuple[Stage, ...]
    above: tuple[Stage, ...] = ()

    def knowing(self, address: str) -> Aim:
        """The same, once the name has led to an address."""
        return _reaching(replace(self.leg, address=address, target=self.leg.scene.topology.owner(address)), *self.above)


def aim_of(check: Common, scene: Scene, judgement: Judgement, commands: Commands) -> Aim:
    """The leg that a check needs. A kind of which nothing is known here needs its node, and its own judgement."""
    match check:
        case Resolves():
            leg = _leg(check.asker, None, None, as_checked(check, scene, judgement), None, scene, commands)
            return Aim(leg, (NODE, LISTEN, ROUTE, RESOLVER, DNS))
        case Connects():
            host, port = endpoint(scene.fill(check.connects, check.asker))
            return _reaching(towards(check.asker, host, Port(port), scene, commands), TCP)
        case CannotConnect():
            host, port = endpoint(scene.fill(check.cannot_connect, check.asker))
            leg = towards(check.asker, host, Port(port), scene, commands)
            names = (RESOLVER, DNS) if leg.claim else ()
            return Aim(leg, (NODE, *names, forbidden(judgement)))
        case Http():
            url = urlsplit(scene.fill(check.http, check.asker))
            leg = towards(check.asker, url.hostname or "", Port(url.port or WEB_PORTS[url.scheme]), scene, commands)
            return _reaching(leg, TCP, *http_stages(check, url.geturl()))
        case Tls():
            host, port = endpoint(scene.fill(check.tls, check.asker))
            return _reaching(towards(check.asker, host, Port(port), scene, commands), TCP, judged(judgement))
        case Sql():
            return sql_aim(check, scene, commands)
        case Sees():
            return _seen_aim(check, scene, judgement, commands)
        case Runs():
            return Aim(_alone(check.asker, scene, commands), (NODE, judged(judgement)))
        case _:
            nodes = scene.topology.scenario.nodes
            asker = next(node for node in (asker_of(check), *nodes) if node in nodes)
            return Aim(_alone(asker, scene, commands), (NODE, judged(judgement)))


def towards(asker: str, host: str, port: Port, scene: Scene, commands: Commands) -> Leg:
    """The leg from a node to a host: a name of the lab or another one, an address, or the asker itself."""
    topology = scene.topology
    name = host if "." in host or host == "localhost" or _is_address(host) else f"{host}.{topology.scenario.domain}"
    target = target_of(scene, asker, name)
    if target == asker and (name.startswith("127.") or name == "localhost"):
        return _leg(asker, asker, port, None, "127.0.0.1" if name == "localhost" else name, scene, commands)
    if _is_address(name):
        return _leg(asker, target, port, None, name, scene, commands)
    address = str(topology.address_for(asker, target)) if target else None
    return _leg(asker, target, port, leads_to(topology, asker, target, name), address, scene, commands)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _leg(
    asker: str,
    target: str | None,
    port: Port | None,
    claim: NameClaim | None,
    address: str | None,
    scene: Scene,
    commands: Commands,
) -> Leg:
    return Leg(asker, target, port, claim, address, scene, commands, servers_of(scene.topology, asker))


def _alone(asker: str, scene: Scene, commands: Commands) -> Leg:
    return _leg(asker, asker, None, None, None, scene, commands)


def _reaching(leg: Leg, *above: Stage) -> Aim:
    """The layers below a connection, without those that this leg does not need, and those above."""
    listen = (LISTEN,) if leg.target else ()
    route = (ROUTE,) if leg.target != leg.asker else ()
    names = (RESOLVER, DNS) if leg.claim else ()
    return Aim(leg, (NODE, *listen, *route, *names, *above), above)


def sql_aim(check: Sql, scene: Scene, commands: Commands) -> Aim:
    """Over the network, or, where the database asks itself, over its local socket."""
    database = database_of(check, scene)
    port = _first_port(database, scene) or Port(5432)
    if check.asker == database and check.password is None:
        return Aim(replace(_alone(database, scene, commands), port=port), (NODE, LISTEN, sql_stage(check)))
    leg = towards(check.asker, scene.topology.name_of(database), port, scene, commands)
    return _reaching(leg, TCP, sql_stage(check))


def used_aim(node: str, used: str, scene: Scene, commands: Commands) -> Aim | None:
    """The leg from a server to one that it uses; None where the used one listens on nothing."""
    if scene.topology.node(used).role == "database":  # type: ignore[attr-defined]
        asked = {"name": "It answers", "from": node, "sql": "select 1", "database": used}
        return sql_aim(Sql.model_validate(asked), scene, commands)
    port = _first_port(used, scene)
    if port is None:
        return None
    leg = towards(node, scene.topology.name_of(used), port, scene, commands)
    return _reaching(leg, TCP)


def _seen_aim(check: Sees, scene: Scene, judgement: Judgement, commands: Commands) -> Aim:
    """From the node that should be seen to the server that should have seen it."""
    port = _first_port(check.node, scene)
    name = scene.topology.name_of(check.node)
    if port is None:
        return Aim(_alone(check.node, scene, commands), (NODE, judged(judgement)))
    return _reaching(towards(check.sees, name, port, scene, commands), TCP, judged(judgement))


def _first_port(node: str, scene: Scene) -> Port | None:
    declared = scene.topology.node(node)
    listeners = ROLES[declared.role].listeners_of(declared)  # type: ignore[attr-defined]
    return next((Port(one.port) for one in listeners if one.protocol == "tcp"), None)


def judged(judgement: Judgement) -> Stage:
    """The last layer where nothing else is asked: what the check itself found."""

    def reads(leg: Leg, _answers: Answers) -> Seen:
        readings = Readings()
        if judgement.verdict == "pass":
            readings.evidence += judgement.evidence
            readings.held.append(judgement.actual)
        elif judgement.verdict == "unknown":
            readings.unasked.append(judgement.actual)
        else:
            sentence = f"The check asks for more than a connection, and just that is not so: {judgement.actual}."
            log = leg.commands.logs(leg.target or leg.asker)
            readings.broken(judgement.actual, sentence, log, evidence=judgement.evidence)
        return readings.seen()

    return Stage("answer", lambda _leg: (), reads)
