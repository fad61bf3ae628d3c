"""app: a small HTTP service; it is a server to its users and a client of its database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import Field
from orchestrator.model.node import Limits, Listener, Node
from orchestrator.model.roles.role import FILES_AT, PeerLog, Role, Serving, bound_to
from orchestrator.model.tls import ServerTls

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class App(Node):
    """GET and POST /items, /health, /ready, /whoami. `uses` a database, or works without one."""

    role: Literal["app"] = Field(description="A small HTTP service that may be a client of a database.")


def database_of(topology: TopologyView, node: str) -> str | None:
    """The database that this node uses; the first one where there are several."""
    used = topology.node(node).uses
    return next((name for name in used if name in topology.servers_of(ApplicationProtocol.POSTGRESQL)), None)


def environment(topology: TopologyView, node: str) -> Mapping[str, str]:
    listener = topology.listeners_of(node)[0]
    hosts = bound_to(topology, node, listener)
    listens = {"LISTEN": f"{'*' if '::' in hosts else hosts[0]}:{listener.port}"}
    if listener.tls:
        file = f"{FILES_AT}/tls-{listener.port}"
        listens |= {"TLS_CERTIFICATE_FILE": f"{file}.pem", "TLS_KEY_FILE": f"{file}.key"}
    if isinstance(listener.tls, ServerTls) and listener.tls.client_certificate:
        listens["TLS_CLIENT_AUTHORITY_FILE"] = f"{FILES_AT}/ca.pem"
    database = database_of(topology, node)
    if database is None:
        return listens
    return {
        **listens,
        "DATABASE_HOST": topology.name_of(database) + ".",
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "app",
        "DATABASE_USER": "app",
        "DATABASE_PASSWORD_FILE": f"{FILES_AT}/password",
    }


ROLE = Role(
    name="app",
    summary="A small HTTP service: /items, /health, /ready, /whoami; a client of the database that it uses.",
    node=App,
    image="app",
    user=10080,
    listeners=(Listener(port=80),),
    serves=ApplicationProtocol.HTTP,
    ready="http:80/health",
    health_path="/health",
    identity_path="/whoami",
    limits=Limits(memory=192),
    tmpfs={"/tmp": "size=16m,mode=1777"},
    environment=environment,
    peer_source=PeerLog("its access log", r"access ([0-9a-f.:]+):\d+ "),
    serving=Serving(most=1, tls=True),
    tools=frozenset({"bash", "ss", "python3"}),
)
