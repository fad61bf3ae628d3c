"""Who answered: another machine may have the address of a node that is stopped or cut off."""

from __future__ import annotations

from orchestrator.checks.interfaces import (
    addresses_of,
    hardware_address,
    interface_of,
    known_as,
    neighbours_of,
    read_json,
)
from orchestrator.checks.probes import CheckContext, GetNodeState, NodeState, ProbeResult, ProgramResult
from orchestrator.checks.steps import ProbeSteps

# A paused node runs no program; its kernel accepts connections all the same.
ANSWERS = ("running", "paused")


def impostor(context: CheckContext, asker: str, address: str) -> ProbeSteps[str]:
    """What proves that another machine answered at an address of a node; empty where nothing does.

    The node has the address on an interface, and on a network that both share, the asker sends to its hardware address.
    """
    node = context.topology.owner(address)
    if node is None or node == asker:
        return ""
    own, neighbours = yield (addresses_of(node), neighbours_of(asker))
    if not isinstance(own, ProgramResult):
        (state,) = yield (GetNodeState(node),)
        return _not_running(node, address, state)
    interfaces = read_json(own.out)
    if not isinstance(interfaces, list):
        return ""
    if interface_of(interfaces, address) is None:
        return f"{address} answered, but {node} does not have this address now: another machine has it"
    wanted = hardware_address(interfaces, address)
    known = known_as(read_json(neighbours.out), address) if isinstance(neighbours, ProgramResult) else ""
    if known and wanted and known != wanted:
        return f"{address} answered from the hardware address {known}, but {node} has {wanted}"
    return ""


def _not_running(node: str, address: str, state: ProbeResult) -> str:
    if not isinstance(state, NodeState) or state.state in ANSWERS:
        return ""
    return f"{address} answered, but {node} is {state.state}: another machine has its address"
