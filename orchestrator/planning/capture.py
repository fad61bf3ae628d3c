"""The container that records a lab's networks: which it is, when `up` makes it, and what it is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from orchestrator.planning import labels
from orchestrator.planning.plan import MakeCapture, MakeNetwork, RemoveNetwork, RemoveNode, Step
from orchestrator.planning.snapshot import ObservedContainer, Snapshot
from orchestrator.planning.specs import Bind, ContainerSpec

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology

PROGRAM = "/usr/lib/wirelab/capture"
RING_MEGABYTES, RING_FILES = 64, 4
READING_MEGABYTES = 512  # what dumpcap and tshark need beside the recording
STEP = "capture:networks"
CAPABILITIES = ("NET_RAW",)
# Where a capture file is seen by the program that reads it.
READ_AT = "/capture.pcapng"


def capture_steps(topology: Topology, observed: Snapshot, before: tuple[Step, ...]) -> Iterator[Step]:
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


def recorder_of(observed: Snapshot) -> ObservedContainer | None:
    """The lab's recorder, if there is one."""
    return next((one for one in observed.containers if one.labels.get(labels.CAPTURE) == labels.RECORDER), None)


def networks_of(topology: Topology, observed: Snapshot) -> dict[str, str]:
    """Network -> the engine's id of it; empty where it is not there yet."""
    found = {name: observed.network_of(name, topology.lab) for name in topology.subnets}
    return {name: seen.id if seen else "" for name, seen in found.items()}


def capture_spec(topology: Topology, observed: Snapshot, bpf: str = "", ring: int = RING_MEGABYTES) -> ContainerSpec:
    """A recorder, without the networks that it is to hear; it keeps the last `ring` megabytes."""
    kilobytes = str(ring * 1000 // RING_FILES)
    command = (PROGRAM, "record", "--kilobytes", kilobytes, "--files", str(RING_FILES), *_filter(bpf))
    spec = replace(_spec(topology, observed, labels.RECORDER), command=command)
    if bpf:
        spec = replace(spec, labels={**spec.labels, labels.NARROWED: bpf})
    # what two networks recorded is copied twice when it is put in order of time; all of it counts as the node's memory
    megabytes = 3 * ring + 32
    tmpfs = {**spec.tmpfs, "/capture": f"size={megabytes}m,mode=755"}
    limits = spec.limits.model_copy(update={"memory": megabytes + READING_MEGABYTES})
    return replace(spec, tmpfs=tmpfs, limits=limits)


def listener_spec(topology: Topology, observed: Snapshot) -> ContainerSpec:
    """A container beside the recorder, in which the wire is heard and nothing is kept."""
    spec = _spec(topology, observed, labels.LISTENER)
    return replace(spec, name=f"{spec.name}-{observed.run}", command=("sleep", "infinity"))


def reader_spec(topology: Topology, observed: Snapshot, file: str, user: str) -> ContainerSpec:
    """A container that reads a capture file of this machine as that user; it has no network and no capability."""
    spec = _spec(topology, observed, labels.LISTENER)
    return replace(
        spec,
        name=f"{spec.name}-{observed.run}",
        command=("sleep", "infinity"),
        user=user,
        binds=(Bind(file, READ_AT),),
        host_network=False,
        capabilities=(),
    )


def _spec(topology: Topology, observed: Snapshot, what: str) -> ContainerSpec:
    """On the host's network, with NET_RAW and nothing else.

    It must be there to see the bridges; a container on the lab's own network would see broadcasts only.
    """
    # Here, for what only removes a lab does not load the scenario language.
    from orchestrator.model.node import Limits

    return ContainerSpec(
        name=f"wirelab-{topology.lab}-capture",
        image=observed.images["capture"],
        labels=labels.of_lab(topology.lab, topology.scenario.name, observed.run, capture=what),
        user="0",
        host_network=True,
        tmpfs={"/tmp": "size=16m,mode=1777", "/capture": "size=16m,mode=755"},
        capabilities=CAPABILITIES,
        limits=Limits(memory=768, cpus=2.0, pids=64),
    )


def _filter(bpf: str) -> tuple[str, ...]:
    return ("--filter", bpf) if bpf else ()


def filter_argv(bpf: str) -> tuple[str, ...]:
    """What fails, and says why, where a BPF expression means nothing."""
    return ("tcpdump", "-y", "EN10MB", "-d", bpf)


def listen_argv(networks: Mapping[str, str], bpf: str = "", then: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a listener is told: print pcapng, or hand it to the program `then`."""
    heard = (*_filter(bpf), *_interfaces(networks))
    return (PROGRAM, "follow", *heard, "--", *then) if then else (PROGRAM, "live", *heard)


def narrowed(topology: Topology, nodes: Sequence[str], bpf: str = "") -> str:
    """A BPF expression (pcap-filter(7)): what any of these nodes sends or receives, and what `bpf` says."""
    addresses = [str(address) for node in nodes for address in topology.addresses_of(node)]
    hosts = " or ".join(f"host {address}" for address in addresses)
    return " and ".join(f"({part})" for part in (hosts, bpf) if part) if hosts else bpf


def hearing(spec: ContainerSpec, networks: Mapping[str, str]) -> ContainerSpec:
    """The recorder with its networks: the engine names a bridge after the first 12 characters of its network's id."""
    return replace(spec, command=(*(spec.command or ()), *_interfaces(networks)))


def _interfaces(networks: Mapping[str, str]) -> list[str]:
    return [f"{name}=br-{network[:12]}" for name, network in networks.items() if network]


def names_of(topology: Topology) -> dict[str, str]:
    """Address -> node, for a story that shows names; the gateway is the engine's host."""
    ranges: tuple[IPv4Network | IPv6Network, ...] = (*topology.subnets.values(), *topology.subnets6.values())
    hosts = {str(one[1]): "host" for one in ranges}
    places = {
        str(address): place.node for place in topology.places for address in (*place.addresses(4), *place.addresses(6))
    }
    return {**hosts, **places}
