"""dns: BIND 9, authoritative for the lab's domain and its addresses, and the resolver of the lab."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.model.node import Listener, Node
from orchestrator.model.roles.dns.files import files
from orchestrator.model.roles.role import Role


class Dns(Node):
    """A DNS server for the lab's domain: A for each node, PTR for each address, NXDOMAIN for everything else."""

    role: Literal["dns"] = Field(description="A DNS server (BIND 9) for the lab's domain.")


ROLE = Role(
    name="dns",
    summary="BIND 9: authoritative for the lab's domain and its addresses; everything else is NXDOMAIN.",
    node=Dns,
    image="dns",
    user=10053,
    listeners=(Listener(port=53, protocol="udp"), Listener(port=53, protocol="tcp")),
    ready="dns:53",
    tmpfs={"/tmp": "size=4m,mode=1777", "/run/named": "size=4m,uid=10053,gid=10053,mode=755"},
    files=files,
    reload="SIGHUP",
    witness="query_log",
    tools=frozenset({"bash", "ss"}),
)
