"""The container that records a lab's networks: its specification, its steps in a plan, its command lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.planning import labels
from orchestrator.planning.plan import MakeCapture, MakeNetwork, MakeNode, RemoveNetwork, RemoveNode, StartNode, Step
from orchestrator.planning.snapshot import ObservedContainer, Snapshot
from orchestrator.planning.specs import Bind, ContainerSpec

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology

PROGRAM = "/usr/lib/wirelab/capture"
RING_MEGABYTES, RING_FILES = 64, 4
INSIDE_KILOBYTES = 2000  # of each file of a ring with loopback packets; /capture has 16 MB there
READING_MEGABYTES = 512  # what dumpcap and tshark need beside the recording
STEP = "capture:networks"
CAPABILITIES = ("NET_RAW",)
NOBODY = "65534:65534"
# Let the program that waits for packets start: what `late_argv` runs.
READ_NOW = (PROGRAM, "read-now")
# The path of a capture file in the container that reads it.
READ_AT = "/capture.pcapng"


def capture_steps(topology: Topology, observed: Snapshot, before: tuple[Step, ...]) -> Iterator[Step]:
    """Make the recorder if it is missing or has ended, or if `before` makes its networks anew. Nodes wait for it."""
    recorder = recorder_of(observed)
    changed = any(isinstance(step.action, MakeNetwork | RemoveNetwork) for step in before)
    if recorder and recorder.state == "running" and not changed:
        return
    needs = [step.id for step in before if isinstance(step.action, MakeNetwork)]
    if recorder:
        reason = "the networks changed" if changed else "it no longer records"
        yield Step("remove:capture", RemoveNode("capture", recorder.id), reason)
        needs.append("remove:capture")
    networks = bridges_of(topology, observed)
    # The engine has not given an id yet to those that are made anew.
    networks.update({step.action.network: "" for step in before if isinstance(step.action, MakeNetwork)})
    action = MakeCapture(recorder_spec(topology, observed), networks)
    yield Step(STEP, action, "missing" if not recorder else reason, tuple(needs), " ".join(networks))


def late_capture_steps(topology: Topology, observed: Snapshot, before: tuple[Step, ...]) -> Iterator[Step]:
    """The same where a network has a bridge only while a node is on it: the recorder comes after the nodes."""
    started = tuple(step.id for step in before if isinstance(step.action, MakeNode | StartNode))
    for step in capture_steps(topology, observed, before):
        yield replace(step, needs=(*step.needs, *started))


def recorder_of(observed: Snapshot) -> ObservedContainer | None:
    """The lab's recorder, if there is one."""
    recorders = (item for item in observed.containers if item.labels.get(labels.CAPTURE) == labels.RECORDER)
    return next(recorders, None)


def bridges_of(topology: Topology, observed: Snapshot) -> dict[str, str]:
    """Map each network to its bridge on the engine's host; empty if it does not exist yet."""
    networks = {name: observed.network_of(name, topology.lab) for name in topology.subnets}
    return {name: network.bridge if network else "" for name, network in networks.items()}


def recorder_spec(topology: Topology, observed: Snapshot, bpf: str = "", ring: int = RING_MEGABYTES) -> ContainerSpec:
    """A recorder without its networks. It keeps the last `ring` megabytes."""
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


def live_spec(topology: Topology, observed: Snapshot) -> ContainerSpec:
    """A container that captures live, beside the recorder, and keeps nothing."""
    spec = _spec(topology, observed, labels.LISTENER)
    return replace(spec, name=f"{spec.name}-{observed.run}", command=("sleep", "infinity"))


def inside_spec(topology: Topology, observed: Snapshot, container: str, record: str = "") -> ContainerSpec:
    """A container in the network namespace of a node, which sees the node's loopback interface and its sockets.

    With `record`, the name of the node, it keeps the last packets of the loopback interface.
    """
    spec = live_spec(topology, observed)
    spec = replace(spec, name=f"{spec.name}-inside", host_network=False, share_network_of=container)
    if not record:
        return spec
    command = (PROGRAM, "record", "--kilobytes", str(INSIDE_KILOBYTES), "--files", str(RING_FILES), f"{record}=lo")
    return replace(spec, command=command)


