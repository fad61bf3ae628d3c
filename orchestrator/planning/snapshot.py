"""What there is: a snapshot of the engine and of the lab's folder. Planning compares it with what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Literal

from orchestrator.model.credentials import Credentials
from orchestrator.planning import labels
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.model.secret import Secret
    from orchestrator.planning.injected_faults import InjectedFault
    from orchestrator.planning.split import Split

# The file of a node that its container sees as /etc/resolv.conf.
RESOLVER_FILE = "resolv.conf"

ContainerStatus = Literal["running", "paused", "exited", "created", "restarting", "removing", "dead"]


@dataclass(frozen=True)
class ObservedNetwork:
    """A network of the engine, ours or not; `gateway_unanswered`, `host_closed` and `bridge` as in `NetworkSpec`.

    `member` is the one on whose engine it is, where several are looked at; one that is an `overlay` is on all of them.
    """

    id: str
    name: str
    subnets: tuple[IPv4Network, ...]
    internal: bool
    labels: Mapping[str, str]
    gateway_unanswered: bool = False
    subnets6: tuple[IPv6Network, ...] = ()
    host_closed: bool = False
    bridge: str = ""
    member: str = ""
    overlay: bool = False


@dataclass(frozen=True)
class ObservedContainer:
    """A container of ours. `addresses` by network id; `started` is the engine's own text, new at each start.

    `image` is the engine's id of the image that it was made from, whatever bears that image's name now.

    A stopped one has no addresses; `claims` are those that it will ask for when it starts.

    `out_of_memory`: since its last start the kernel ended a program in it that wanted more than the node's limit.

    `ended` is that of its last end. What a container wrote since its last start came after `ended`, not always after
    `started`: an engine notes the time of a start when the program already runs.
    """

    id: str
    name: str
    state: ContainerStatus
    started: str
    exit_code: int
    labels: Mapping[str, str]
    addresses: Mapping[str, IPv4Address | None]
    ended: str = ""
    addresses6: Mapping[str, IPv6Address] = field(default_factory=dict)
    claims: Mapping[str, IPv4Address] = field(default_factory=dict)
    claims6: Mapping[str, IPv6Address] = field(default_factory=dict)
    image: str = ""
    out_of_memory: bool = False

    @property
    def stopped(self) -> bool:
        """Whether it does not run, and can be started."""
        return self.state in ("exited", "created")

    def places(self) -> dict[str, IPv4Interface]:
        """Network name -> the address with its range that wirelab gave this container when it was made."""
        pairs = (entry.split("=", 1) for entry in self.labels.get(labels.PLACES, "").split())
        return {network: IPv4Interface(address) for network, address in pairs}


# Exit codes after SIGKILL and SIGTERM, and of an orderly end: somebody stopped the node, it did not fail.
STOPPED_CODES = (0, 137, 143)


@dataclass(frozen=True)
class ListedContainer:
    """A container as the engine's list has it. The list costs an engine far less than to look at each container."""

    id: str
    state: ContainerStatus
    labels: Mapping[str, str]


@dataclass(frozen=True)
class ProcessCount:
    """How many processes and threads a container has, and how many it may have; 0 is no limit."""

    running: int
    limit: int

    @property
    def is_exhausted(self) -> bool:
        """Whether a shell that is run in it could start no program."""
        return 0 < self.limit < self.running + 2


@dataclass(frozen=True)
class ObservedVolume:
    """A volume of ours."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class ContainerRecord:
    """What wirelab knows of a container that the engine does not: kept beside the node's files.

    `ready` is the `started` of the start that was proved ready; `loaded` the hash of the files that its program has
    read; `resolver` the inode of the resolv.conf that is mounted: a file replaced by hand has another one, and the
    container goes on seeing the old one. `routed` are the routes that it was given, since the start that bears its
    time: a new start has none of them.
    """

    container: str
    ready: str = ""
    loaded: str = ""
    resolver: int = 0
    routed: str = ""
    routed_at: str = ""


@dataclass(frozen=True)
class ObservedFiles:
    """The files of one node as they stand on this machine."""

    texts: Mapping[str, str] = field(default_factory=dict)
    resolver: int = 0
    record: ContainerRecord | None = None


@dataclass(frozen=True)
class BlockedAddresses:
    """The packets that a container drops when they arrive, since the start of that time: a new start drops nothing.

    While it is not `complete`, nobody knows how far the change to these has come.
    """

    container: str
    started: str
    addresses: tuple[str, ...]
    complete: bool = True


@dataclass(frozen=True)
class UsedRange:
    """A range of addresses that is in use already, and by what."""

    range: IPv4Network | IPv6Network
    by: str


@dataclass(frozen=True)
class Snapshot:
    """Everything that a plan depends on besides the declaration.

    `images` maps an image name of ours to its tag; `secrets` holds one password a node, `credentials` the certificates
    and key pairs. Where none that will do is kept they are new, and a plan keeps them first: `new_passwords` names
    those nodes, `new_credentials` says why.
    `folder` is where the node files stand on this machine.
    """

    folder: str
    run: str
    images: Mapping[str, str]
    networks: tuple[ObservedNetwork, ...] = ()
    containers: tuple[ObservedContainer, ...] = ()
    volumes: tuple[ObservedVolume, ...] = ()
    files: Mapping[str, ObservedFiles] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    credentials: Credentials = field(default_factory=Credentials)
    new_passwords: tuple[str, ...] = ()
    new_credentials: str = ""
    taken: tuple[UsedRange, ...] = ()
    # The images of ours that a plan may need and the engine lacks.
    missing_images: tuple[str, ...] = ()
    # An author's image, as the file names it -> the engine's id of it now; without those that the engine lacks.
    image_ids: Mapping[str, str] = field(default_factory=dict)
    # Whether the engine gives a network its bridge only with the first container on it.
    late_bridges: bool = False
    # Node -> its routes through others, where somebody looked and could see them.
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The faults that are in, in the order in which they were put in, and what nodes drop because of them.
    faults: tuple[InjectedFault, ...] = ()
    blocked: Mapping[str, BlockedAddresses] = field(default_factory=dict)
    # The runs of commands that are at work now, among those that made something beside a node.
    living_runs: frozenset[str] = frozenset()
    # Which node stands on which member, in a lab over several.
    split: Split | None = None

    def is_left_beside(self, container: ObservedContainer) -> bool:
        """Whether it stands beside a node, and the command that made it has ended."""
        return labels.SIDECAR in container.labels and container.labels.get(labels.RUN) not in self.living_runs

    def container_of(self, node: str) -> ObservedContainer | None:
        """The container of a node; sidecars are none."""
        return self._by_node.get(node)

    @cached_property
    def _by_node(self) -> Mapping[str, ObservedContainer]:
        nodes = [c for c in self.containers if labels.NODE in c.labels and labels.SIDECAR not in c.labels]
        return {container.labels[labels.NODE]: container for container in reversed(nodes)}

    def blocked_in(self, node: str) -> tuple[str, ...] | None:
        """The packets that the node, as it runs now, drops when they arrive; None where nobody knows."""
        container, seen = self.container_of(node), self.blocked.get(node)
        if container is None or seen is None or container.state not in ("running", "paused"):
            return ()
        if (seen.container, seen.started) != (container.id, container.started):
            return ()
        return seen.addresses if seen.complete else None

    def network_of(self, name: str, lab: str) -> ObservedNetwork | None:
        """The network of that name in that lab."""
        wanted = (lab, name)
        return next(
            (n for n in self.networks if (n.labels.get(labels.LAB), n.labels.get(labels.NETWORK)) == wanted),
            None,
        )
