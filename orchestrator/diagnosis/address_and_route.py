"""Address and route: has each node its address, is its interface up, and is there a way there and back (ip(8))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.checks.probes import Probe, ProgramResult, RunProgram
from orchestrator.diagnosis.dns_names import dns_works
from orchestrator.diagnosis.interfaces import (
    NEEDS,
    addresses_of,
    hardware_address,
    interface_of,
    ipv4_addresses,
    known_as,
    neighbours_of,
    read_json,
)
from orchestrator.diagnosis.stage import Answers, Leg, Readings, Seen, Stage, listed, ran_or_reason
from orchestrator.diagnosis.tcp_connection import connected
from orchestrator.diagnosis.walk import LayerName
from orchestrator.planning.routes import routers

AFTER_DNS: tuple[LayerName, ...] = ("tcp", "tls", "answer")
# 1 where a machine passes on what is not for itself (ip-sysctl of the kernel's documentation).
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
# Every machine must take packets of so many bytes over IPv4 (RFC 791, section 3.2); a handshake may pass with fewer.
LEAST_MTU = 576
# What `ip route get` says for a route that drops (blackhole) or forbids (prohibit) is the kernel's EINVAL or EACCES.
MEANINGS = {
    "Invalid argument": "a rule in its routing table drops what goes there",
    "Permission denied": "a rule in its routing table forbids what goes there",
}


@dataclass(frozen=True)
class Way:
    """From a node to an address of another one. One of both is the asker; `far` is the other."""

    node: str
    to: str
    address: str
    far: str


def _ways(leg: Leg) -> tuple[Way, ...]:
    """There and back, to the target and to the DNS servers."""
    found = []
    if leg.address and leg.target != leg.asker:
        found.append(Way(leg.asker, leg.to, leg.address, leg.to))
        if leg.target:
            found.append(Way(leg.target, leg.asker, leg.home(leg.asker, leg.target), leg.target))
    if leg.claim:
        for address, node in leg.servers.items():
            if node != leg.asker:
                found.append(Way(leg.asker, node, address, node))
                found.append(Way(node, leg.asker, leg.home(leg.asker, node), node))
    return tuple(dict.fromkeys(found))


def _route(way: Way) -> RunProgram:
    return RunProgram(way.node, ("ip", "-j", "route", "get", way.address), NEEDS)


def _forwarding(router: str) -> RunProgram:
    return RunProgram(router, ("cat", FORWARDING), inside=True)


def _asks(leg: Leg) -> tuple[Probe, ...]:
    tables = (probe(node) for node in leg.on_the_way() for probe in (addresses_of, neighbours_of))
    routers = (probe(node) for node in leg.routers for probe in (addresses_of, _forwarding))
    return (*tables, *routers, *(_route(way) for way in _ways(leg)))


def _reads(leg: Leg, results: Answers) -> Seen:
    readings = Readings()
    cut = [node for node in leg.on_the_way() if not _read_address(leg, node, results, readings)]
    ways = [way for way in _ways(leg) if way.node not in cut and way.to not in cut]
    _read_routes(leg, [way for way in _ways(leg) if way.node not in cut], results, readings)
    _read_neighbours(leg, ways, results, readings)
    _read_networks(leg, results, readings)
    if not leg.address and not leg.claim:
        readings.held.append("it asks itself")
    return readings.seen()


def _strikes(leg: Leg, node: str) -> tuple[LayerName, ...]:
    """The layers that suffer where a node has no address or no way is to it."""
    strikes: tuple[LayerName, ...] = ()
    if node in leg.dns_nodes or (node == leg.asker and leg.claim):
        strikes = ("dns",)
    return (*strikes, *AFTER_DNS) if node in (leg.asker, leg.target) or not leg.target else strikes


def _read_address(leg: Leg, node: str, results: Answers, readings: Readings) -> bool:
    """Whether a node has its addresses on interfaces that are up; true, too, where nobody can say."""
    found = ran_or_reason(results.get(addresses_of(node)))
    if isinstance(found, str):
        readings.unasked.append(f"not asked: {found}")
        return True
    if node not in (leg.asker, leg.target) and dns_works(leg, results):
        return True
    interfaces = read_json(found.out)
    return all(_has(leg, node, address, interfaces, readings) for address in _homes(leg, node))


def _homes(leg: Leg, node: str) -> tuple[str, ...]:
    """The addresses that a node needs here: the one that is asked for, or those on networks that it shares."""
    if node == leg.target and node != leg.asker and leg.address:
        return (leg.address,)
    others = [leg.asker] if node != leg.asker else [*([leg.target] if leg.target else []), *leg.dns_nodes]
    return tuple(dict.fromkeys(leg.home(node, other) for other in others))


def _has(leg: Leg, node: str, wanted: str, interfaces: Any, readings: Readings) -> bool:
    interface = interface_of(interfaces, wanted)
    if interface is None:
        _without(leg, node, wanted, interfaces, readings)
        return False
    name = interface.get("ifname", "?")
    if "UP" not in interface.get("flags", ()):
        sentence = f"The network interface {name} of {node} is down, so nothing gets in or out."
        command, flags = leg.commands.start_anew(node), f"{name} of {node}: {','.join(interface['flags'])}"
        readings.broken(f"{name} of {node} is down", sentence, command, *_strikes(leg, node), evidence=[flags])
        return False
    if (mtu := interface.get("mtu", LEAST_MTU)) < LEAST_MTU:
        sentence = f"The network interface {name} of {node} takes no packet of more than {mtu} bytes (its MTU)."
        command, seen = leg.commands.start_anew(node), f"{name} of {node} takes {mtu} bytes at most"
        readings.broken(seen, sentence, command, *_strikes(leg, node), evidence=[f"{name} of {node}: mtu {mtu}"])
        return True
    readings.evidence.append(f"{node} has {wanted} on {name}")
    return True


def _without(leg: Leg, node: str, wanted: str, interfaces: Any, readings: Readings) -> None:
    """No interface has the address: the engine took the interface away, or somebody inside took the address."""
    places = leg.context.topology.places_of(node)
    others = [one for one in ipv4_addresses(interfaces) if one not in {str(place.address) for place in places}]
    names = [str(one.get("ifname")) for one in interfaces or ()]
    if len(names) > len(places):  # with the loopback interface
        has = f"it has {listed(others)}" if others else "no interface has it"
        sentence = f"The node {node} does not have its address {wanted}: {has}."
        command = leg.commands.start_anew(node)
    else:
        sentence = f"The node {node} is cut off: it has no interface with its address {wanted}."
        command = leg.commands.heal()
    evidence = [f"interfaces of {node}: {', '.join(names)}"]
    readings.broken(f"{node} has no address {wanted}", sentence, command, *_strikes(leg, node), evidence=evidence)


def _read_routes(leg: Leg, ways: list[Way], results: Answers, readings: Readings) -> None:
    lost: dict[str, list[tuple[Way, str]]] = {}
    for way in ways:
        found = ran_or_reason(results.get(_route(way)))
        if isinstance(found, str):
            continue  # said already: its addresses could not be asked either
        if found.exit_code == 0:
            _held(leg, way, read_json(found.out), results, readings)
        elif _counts(leg, way, results):
            lost.setdefault(way.node, []).append((way, _said(found.err)))
    for node, missing in lost.items():
        _no_route(leg, node, missing, readings)


def _counts(leg: Leg, way: Way, results: Answers) -> bool:
    """A way to a DNS server and back matters only where the name was not resolved."""
    return way.far == leg.to or not dns_works(leg, results)


def _held(leg: Leg, way: Way, routes: Any, results: Answers, readings: Readings) -> None:
    """There is a way; one over the wrong gateway is to blame where nothing comes through."""
    if _first(routes).get("type") == "local":
        sentence = (
            f"{way.node} itself has the address {way.address} of {way.to}, and sends what is for {way.to} to itself."
        )
        command, seen = leg.commands.start_anew(way.node), f"{way.node} has the address {way.address} of {way.to}"
        readings.broken(seen, sentence, command, *_strikes(leg, way.far))
        return
    gateway, seen = _gateway(routes), f"{way.node} to {way.to} {_by(routes)}"
    astray = _astray(leg, way, gateway) if gateway else ""
    if astray and not _works(leg, way, results):
        sentence = f"{way.node} sends what is for {way.to} through {gateway} ({leg.owner(gateway)}), {astray}."
        command = leg.commands.run(way.node, "ip", "route", "get", way.address)
        readings.broken(seen, sentence, command, *_strikes(leg, way.far))
    elif way.node in (leg.asker, leg.target):
        readings.held.append(seen)


def _astray(leg: Leg, way: Way, gateway: str) -> str:
    """Why a gateway is the wrong one; empty where it is right, or not a node of the lab."""
    topology = leg.context.topology
    if leg.near(way.far):
        return f"though {way.to} is on its own network"
    owner = topology.owner(gateway)
    return "which is no router" if owner and owner not in routers(topology) else ""


def _read_neighbours(leg: Leg, ways: list[Way], results: Answers, readings: Readings) -> None:
    """A neighbour for whom another hardware address is known: a wrong entry, or a second machine with its address."""
    for way in ways:
        if not leg.near(way.far) or _works(leg, way, results):
            continue
        known = known_as(_printed(neighbours_of(way.node), results), way.address)
        own = hardware_address(_printed(addresses_of(way.to), results), way.address)
        if not known or not own or known == own:
            continue
        sentence = f"{way.node} sends what is for {way.to} to the hardware address {known}, but {way.to} has {own}."
        evidence = [f"{way.node}: ip neigh: {way.address} lladdr {known}", f"{way.to} has {way.address} on {own}"]
        command = leg.commands.run(way.node, "ip", "neigh")
        seen = f"{way.to} is {known} for {way.node}"
        readings.broken(seen, sentence, command, *_strikes(leg, way.far), evidence=evidence)


def _printed(probe: RunProgram, results: Answers) -> Any:
    """What ip(8) printed as JSON; None where it could not be asked."""
    found = results.get(probe)
    return read_json(found.out) if isinstance(found, ProgramResult) else None


def _works(leg: Leg, way: Way, results: Answers) -> bool:
    """Whether that for which a way is needed works: the connection, or the answer of a DNS server."""
    return connected(leg, results) if way.far == leg.to and leg.port else dns_works(leg, results)


def _no_route(leg: Leg, node: str, missing: list[tuple[Way, str]], readings: Readings) -> None:
    names = listed(list(dict.fromkeys(way.to for way, _ in missing)))
    back = node != leg.asker
    why = missing[0][1]
    sentence = f"The node {node} has no route {'back ' if back else ''}to {names}: {why}."
    strikes = [strike for way, _ in missing for strike in _strikes(leg, way.far)]
    command = leg.commands.run(node, "ip", "route", "get", missing[0][0].address)
    evidence = [f"{node}: ip route get {way.address}: {said}" for way, said in missing]
    readings.broken(f"{node} has no route to {names}", sentence, command, *strikes, evidence=evidence)


def _said(err: str) -> str:
    """The kernel's words in `RTNETLINK results: ...`."""
    lines = err.strip().splitlines()
    words = lines[-1].rpartition(": ")[2] if lines else "no answer"
    return MEANINGS.get(words, words)


