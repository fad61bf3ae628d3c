"""nginx.conf of a proxy, written from the topology (nginx documentation: core, http, upstream and proxy modules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.model.topology import Topology

# Everything that nginx writes goes to /tmp: its disk is read-only. One worker is plenty for a lab.
# The readiness probe is no client: it leaves no line in the access log, and never reaches the servers behind.
HEAD = """\
pid /tmp/nginx.pid;
worker_processes 1;
error_log stderr warn;
events { worker_connections 512; }
http {
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server_tokens off;
    map $http_user_agent $is_client { wirelab-probe 0; default 1; }
    log_format lab 'access $remote_addr:$remote_port "$request" $status ${body_bytes_sent}B $request_time '
                   'passed to $upstream_addr';
    access_log /dev/stdout lab if=$is_client;
"""
BALANCE = {"in_turn": "", "least_connections": "least_conn;", "same_client_same_server": "ip_hash;"}

# A server that does not answer within a second is left out for a second, and the request goes to the next one.
PASS_ON = """\
        location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_connect_timeout 1s;
            proxy_next_upstream error timeout;
        }
"""
ANSWER = """\
        location / {{
            default_type text/plain;
            return 200 "{node} answers $remote_addr over $scheme\\n";
        }}
"""


def files(topology: Topology, node: str) -> Mapping[str, str]:
    """File name below /wirelab -> text, for one proxy."""
    lines = [HEAD, *_servers(topology, node), "    server {\n", *_listens(topology, node)]
    lines.append("        location = /wirelab-probe { return 204; }\n")
    lines.append(PASS_ON if topology.node(node).uses else ANSWER.format(node=node))
    return {"nginx.conf": "".join((*lines, "    }\n", "}\n"))}


def _servers(topology: Topology, node: str) -> Iterator[str]:
    """The servers behind, by name: nginx asks the lab's DNS server for their addresses when it starts."""
    declared = topology.node(node)
    if not declared.uses:
        return
    way = BALANCE[declared.balance]  # type: ignore[attr-defined]
    yield "    upstream servers {\n"
    if way:
        yield f"        {way}\n"
    for name in declared.uses:
        yield f"        server {topology.name_of(name)}:{_port_of(topology, name)} max_fails=1 fail_timeout=1s;\n"
    yield "    }\n"


def _port_of(topology: Topology, name: str) -> int:
    """The first TCP port on which a server behind listens; 80 where it does not say."""
    from orchestrator.model.roles import ROLES  # the roles are made while this module is read

    server = topology.node(name)
    listeners = ROLES[server.role].listeners_of(server)  # type: ignore[attr-defined]
    return next((listener.port for listener in listeners if listener.protocol == "tcp"), 80)


def _listens(topology: Topology, node: str) -> Iterator[str]:
    from orchestrator.model.roles import ROLES

    for listener in ROLES["proxy"].listeners_of(topology.node(node)):
        if listener.protocol == "tcp":
            yield f"        listen {listener.port};\n"
