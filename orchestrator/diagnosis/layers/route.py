"""Address and route: has each node its address, is its interface up, and is there a way there and back (ip(8))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.checks.interfaces import (
    NEEDS,
    addresses_of,
    hardware_address,
    interface_of,
    ipv4_addresses,
    known_as,
    neighbours_of,
    read_json,
    rows_of,
)
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    listed,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.dns import dns_works
from orchestrator.diagnosis.layers.router import (
    FORWARDING,
    found_in_routers,
    kernel_words,
    read_routers,
    router_probes,
    rules_in_routers,
)
from orchestrator.diagnosis.layers.tcp import got_through
from orchestrator.planning.routes import routers

# Every machine must take packets of so many bytes over IPv4 (RFC 791, section 3.2); a handshake may pass with fewer.
LEAST_MTU = 576


@dataclass(frozen=True)
class NetworkPath:
    """From a node to an address of another one. One of both is the asker; `far` is the other."""

    node: str
    to: str
    address: str
    far: str


def _paths(attempt: ConnectionAttempt) -> tuple[NetworkPath, ...]:
    """There and back, to the target and to the DNS servers."""
    paths = []
    if attempt.address and attempt.target != attempt.asker:
        paths.append(NetworkPath(attempt.asker, attempt.target_name, attempt.address, attempt.target_name))
        if attempt.target:
            paths.append(
                NetworkPath(
                    attempt.target, attempt.asker, attempt.address_of(attempt.asker, attempt.target), attempt.target
                )
            )
    if attempt.claim:
        for address, node in attempt.servers.items():
            if node != attempt.asker:
                paths.append(NetworkPath(attempt.asker, node, address, node))
                paths.append(NetworkPath(node, attempt.asker, attempt.address_of(attempt.asker, node), node))
    return tuple(dict.fromkeys(paths))


def _route(path: NetworkPath) -> RunProgram:
    return RunProgram(path.node, ("ip", "-j", "route", "get", path.address), NEEDS)


def _probes(attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    tables = (probe(node) for node in attempt.on_the_way() for probe in (addresses_of, neighbours_of))
    return (*tables, *router_probes(attempt), *(_route(path) for path in _paths(attempt)))


def _needed(attempt: ConnectionAttempt) -> bool:
    return attempt.claim is not None or attempt.target != attempt.asker


def _read(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    readings = LayerReadings()
    cut = [node for node in attempt.on_the_way() if not _read_address(attempt, node, results, readings)]
    paths = [path for path in _paths(attempt) if path.node not in cut and path.to not in cut]
    _read_routes(attempt, [path for path in _paths(attempt) if path.node not in cut], results, readings)
    _read_neighbours(attempt, paths, results, readings)
    _read_networks(attempt, results, readings)
    if not attempt.address and not attempt.claim:
        readings.held.append("it asks itself")
    return readings.result()


def _affected(attempt: ConnectionAttempt, node: str) -> tuple[str, ...]:
    """The layers that suffer where a node has no address or no way is to it."""
    affects: tuple[str, ...] = ()
    if node in attempt.dns_nodes or (node == attempt.asker and attempt.claim):
        affects = ("dns",)
    return (*affects, "tcp") if node in (attempt.asker, attempt.target) or not attempt.target else affects


def _read_address(attempt: ConnectionAttempt, node: str, results: Answers, readings: LayerReadings) -> bool:
    """Whether a node has its addresses on interfaces that are up; true, too, where nobody can say."""
    result = ran_or_reason(results.get(addresses_of(node)))
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return True
    if node not in (attempt.asker, attempt.target) and dns_works(attempt, results):
        return True
    interfaces = rows_of(read_json(result.out))
    if not interfaces:  # each machine has a loopback interface
        readings.not_probed.append(f"not asked: the interfaces of {node} could not be read")
        return True
    return all(_has(attempt, node, address, interfaces, readings) for address in _homes(attempt, node))


def _homes(attempt: ConnectionAttempt, node: str) -> tuple[str, ...]:
    """The addresses that a node needs here: the one that is asked for, or those on networks that it shares."""
    if node == attempt.target and node != attempt.asker and attempt.address:
        return (attempt.address,)
    others = (
        [attempt.asker]
        if node != attempt.asker
        else [*([attempt.target] if attempt.target else []), *attempt.dns_nodes]
    )
    return tuple(dict.fromkeys(attempt.address_of(node, other) for other in others))


def _has(attempt: ConnectionAttempt, node: str, wanted: str, interfaces: Any, readings: LayerReadings) -> bool:
    interface = interface_of(interfaces, wanted)
    if interface is None:
        _without(attempt, node, wanted, interfaces, readings)
        return False
    name = interface.get("ifname", "?")
    if "UP" not in (names := interface.get("flags") or ()):
        sentence = f"The network interface {name} of {node} is down, so nothing gets in or out."
        command, flags = attempt.commands.start_anew(node), f"{name} of {node}: {','.join(map(str, names))}"
        readings.broken(f"{name} of {node} is down", sentence, command, *_affected(attempt, node), evidence=[flags])
        return False
    if (mtu := interface.get("mtu") or LEAST_MTU) < LEAST_MTU:
        sentence = f"The network interface {name} of {node} takes no packet of more than {mtu} bytes (its MTU)."
        command, summary = attempt.commands.start_anew(node), f"{name} of {node} takes {mtu} bytes at most"
        readings.broken(
            summary, sentence, command, *_affected(attempt, node), evidence=[f"{name} of {node}: mtu {mtu}"]
        )
        return True
    readings.evidence.append(f"{node} has {wanted} on {name}")
    return True


def _without(attempt: ConnectionAttempt, node: str, wanted: str, interfaces: Any, readings: LayerReadings) -> None:
    """No interface has the address: the engine took the interface away, or somebody inside took the address."""
    attachments = attempt.context.topology.attachments_of(node)
    others = [
        address
        for address in ipv4_addresses(interfaces)
        if address not in {str(attachment.address) for attachment in attachments}
    ]
    names = [str(interface.get("ifname")) for interface in rows_of(interfaces)]
    if len(names) > len(attachments):  # with the loopback interface
        has = f"it has {listed(others)}" if others else "no interface has it"
        sentence = f"The node {node} does not have its address {wanted}: {has}."
        command = attempt.commands.start_anew(node)
    else:
        sentence = f"The node {node} is cut off: it has no interface with its address {wanted}."
        command = attempt.commands.repair()
    evidence = [f"interfaces of {node}: {', '.join(names)}"]
    readings.broken(f"{node} has no address {wanted}", sentence, command, *_affected(attempt, node), evidence=evidence)


def _read_routes(
    attempt: ConnectionAttempt, paths: list[NetworkPath], results: Answers, readings: LayerReadings
) -> None:
    lost: dict[str, list[tuple[NetworkPath, str]]] = {}
    for path in paths:
        result = ran_or_reason(results.get(_route(path)))
        if isinstance(result, str):
            continue  # said already: its addresses could not be asked either
        if result.exit_code == 0:
            _held(attempt, path, read_json(result.out), results, readings)
        elif _counts(attempt, path, results):
            lost.setdefault(path.node, []).append((path, kernel_words(result.err)))
    for node, missing in lost.items():
        _no_route(attempt, node, missing, readings)


def _counts(attempt: ConnectionAttempt, path: NetworkPath, results: Answers) -> bool:
    """A way to a DNS server and back matters only where the name was not resolved."""
    return path.far == attempt.target_name or not dns_works(attempt, results)


def _held(
    attempt: ConnectionAttempt, path: NetworkPath, routes: Any, results: Answers, readings: LayerReadings
) -> None:
    """There is a way; one over the wrong gateway is to blame where nothing comes through."""
    if _first(routes).get("type") == "local":
        sentence = (
            f"{path.node} itself has the address {path.address} of {path.to}, "
            f"and sends what is for {path.to} to itself."
        )
        command, summary = (
            attempt.commands.start_anew(path.node),
            f"{path.node} has the address {path.address} of {path.to}",
        )
        readings.broken(summary, sentence, command, *_affected(attempt, path.far))
        return
    gateway, summary = _gateway(routes), f"{path.node} to {path.to} {_by(routes)}"
    astray = _astray(attempt, path, gateway) if gateway else ""
    if astray and not _works(attempt, path, results):
        sentence = f"{path.node} sends what is for {path.to} through {gateway} ({attempt.owner(gateway)}), {astray}."
        command = attempt.commands.run(path.node, "ip", "route", "get", path.address)
        readings.broken(summary, sentence, command, *_affected(attempt, path.far))
    elif path.node in (attempt.asker, attempt.target):
        readings.held.append(summary)


def _astray(attempt: ConnectionAttempt, path: NetworkPath, gateway: str) -> str:
    """Why a gateway is the wrong one; empty where it is right, or not a node of the lab."""
    topology = attempt.context.topology
    if attempt.shares_network_with(path.far):
        return f"though {path.to} is on its own network"
    owner = topology.owner(gateway)
    return "which is no router" if owner and owner not in routers(topology) else ""


def _read_neighbours(
    attempt: ConnectionAttempt, paths: list[NetworkPath], results: Answers, readings: LayerReadings
) -> None:
    """A neighbour for whom another hardware address is known: a wrong entry, or a second machine with its address.

    That the connection is made excuses nothing: then the other machine has accepted it.
    """
    for path in paths:
        excused = path.far != attempt.target_name and _works(attempt, path, results)
        if not attempt.shares_network_with(path.far) or excused:
            continue
        known = known_as(_printed(neighbours_of(path.node), results), path.address)
        own = hardware_address(_printed(addresses_of(path.to), results), path.address)
        if not known or not own or known == own:
            continue
        sentence = f"{path.node} sends what is for {path.to} to the hardware address {known}, but {path.to} has {own}."
        evidence = [f"{path.node}: ip neigh: {path.address} lladdr {known}", f"{path.to} has {path.address} on {own}"]
        command = attempt.commands.run(path.node, "ip", "neigh")
        summary = f"{path.to} is {known} for {path.node}"
        readings.broken(summary, sentence, command, *_affected(attempt, path.far), evidence=evidence)


def _printed(probe: RunProgram, results: Answers) -> Any:
    """What ip(8) printed as JSON; None where it could not be asked."""
    result = results.get(probe)
    return read_json(result.out) if isinstance(result, ProgramResult) else None


def _works(attempt: ConnectionAttempt, path: NetworkPath, results: Answers) -> bool:
    """Whether that for which a way is needed works: the connection, or the answer of a DNS server."""
    return (
        got_through(attempt, results)
        if path.far == attempt.target_name and attempt.port
        else dns_works(attempt, results)
    )


def _no_route(
    attempt: ConnectionAttempt, node: str, missing: list[tuple[NetworkPath, str]], readings: LayerReadings
) -> None:
    names = listed(list(dict.fromkeys(path.to for path, _ in missing)))
    back = node != attempt.asker
    why = missing[0][1]
    sentence = f"The node {node} has no route {'back ' if back else ''}to {names}: {why}."
    affects = [strike for path, _ in missing for strike in _affected(attempt, path.far)]
    command = attempt.commands.run(node, "ip", "route", "get", missing[0][0].address)
    evidence = [f"{node}: ip route get {path.address}: {reason}" for path, reason in missing]
    readings.broken(f"{node} has no route to {names}", sentence, command, *affects, evidence=evidence)


def _by(routes: Any) -> str:
    """In words: by which interface, and by which gateway where the address is not on the same network."""
    gateway = _gateway(routes)
    return f"by {_first(routes).get('dev', '?')}" + (f" and the gateway {gateway}" if gateway else "")


def _gateway(routes: Any) -> str:
    return str(_first(routes).get("gateway") or "")


def _first(routes: Any) -> dict[str, Any]:
    return next(iter(rows_of(routes)), {})


def _read_networks(attempt: ConnectionAttempt, results: Answers, readings: LayerReadings) -> None:
    """Two nodes without a common network, where no connection is made."""
    topology, target = attempt.context.topology, attempt.target
    lost, cut = _lost_servers(attempt, results), _is_cut(attempt, results)
    if readings.wrong or not (lost or cut):
        return
    if attempt.routers and not read_routers(attempt, lost, cut=cut, results=results, readings=readings):
        _nothing_comes_through(attempt, lost, results, readings)
    if attempt.routers or target is None or not cut:
        return
    own = [attachment.network for attachment in topology.attachments_of(attempt.asker)]
    theirs = [attachment.network for attachment in topology.attachments_of(target)]
    sentence = (
        f"{attempt.asker} and {target} have no network in common: "
        f"{attempt.asker} stands on {listed(own)}, {target} on {listed(theirs)}."
    )
    readings.broken("no network in common", sentence, attempt.commands.run(attempt.asker, "ip", "route"), "tcp")


def _is_cut(attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether the target stands on another network, and is not reached."""
    other = attempt.target not in (None, attempt.asker)
    return other and not got_through(attempt, results) and not attempt.shares_network_with(attempt.target_name)


