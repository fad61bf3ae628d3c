"""proxy: nginx, a server to its clients and a client of the servers behind it; without any, a plain web server."""

from __future__ import annotations

from typing import Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import Field
from orchestrator.model.node import Listener, Node
from orchestrator.model.roles.proxy.files import files
from orchestrator.model.roles.role import PeerLog, Role, Serving
from orchestrator.model.tls import UpstreamTls


class Proxy(Node):
    """nginx: passes each request on to one of the nodes that it `uses`; without them it answers by itself."""

    role: Literal["proxy"] = Field(description="A reverse proxy and load balancer (nginx), or a plain web server.")
    balance: Literal["in_turn", "least_connections", "same_client_same_server"] = Field(
        "in_turn",
        description="Which of its servers gets a request: each in turn, the least busy one, or for one client always "
        "the same one.",
        examples=["least_connections"],
    )
    upstream_tls: bool | UpstreamTls = Field(
        False,
        description="true: it speaks TLS to the servers that it uses, and verifies their certificates by the lab's "
        "authority. If a certificate is not valid, the proxy answers its client with status 502. A mapping says more.",
        examples=[True, {"verify": False}, {"name": "www.shop.lab"}, {"client_certificate": True}],
    )


def upstream_tls(proxy: Proxy) -> UpstreamTls | None:
    """How it speaks TLS to its servers; None where it speaks plain HTTP to them."""
    if isinstance(proxy.upstream_tls, UpstreamTls):
        return proxy.upstream_tls
    return UpstreamTls() if proxy.upstream_tls else None


ROLE = Role(
    name="proxy",
    summary="nginx: a server to its clients and a client of the servers that it uses; or a plain web server.",
    node=Proxy,
    image="proxy",
    user=10081,
    listeners=(Listener(port=80),),
    serves=ApplicationProtocol.HTTP,
    ready="http:80/wirelab-probe",
    tmpfs={"/tmp": "size=16m,mode=1777"},
    files=files,
    reload="SIGHUP",
    # So says the old worker when it takes no more connections; until then some are served as before.
    reloaded="gracefully shutting down",
    refused="[emerg]",
    peer_source=PeerLog(
        "its access log",
        r"access ([0-9a-f.:]+):\d+ ",
        # Of several that it tried, the last one gave the answer (ngx_http_upstream_module, $upstream_addr).
        passed_to=r" passed to (?:.*[ ,])?\[?([0-9a-f.:]+?)\]?:\d+$",
    ),
    serving=Serving(tls=True, server_names=True),
    forwards_requests=True,
    upstream_tls=upstream_tls,
    tools=frozenset({"bash", "ss", "openssl"}),
)