def _by(routes: Any) -> str:
    """In words: by which interface, and by which gateway where the address is not on the same network."""
    gateway = _gateway(routes)
    return f"by {_first(routes).get('dev', '?')}" + (f" and the gateway {gateway}" if gateway else "")


def _gateway(routes: Any) -> str:
    return str(_first(routes).get("gateway", ""))


def _first(routes: Any) -> dict[str, Any]:
    return routes[0] if isinstance(routes, list) and routes and isinstance(routes[0], dict) else {}


def _read_networks(leg: Leg, results: Answers, readings: Readings) -> None:
    """Two nodes without a common network, where no connection is made."""
    topology, target = leg.context.topology, leg.target
    lost = _lost_servers(leg, results)
    cut = bool(target and target != leg.asker and not connected(leg, results) and not leg.near(target))
    if readings.wrong or not (lost or cut):
        return
    if leg.routers:
        _read_routers(leg, lost, cut, results, readings)
    if leg.routers or target is None or not cut:
        return
    own = [place.network for place in topology.places_of(leg.asker)]
    theirs = [place.network for place in topology.places_of(target)]
    sentence = (
        f"{leg.asker} and {target} have no network in common: "
        f"{leg.asker} stands on {listed(own)}, {target} on {listed(theirs)}."
    )
    readings.broken("no network in common", sentence, leg.commands.run(leg.asker, "ip", "route"), *AFTER_DNS)


