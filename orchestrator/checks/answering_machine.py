"""Who answered: another machine may have the address of a node that is stopped or cut off, or be where a rule of the
asker's packet filter leads the connection (NAT)."""

from __future__ import annotations

from ipaddress import ip_address

from orchestrator.checks.interfaces import (
    addresses_of,
    hardware_address,
    interface_of,
    known_as,
    read_json,
    silent_seconds,
    used_neighbours_of,
)
from orchestrator.checks.probes import (
    CheckContext,
    GetNodeState,
    LogText,
    LookAtNetwork,
    NodeState,
    ProbeResult,
    ProgramResult,
)
from orchestrator.checks.steps import ProbeSteps
from orchestrator.planning.seen_network import read_network

# A paused node runs no program; its kernel accepts connections all the same.
ANSWERS = ("running", "paused")
LED_ELSEWHERE = "leads its packets elsewhere"
# The kernel counts whole seconds, and is told of an answer a moment later.
SLACK_SECONDS = 2.0


def impostor(context: CheckContext, asker: str, address: str, port: int, protocol: str = "tcp") -> ProbeSteps[str]:
    """What proves that another machine answered at an address of a node; empty where nothing does.

    The node has the address on an interface, and on a network that both share, the asker sends to its hardware address.
    If nothing came from that neighbour since the check began, the asker's packet filter is read, too.
    """
    node = context.topology.owner(address)
    if node is None or node == asker:
        return ""
    own, neighbours = yield (addresses_of(node), used_neighbours_of(asker))
    if not isinstance(own, ProgramResult):
        (state,) = yield (GetNodeState(node),)
        return _not_running(node, address, state)
    interfaces = read_json(own.out)
    if not isinstance(interfaces, list):
        return ""
    if interface_of(interfaces, address) is None:
        return f"{address} answered, but {node} does not have this address now: another machine has it"
    table = read_json(neighbours.out) if isinstance(neighbours, ProgramResult) else None
    wanted, known = hardware_address(interfaces, address), known_as(table, address)
    if known and wanted and known != wanted:
        return f"{address} answered from the hardware address {known}, but {node} has {wanted}"
    if isinstance(neighbours, ProgramResult) and _was_silent(context, asker, address, neighbours):
        return (yield from _led_elsewhere(context, asker, address, port, protocol))
    return ""


def _was_silent(context: CheckContext, asker: str, address: str, neighbours: ProgramResult) -> bool:
    """Whether nothing came from a neighbour since the check began, although something answered for it."""
    topology, place = context.topology, ip_address(address)
    own = [attachment.network for attachment in topology.attachments_of(asker)]
    subnets = [subnet for known in (topology.subnets, topology.subnets6) for subnet in map(known.get, own) if subnet]
    silent = silent_seconds(read_json(neighbours.out), address)
    near = any(place in subnet for subnet in subnets)
    return near and silent is not None and silent > neighbours.started - context.began + SLACK_SECONDS


def _led_elsewhere(context: CheckContext, asker: str, address: str, port: int, protocol: str) -> ProbeSteps[str]:
    (look,) = yield (LookAtNetwork(asker),)
    rules = read_network(look.text).filter_rules if isinstance(look, LogText) else ()
    ends = frozenset({address, *map(str, context.topology.addresses_of(asker))})
    leading = (rule for rule in rules if rule.leads_elsewhere and rule.may_meet(protocol, port, ends))
    rule = next(leading, None)
    return f"{address} has not answered: a packet filter rule in {asker} {LED_ELSEWHERE} ({rule})" if rule else ""


def _not_running(node: str, address: str, state: ProbeResult) -> str:
    if not isinstance(state, NodeState) or state.state in ANSWERS:
        return ""
    return f"{address} answered, but {node} is {state.state}: another machine has its address"
