"""What a role brings to a node: image, user, listeners, readiness, limits, files.

A role is one folder under `model/roles/` that holds a `ROLE`. The folder is found by itself: a new role needs no
change elsewhere. The image of a role is `images/<image>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from orchestrator.model.mounted_files import FILES_AT as FILES_AT
from orchestrator.model.node import Limits, Listener
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.model.tls import UpstreamTls
    from orchestrator.model.topology_view import TopologyView


def no_texts(_topology: TopologyView, _node: str) -> dict[str, str]:
    """The role needs nothing of this kind."""
    return {}


def no_file_names(_node: Any) -> tuple[str, ...]:
    """The node mentions no file."""
    return ()


def no_other_node(_node: Any) -> None:
    """The node refers to no other one."""


@dataclass(frozen=True)
class Volume:
    """A volume that outlives the node's restarts; a new one is made when `from_files` change."""

    path: str
    from_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serving:
    """What the listeners of a node can ask of its role's own server: how many there may be, which protocols, TLS
    or not, one certificate or one for each server name.

    With `most` 0 the server listens where it always does, and nothing can be said.
    """

    most: int = 16
    protocols: tuple[str, ...] = ("tcp",)
    tls: bool = False
    server_names: bool = False


@dataclass(frozen=True)
class PeerLog:
    """A server whose log names its peers: what it is called, a pattern with the address as its group, and a mark of
    the lines that count for nothing.

    `passed_to`: a pattern with the address of the server that a request was passed on to, where the log tells it.
    """

    says: str
    pattern: str
    without: str = ""
    passed_to: str = ""


def plain(_node: Any) -> None:
    """The node speaks no TLS to the servers that it uses."""


def no_files_for_clients(_topology: TopologyView, _node: str, _client: str) -> dict[str, str]:
    """Who uses the node needs nothing for it."""
    return {}


def bound_to(topology: TopologyView, node: str, listener: Listener) -> tuple[str, ...]:
    """The addresses that a server must bind for a listener: 0.0.0.0 for all of IPv4, and :: where the node has IPv6."""
    match listener.address:
        case None | "all":
            on_ipv6 = any(attachment.address6 for attachment in topology.attachments_of(node))
            return ("0.0.0.0", "::") if on_ipv6 else ("0.0.0.0",)
        case "loopback":
            return ("127.0.0.1",)
        case where:
            ends = [attachment for attachment in topology.attachments_of(node) if attachment.network == where]
            return tuple(str(address) for end in ends for address in (*end.addresses(4), *end.addresses(6))) or (where,)


@dataclass(frozen=True)
class Role:
    """All that belongs to a role.

    `serves` is the protocol that its server speaks, as people call it (HTTP): whoever needs a server of a protocol
    finds it by this, so a node of a role that serves DNS has the settings of `Dns`. `ready` is the readiness probe of
    the image (images/README.md); `files` maps names below /wirelab to their text; `mentions` names the files beside the
    scenario that the node needs; `reload` is the signal after which the program reads changed files again, None
    where it must start anew; `reloaded` is what its log says once it goes by them, and `refused` what it says where
    it goes on by the old ones; `tools` are the programs that checks may use inside the role's own image; `tmpfs`
    maps paths to mount options; `peer_source` says how a server of this role tells who its peers were
    (`checks/peer_evidence.py`); `forwards` says that its kernel passes packets on. `serving` is what its server
    makes of the node's listeners, None where they only say what a program of the author's does.
    `health_path` is the path of an HTTP server that needs nothing but its own program, `identity_path` the one under
    which it says who asked and who answers. `forwards_requests` says that it passes requests on to the nodes that it
    uses, `custom_program` that its nodes run a program of the author's. In a node with `default_client` people look
    around when they name none.
    `password_from` names the node whose password a node has, None where it has one of its own; `replica_of` the node of
    which a node is a copy. Where `reload_files` names files, the program reads only these again.
    `keys` are the names of key pairs that are made for each node; `for_clients` the files of those who use it.
    `upstream_tls` says how a node speaks TLS to the servers to which it passes requests on, None where it does not.
    """

    name: str
    summary: str
    node: type[Any]
    image: str | None
    user: int | None
    listeners: tuple[Listener, ...] = ()
    serves: str = ""
    ready: str = "none"
    limits: Limits = field(default_factory=Limits)
    capabilities: tuple[str, ...] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    volume: Volume | None = None
    secret: bool = False
    reload: str | None = None
    reload_files: frozenset[str] | None = None
    reloaded: str = ""
    refused: str = ""
    peer_source: str | PeerLog = "sockets"
    serving: Serving | None = None
    keys: tuple[str, ...] = ()
    forwards: bool = False
    forwards_requests: bool = False
    custom_program: bool = False
    default_client: bool = False
    health_path: str = ""
    identity_path: str = ""
    tools: frozenset[str] = frozenset()
    environment: Callable[[TopologyView, str], Mapping[str, str]] = no_texts
    files: Callable[[TopologyView, str], Mapping[str, str]] = no_texts
    for_clients: Callable[[TopologyView, str, str], Mapping[str, str]] = no_files_for_clients
    mentions: Callable[[Any], tuple[str, ...]] = no_file_names
    password_from: Callable[[Any], str | None] = no_other_node
    replica_of: Callable[[Any], str | None] = no_other_node
    upstream_tls: Callable[[Any], UpstreamTls | None] = plain

    def reads_again(self, file: str) -> bool:
        """Whether a program of the role reads a changed file again when it is told to."""
        return bool(self.reload) and (self.reload_files is None or file in self.reload_files)

    def listeners_of(self, node: Any) -> tuple[Listener, ...]:
        """Where a node of this role listens: what it declares, otherwise what its role says."""
        declared: tuple[Listener, ...] | None = node.listens
        return self.listeners if declared is None else declared