def _nothing_comes_through(
    attempt: ConnectionAttempt, lost: list[str], results: Answers, readings: LayerReadings
) -> None:
    """Name the routers if two servers behind them are not reached, and a rule in a router if there is one."""
    if not lost or not _is_cut(attempt, results):
        return
    for router in attempt.routers:
        interfaces = _printed(addresses_of(router), results)
        homes = [str(attachment.address) for attachment in attempt.context.topology.attachments_of(router)]
        if interfaces and not all(_has(attempt, router, home, interfaces, readings) for home in homes):
            readings.affects.update(("dns", "tcp"))
            return
    names = listed(attempt.routers)
    sentence = f"Nothing comes through the router {names}: {attempt.asker} reaches neither {attempt.target_name} nor "
    sentence, command = f"{sentence}{listed(lost)}.", attempt.commands.run(attempt.routers[0], "cat", FORWARDING)
    evidence: list[str] = []
    if rules := found_in_routers(attempt, results):
        sentence, command = f"{sentence.rstrip('.')}: {rules.clause}", attempt.commands.start_anew(rules.nodes[0])
        evidence = rules.evidence
    readings.broken(f"nothing comes through {names}", sentence, command, "dns", "tcp", evidence=evidence)


def _lost_servers(attempt: ConnectionAttempt, results: Answers) -> list[str]:
    """The DNS servers on other networks, where the name was not resolved."""
    far = [node for node in attempt.dns_nodes if not attempt.shares_network_with(node)]
    return far if far and not dns_works(attempt, results) else []


def _asks_further(attempt: ConnectionAttempt, results: Answers) -> tuple[Probe, ...]:
    lost = _lost_servers(attempt, results)
    return rules_in_routers(attempt) if lost and _is_cut(attempt, results) else ()


ROUTE = LayerProbe("route", "address and route", _probes, _read, _needed, asks_further=_asks_further)
