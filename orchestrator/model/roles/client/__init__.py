"""client: a machine from which people and checks ask. It runs nothing and listens on nothing."""

from __future__ import annotations

from typing import Literal

from orchestrator.model.language import Field
from orchestrator.model.node import Node
from orchestrator.model.roles.role import Role


class Client(Node):
    """A machine with the tools of the field: dig, curl, psql, nc, ip, ss, openssl, Python."""

    role: Literal["client"] = Field(description="A machine from which people and checks ask.")


ROLE = Role(
    name="client",
    summary="A machine from which people and checks ask: dig, curl, psql, nc, ip, ss, openssl, Python.",
    node=Client,
    image="client",
    user=10000,
    tmpfs={"/tmp": "size=16m,mode=1777", "/home/student": "size=4m,uid=10000,gid=10000,mode=700"},
    tools=frozenset({"bash", "ss", "nc", "dig", "curl", "psql", "openssl", "python3"}),
    default_client=True,
)
