"""The container that records a lab's networks: which it is, when `up` makes it, and what it is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from orchestrator.model.node import Limits
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.observed import ContainerSeen, Observed
from orchestrator.planning.plan import MakeCapture, MakeNetwork, RemoveNetwork, RemoveNode, Step
from orchestrator.planning.specs import ContainerSpec

PROGRAM = "/usr/lib/wirelab/capture"
RING_MEGABYTES, RING_FILES = 16, 4
STEP = "capture:networks"


def capture_steps(topology: Topology, observed: Observed, before: tuple[Step, ...]) -> Iterator[Step]:
    """The recorder, if it is missing, ended, or hears networks that `before` makes anew; every node waits for it."""
    seen = recorder_of(observed)
    changed = any(isinstance(step.action, MakeNetwork | RemoveNetwork) for step in before)
    if seen and seen.state == "running" and not changed:
        return
    needs = [step.id for step in before if isinstance(step.action, MakeNetwork)]
    if seen:
        reason = "the networks changed" if changed else "it no longer records"
        yield Step("remove:capture", RemoveNode("capture", seen.id), reason)
        needs.append("remove:capture")
    networks = networks_of(topology, observed)
    # those that are made anew get another id, which the engine has not given yet
    networks.update({step.action.network: "" for step in before if isinstance(step.action, MakeNetwork)})
    action = MakeCapture(capture_spec(topology, observed), networks)
    yield Step(STEP, action, "missing" if not seen else reason, tuple(needs), " ".join(networks))


def recorder_of(observed: Observed) -> ContainerSeen | None:
    """The lab's recorder, if there is one."""
    return next((one for one in observed.containers if one.labels.get(labels.CAPTURE) == labels.RECORDER), None)


def networks_of(topology: Topology, observed: Observed) -> dict[str, str]:
    """Network -> the engine's id of it; empty where it is not there yet."""
    found = {name: observed.network_of(name, topology.lab) for name in topology.subnets}
    return {name: seen.id if seen else "" for name, seen in found.items()}


def capture_spec(topology: Topology, observed: Observed, bpf: str = "") -> ContainerSpec:
    """A recorder, without the networks that it is to hear: on the host's network, with NET_RAW and nothing else.

    It must be there to see the bridges; a container on the lab's own network would see broadcasts only.
    """
    more = ("--filter", bpf) if bpf else ()
    ring = ("--megabytes", str(RING_MEGABYTES), "--files", str(RING_FILES))
    own = labels.of_lab(topology.lab, topology.scenario.name, observed.run, capture=labels.RECORDER)
    return ContainerSpec(
        name=f"wirelab-{topology.lab}-capture",
        image=observed.images["capture"],
        labels=own,
        command=(PROGRAM, "record", *ring, *more),
        user="0",
        host_network=True,
        tmpfs={"/tmp": "size=16m,mode=1777", "/capture": f"size={RING_MEGABYTES * (RING_FILES + 2)}m,mode=755"},
        capabilities=("NET_RAW",),
        limits=Limits(memory=512, cpus=2.0, pids=64),
    )


def hearing(spec: ContainerSpec, networks: Mapping[str, str]) -> ContainerSpec:
    """The recorder with its networks: the engine names a bridge after the first 12 characters of its network's id."""
    interfaces = [f"{name}=br-{network[:12]}" for name, network in networks.items() if network]
    return replace(spec, command=(*(spec.command or ()), *interfaces))


def names_of(topology: Topology) -> dict[str, str]:
    """Address -> node, for a story that shows names; the gateway is the engine's host."""
    ranges: tuple[IPv4Network | IPv6Network, ...] = (*topology.subnets.values(), *topology.subnets6.values())
    hosts = {str(one[1]): "host" for one in ranges}
    places = {str(address): place.node for place in topology.places for address in (*place.told(4), *place.told(6))}
    return {**hosts, **places}
