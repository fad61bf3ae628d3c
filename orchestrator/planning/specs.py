"""What the engine is asked to make, as values. Engines turn them into calls; nothing is decided there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.model.node import Limits


def _default_limits() -> Limits:
    """Imported when it is asked for: what only removes a lab need not load the scenario language."""
    from orchestrator.model.node import Limits

    return Limits()


@dataclass(frozen=True)
class NetworkSpec:
    """A bridge network with one range of addresses, and one of IPv6 beside it where `subnet6` is given.

    `gateway_unanswered`: the network is internal, but not declared so to the engine, which would drop too much: what
    a router of ours forwards, and, up to Engine 20.10, IPv6 neighbour discovery. Instead, nothing answers at the
    gateway address that nodes are given, so that no route leads out.

    `host_closed`: over IPv4 the engine's host and the nodes do not reach each other, for the bridge has no address.

    `bridge`: the name of the bridge on the engine's host; where it is empty, the engine gives it one.

    `member`: on whose engine it is made, in a lab over several members. With `overlay` it is a network of their Swarm,
    which takes its own addresses from that range, and the member is a manager.
    """

    name: str
    subnet: IPv4Network
    gateway: IPv4Address
    internal: bool
    labels: Mapping[str, str]
    gateway_unanswered: bool = False
    subnet6: IPv6Network | None = None
    host_closed: bool = False
    bridge: str = ""
    member: str = ""
    overlay: IPv4Network | None = None


@dataclass(frozen=True)
class Bind:
    """A file or folder of this machine, seen read-only inside the container."""

    source: str
    target: str


@dataclass(frozen=True)
class NamedVolume:
    """A volume with labels of its own; the engine fills a fresh one with what the image has at `target`."""

    name: str
    target: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Attach:
    """One end of a container on a network (by the engine's id for it) at a fixed address.

    `network_id` is empty in a plan for a network that the plan itself makes; the runner fills it in.
    """

    network: str
    network_id: str
    address: IPv4Address
    address6: IPv6Address | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """A container, hardened unless told otherwise: no capabilities, no new privileges, a read-only root.

    `member`: on whose engine it is made, in a lab over several members.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    hostname: str | None = None
    command: tuple[str, ...] | None = None
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attach, ...] = ()
    share_network_of: str | None = None
    # Only a capture stands on the host's network: a bridge can be heard from nowhere else.
    host_network: bool = False
    binds: tuple[Bind, ...] = ()
    volumes: tuple[NamedVolume, ...] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    # More lines of /etc/hosts: name and address.
    hosts: tuple[tuple[str, str], ...] = ()
    read_only: bool = True
    init: bool = True
    member: str = ""
    limits: Limits = field(default_factory=_default_limits)
