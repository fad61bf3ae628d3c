"""router: a machine on several networks that passes packets on between them (RFC 1812). It runs no program for that."""

from __future__ import annotations

from typing import Literal

from orchestrator.model.language import Field
from orchestrator.model.node import Node
from orchestrator.model.roles.role import Role


class Router(Node):
    """A machine on several networks whose kernel passes packets on from one to the other."""

    role: Literal["router"] = Field(description="A machine that passes packets on between its networks.")


ROLE = Role(
    name="router",
    summary="A machine that passes packets on between its networks. The other nodes there learn the way by themselves.",
    node=Router,
    image="client",
    user=10000,
    tmpfs={"/tmp": "size=16m,mode=1777", "/home/student": "size=4m,uid=10000,gid=10000,mode=700"},
    tools=frozenset({"bash", "ss", "nc", "dig", "curl", "psql", "openssl", "python3"}),
    forwards=True,
)
