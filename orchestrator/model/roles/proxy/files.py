"""nginx.conf of a proxy, written from the topology (nginx documentation: core, http, upstream and proxy modules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from orchestrator.model.roles.role import FILES_AT, bound_to
from orchestrator.model.tls import ServerTls
from orchestrator.model.upstreams import tls_to_upstreams, upstream_name, upstream_port, upstreams

if TYPE_CHECKING:
    from orchestrator.model.node import Listener
    from orchestrator.model.topology_view import TopologyView

# Everything that nginx writes goes to /tmp: its disk is read-only. One worker is plenty for a lab. `notice` tells when
# the old worker takes no more connections, which is when a reload is over.
# The readiness probe is no client: it leaves no line in the access log, and never reaches the servers behind.
HEAD = """\
pid /tmp/nginx.pid;
worker_processes 1;
error_log stderr notice;
events { worker_connections 512; }
http {
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server_tokens off;
    map $host $called { "" $server_addr; default $host; }  # HTTP/1.0 needs no Host, and the server behind wants one
    map $http_user_agent $is_client { wirelab-probe 0; default 1; }
    log_format lab 'access $remote_addr:$remote_port "$request" $status ${body_bytes_sent}B $request_time '
                   'passed to $upstream_addr';
    access_log /dev/stdout lab if=$is_client;
"""
BALANCE = {"in_turn": "", "least_connections": "least_conn;", "same_client_same_server": "ip_hash;"}

# A server that does not answer within a second is left out for a second, and the request goes to the next one.
PASS_ON = """\
        location / {{
            proxy_pass {scheme}://servers;
{tls}            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $called;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout;
        }}
"""
ANSWER = """\
        location / {{
            default_type text/plain;
            return 200 "{node} answers $remote_addr over $scheme\\n";
        }}
"""


def files(topology: TopologyView, node: str) -> Mapping[str, str]:
    """File name below /wirelab -> text, for one proxy."""
    behind = tuple(_behind(topology, node))
    answer = _pass_on(topology, node) if behind else ANSWER.format(node=node)
    servers = (
        _server(topology, node, listener, answer, name)
        for listener in topology.listeners_of(node)
        for name in ("", *_server_names(listener))
    )
    return {"nginx.conf": "".join((HEAD, *_servers(topology, node, behind), *servers, "}\n"))}


def _behind(topology: TopologyView, node: str) -> Iterator[str]:
    """host:port of each used server that speaks HTTP, by name: nginx asks the lab's DNS server when it starts."""
    named = topology.resolvers_of(node)
    for used in upstreams(topology, node):
        host = topology.name_of(used) if named else topology.address_for(node, used)
        yield f"{host}:{upstream_port(topology, node, used)}"


def _pass_on(topology: TopologyView, node: str) -> str:
    """Without proxy_ssl_verify nginx takes any certificate, and without proxy_ssl_server_name it sends no name."""
    declared = tls_to_upstreams(topology, node)
    if declared is None:
        return PASS_ON.format(scheme="http", tls="")
    lines = ["server_name on", f"name {upstream_name(topology, node)}"]
    if declared.verify:
        lines += [f"trusted_certificate {FILES_AT}/ca.pem", "verify on", "verify_depth 2"]
    if declared.client_certificate:
        lines += [f"certificate {FILES_AT}/client.pem", f"certificate_key {FILES_AT}/client.key"]
    tls = "".join(f"            proxy_ssl_{line};\n" for line in lines)
    return PASS_ON.format(scheme="https", tls=tls)


def _servers(topology: TopologyView, node: str, behind: tuple[str, ...]) -> Iterator[str]:
    if not behind:
        return
    way = BALANCE[topology.scenario.nodes[node].balance]
    yield "    upstream servers {\n"
    if way:
        yield f"        {way}\n"
    for server in behind:
        yield f"        server {server} max_fails=1 fail_timeout=1s;\n"
    yield "    }\n"


def _server_names(listener: Listener) -> tuple[str, ...]:
    return tuple(listener.tls.server_names or ()) if isinstance(listener.tls, ServerTls) else ()


def _server(topology: TopologyView, node: str, listener: Listener, answer: str, server_name: str) -> str:
    """A server block of a listener: the first is the default, each other one is for requests with its name."""
    tls = " ssl" if listener.tls else ""
    lines = ["    server {\n"]
    if server_name:
        lines.append(f"        server_name {server_name};\n")
    for host in bound_to(topology, node, listener):
        place = f"[{host}]" if ":" in host else host
        lines.append(f"        listen {place}:{listener.port}{tls};\n")
    if listener.tls:
        file = f"{FILES_AT}/tls-{listener.port}" + (f"-{server_name}" if server_name else "")
        lines.append(f"        ssl_certificate {file}.pem;\n")
        lines.append(f"        ssl_certificate_key {file}.key;\n")
        if getattr(listener.tls, "client_certificate", False):
            lines.append(f"        ssl_client_certificate {FILES_AT}/ca.pem;\n        ssl_verify_client on;\n")
    lines.append("        location = /wirelab-probe { return 204; }\n")
    return "".join((*lines, answer, "    }\n"))
