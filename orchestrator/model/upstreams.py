"""The servers to which a node passes requests on: on which port, by which name, with TLS or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.replicas import group_of

if TYPE_CHECKING:
    from orchestrator.model.roles.role import Role
    from orchestrator.model.tls import UpstreamTls
    from orchestrator.model.topology_view import TopologyView

HTTP_PORT, HTTPS_PORT = 80, 443


def upstreams(topology: TopologyView, node: str) -> tuple[str, ...]:
    """The used nodes to which a node can pass requests on: HTTP servers, and programs of authors."""
    roles = topology.scenario.roles
    used = topology.node(node).uses
    return tuple(name for name in used if answers_http(roles[name]))


def answers_http(role: Role) -> bool:
    """Whether a server of this role may be one of HTTP."""
    return role.serves == ApplicationProtocol.HTTP or role.custom_program


def tls_to_upstreams(topology: TopologyView, node: str) -> UpstreamTls | None:
    """How a node speaks TLS to the servers that it uses; None where it speaks plain HTTP to them."""
    declared: Any = topology.node(node)
    tls: UpstreamTls | None = topology.scenario.roles[node].upstream_tls(declared)
    return tls


def upstream_port(topology: TopologyView, node: str, used: str) -> int:
    """The port of a used server to which a node passes requests on: its first one with TLS, or without."""
    tls = tls_to_upstreams(topology, node) is not None
    ports = [
        listener.port
        for listener in topology.listeners_of(used)
        if listener.protocol == "tcp" and bool(listener.tls) == tls
    ]
    return ports[0] if ports else HTTPS_PORT if tls else HTTP_PORT


def upstream_name(topology: TopologyView, node: str) -> str:
    """The name that must stand in the certificate of each server that a node uses: of the only one, or of its group."""
    tls = tls_to_upstreams(topology, node)
    if tls and tls.name:
        return tls.name
    groups = dict.fromkeys(group_of(name, topology.node(name)) or name for name in upstreams(topology, node))
    return topology.name_of(next(iter(groups)))
