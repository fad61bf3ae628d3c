"""What stands of a lab: its nodes as a table and as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from orchestrator.checks.exhaustion import Exhausted
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import CAPABILITIES, recorder_of
from orchestrator.planning.desired import desired
from orchestrator.planning.snapshot import ObservedContainer, ObservedFiles, Snapshot
from orchestrator.rendering.tables import table

NONE_EXHAUSTED: Mapping[str, Sequence[Exhausted]] = MappingProxyType({})


def nodes_document(
    topology: Topology, observed: Snapshot, exhausted: Mapping[str, Sequence[Exhausted]] = NONE_EXHAUSTED
) -> dict[str, Any]:
    """As `wirelab ps --json` prints it."""
    nodes = [
        node_document(topology, observed, name)
        | {"exhausted": [resource.document() for resource in exhausted.get(name, ())]}
        for name in topology.scenario.nodes
    ]
    return {"schema": 1, "lab": topology.lab, "scenario": topology.scenario.name, "nodes": nodes}


def node_document(topology: Topology, observed: Snapshot, name: str) -> dict[str, Any]:
    container = observed.container_of(name)
    addresses = [*container.addresses.values(), *container.addresses6.values()] if container else []
    return {
        "node": name,
        "role": topology.node(name).role,
        "container": container.id if container else None,
        "addresses": [str(address) for address in addresses if address],
        "state": state_of(container, observed.files.get(name, ObservedFiles())),
        "out_of_memory": bool(container and container.out_of_memory),
        **({"member": observed.split.nodes[name]} if observed.split else {}),
    }


def node_states(topology: Topology, observed: Snapshot) -> dict[str, str]:
    """The state of each node; empty where nothing of the lab stands."""
    states = {node["node"]: node["state"] for node in nodes_document(topology, observed)["nodes"]}
    return {} if set(states.values()) == {"missing"} else states


def lab_document(topology: Topology, observed: Snapshot, node_names: Sequence[str]) -> dict[str, Any]:
    """As `wirelab inspect` prints it: the networks, these nodes with all that is known of them, and the capture."""
    networks = {name: str(subnet) for name, subnet in topology.subnets.items()}
    return {
        "schema": 1,
        "lab": topology.lab,
        "domain": topology.scenario.domain,
        "networks": networks,
        "nodes": [_declared_document(topology, observed, node_name) for node_name in node_names],
        "capture": capture_document(observed),
    }


def _declared_document(topology: Topology, observed: Snapshot, node_name: str) -> dict[str, Any]:
    """A node as it is now, and what its container is made of."""
    spec = desired(topology, observed, node_name).spec
    declared = {
        "name": topology.name_of(node_name),
        "uses": list(topology.node(node_name).uses),
        "image": spec.image,
        "user": spec.user,
        "capabilities": list(spec.capabilities),
        "read_only": spec.read_only,
        "limits": spec.limits.as_values(),
        "mounts": {bind.target: bind.source for bind in spec.binds},
    }
    return {**node_document(topology, observed, node_name), **declared}


def capture_document(observed: Snapshot) -> dict[str, Any] | None:
    """The recorder and what it alone may do; None where there is none."""
    recorder = recorder_of(observed)
    if recorder is None:
        return None
    return {
        "container": recorder.id,
        "state": recorder.state,
        "network": "host",
        "capabilities": list(CAPABILITIES),
        "why": "a bridge is heard only from the engine's host; no node of the lab is changed",
    }


def state_of(container: ObservedContainer | None, files: ObservedFiles) -> str:
    """ready, starting, stopped, paused or missing."""
    if container is None:
        return "missing"
    if container.state == "paused":
        return "paused"
    if container.state != "running":
        return "stopped"
    record = files.record
    proved = record is not None and record.container == container.id and record.ready == container.started
    return "ready" if proved else "starting"


def _state_text(node: dict[str, Any]) -> str:
    """The state, and of what the node has no more."""
    facts = [Exhausted(**{**resource, "where": resource["where"] or ""}).fact() for resource in node["exhausted"]]
    if node["out_of_memory"] and "out of memory" not in facts:
        facts.append("out of memory")
    return ", ".join((str(node["state"]), *facts))


def exhausted_text(exhausted: Mapping[str, Sequence[Exhausted]], commands: Commands) -> str:
    """A sentence for each resource of which a node has no more, and the command that helps."""
    return "\n".join(
        f"{resource.sentence(node)}\n  try: {commands.relieve(node, resource)}"
        for node, resources in exhausted.items()
        for resource in resources
    )


def nodes_text(document: dict[str, Any], width: int | None = None) -> str:
    """One line for each node; in a split lab the last column is its member."""
    rows = [
        (
            n["node"],
            n["role"],
            _state_text(n),
            " ".join(n["addresses"]) or "-",
            (n["container"] or "-")[:12],
            *([n["member"]] if "member" in n else []),
        )
        for n in document["nodes"]
    ]
    columns = ("NODE", "ROLE", "STATE", "ADDRESSES", "CONTAINER", "MEMBER")
    return table(columns[: len(rows[0])], rows, width)