def inside_argv(node: str, then: tuple[str, ...]) -> tuple[str, ...]:
    """The command that captures the loopback interface and passes pcapng to the program `then`."""
    return (PROGRAM, "follow", f"{node}=lo", "--", *then)


def reader_spec(topology: Topology, observed: Snapshot, file: str, user: str) -> ContainerSpec:
    """A container that reads a capture file of this machine as that user, without network and capabilities."""
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


def decoder_spec(topology: Topology, observed: Snapshot) -> ContainerSpec:
    """A container that decodes what others hand in, as nobody, without network, capabilities and files."""
    spec = replace(_spec(topology, observed, labels.LISTENER), user=NOBODY, host_network=False, capabilities=())
    return replace(spec, name=f"{spec.name}-{observed.run}", command=("sleep", "infinity"))


def split_unrecorded(lab: str, members: Sequence[str]) -> UsageInvalid:
    """The error for what records, or watches, a lab that is split over members."""
    return UsageInvalid(
        f"the lab {lab!r} is split over {', '.join(members)}, and cannot be recorded",
        why="a recorder sees the networks of one engine, and none that spans several",
        hint="record the scenario in a lab on one member: --member NAME --lab OTHER",
    )


def _spec(topology: Topology, observed: Snapshot, what: str) -> ContainerSpec:
    """On the host's network, with NET_RAW and nothing else.

    It must be there to see the bridges; a container on the lab's own network would see broadcasts only.
    """
    # Here, for what only removes a lab does not load the scenario language.
    from orchestrator.model.node import Limits

    if observed.split:
        raise split_unrecorded(topology.lab, observed.split.members)
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
    """A command that fails, and says why, if a BPF expression cannot be compiled."""
    return ("tcpdump", "-y", "EN10MB", "-d", bpf)


def live_argv(networks: Mapping[str, str], bpf: str = "", then: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The command that captures live: print pcapng, or pass it to the program `then`."""
    options = (*_filter(bpf), *_interfaces(networks))
    return (PROGRAM, "follow", *options, "--", *then) if then else (PROGRAM, "live", *options)


def late_argv(networks: Mapping[str, str], then: tuple[str, ...]) -> tuple[str, ...]:
    """The same for networks without IPv6: the program `then` starts with the first packet, or at READ_NOW.

    There, IPv6 packets are those by which the engine's host says that it has a bridge, and which concern no node.
    """
    return (PROGRAM, "follow", "--when-needed", "--filter", "not ip6", *_interfaces(networks), "--", *then)


def capture_filter(topology: Topology, nodes: Sequence[str], bpf: str = "") -> str:
    """A BPF expression (pcap-filter(7)) for what any of these nodes sends or receives, and that `bpf` matches."""
    addresses = [str(address) for node in nodes for address in topology.addresses_of(node)]
    hosts = " or ".join(f"host {address}" for address in addresses)
    return " and ".join(f"({part})" for part in (hosts, bpf) if part) if hosts else bpf


def with_networks(spec: ContainerSpec, networks: Mapping[str, str]) -> ContainerSpec:
    """Add its networks to a recorder: the bridge of each."""
    return replace(spec, command=(*(spec.command or ()), *_interfaces(networks)))


def _interfaces(networks: Mapping[str, str]) -> list[str]:
    return [f"{name}={bridge}" for name, bridge in networks.items() if bridge]


def node_networks(topology: Topology) -> dict[str, frozenset[str]]:
    """Map each address of a node to the networks on which the node stands."""
    networks: dict[str, set[str]] = {}
    for attachment in topology.attachments:
        networks.setdefault(attachment.node, set()).add(attachment.network)
    return {
        str(address): frozenset(networks[attachment.node])
        for attachment in topology.attachments
        for address in (*attachment.addresses(4), *attachment.addresses(6))
    }


def node_names(topology: Topology) -> dict[str, str]:
    """Map each address to its node, for a story that shows names; the gateway is `host`, the engine's machine."""
    ranges: tuple[IPv4Network | IPv6Network, ...] = (*topology.subnets.values(), *topology.subnets6.values())
    hosts = {str(subnet[1]): "host" for subnet in ranges}
    attachments = {
        str(address): attachment.node
        for attachment in topology.attachments
        for address in (*attachment.addresses(4), *attachment.addresses(6))
    }
    return {**hosts, **attachments}
