"""The container that records a lab's networks: which it is, and what it is told. Pure."""

from __future__ import annotations

from orchestrator.model.node import Limits
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.observed import Observed
from orchestrator.planning.specs import ContainerSpec

PROGRAM = "/usr/lib/wirelab/capture"
RING_MEGABYTES, RING_FILES = 16, 4


def capture_spec(topology: Topology, observed: Observed, bpf: str = "") -> ContainerSpec:
    """A recorder of all networks of a lab: on the host's network, with NET_RAW and nothing else.

    It must be there to see the bridges; a container on the lab's own network would see broadcasts only.
    """
    interfaces = []
    for name in topology.subnets:
        seen = observed.network_of(name, topology.lab)
        if seen:
            interfaces.append(f"{name}=br-{seen.id[:12]}")
    more = ("--filter", bpf) if bpf else ()
    ring = ("--megabytes", str(RING_MEGABYTES), "--files", str(RING_FILES))
    own = labels.of_lab(topology.lab, topology.scenario.name, observed.run, capture=labels.RECORDER)
    return ContainerSpec(
        name=f"wirelab-{topology.lab}-capture",
        image=observed.images["capture"],
        labels=own,
        command=(PROGRAM, "record", *ring, *more, *interfaces),
        user="0",
        host_network=True,
        tmpfs={"/tmp": "size=16m,mode=1777", "/capture": f"size={RING_MEGABYTES * (RING_FILES + 2)}m,mode=755"},
        capabilities=("NET_RAW",),
        limits=Limits(memory=512, cpus=2.0, pids=64),
    )


def names_of(topology: Topology) -> dict[str, str]:
    """Address -> node, for a story that shows names; the gateway is the engine's host."""
    hosts = {str(subnet[1]): "host" for subnet in topology.subnets.values()}
    return {**hosts, **{str(place.address): place.node for place in topology.places}}