def _lost_servers(leg: Leg, results: Answers) -> list[str]:
    """The DNS servers on other networks, where the name was not resolved."""
    far = [node for node in leg.dns_nodes if not leg.near(node)]
    return far if far and not dns_works(leg, results) else []


def _read_routers(leg: Leg, lost: list[str], cut: bool, results: Answers, readings: Readings) -> None:
    """The ways lead over a router: one that passes nothing on is to blame, or one behind which two servers are lost."""
    strikes: tuple[LayerName, ...] = ("dns", *AFTER_DNS) if lost else AFTER_DNS
    for router in leg.routers:
        told = results.get(_forwarding(router))
        if isinstance(told, ProgramResult) and told.out.strip() == "0":
            sentence = f"The router {router} passes nothing on: IP forwarding is off in it (net.ipv4.ip_forward = 0)."
            command = leg.commands.start_anew(router)
            evidence = [f"{FORWARDING} of {router}: 0"]
            readings.broken(f"{router} passes nothing on", sentence, command, *strikes, evidence=evidence)
            return
    if not lost or not cut:
        return
    for router in leg.routers:
        interfaces = _printed(addresses_of(router), results)
        homes = [str(place.address) for place in leg.context.topology.places_of(router)]
        if interfaces and not all(_has(leg, router, home, interfaces, readings) for home in homes):
            readings.strikes.update(("dns", *AFTER_DNS))
            return
    names = listed(leg.routers)
    sentence = f"Nothing comes through the router {names}: {leg.asker} reaches neither {leg.to} nor {listed(lost)}."
    command = leg.commands.run(leg.routers[0], "cat", FORWARDING)
    readings.broken(f"nothing comes through {names}", sentence, command, "dns", *AFTER_DNS)


ROUTE = Stage("route", _asks, _reads)
