"""service: any image or command of the author's own."""

from __future__ import annotations

from typing import Literal

from orchestrator.model.language import Field
from orchestrator.model.node import Node
from orchestrator.model.roles.role import Role


class Service(Node):
    """A machine that runs what its author brings. Without an image it is the client's image with another command."""

    role: Literal["service"] = Field(description="Any image or command of your own.")


ROLE = Role(
    name="service",
    summary="Any image or command of your own.",
    node=Service,
    image="client",
    user=10000,
    tmpfs={"/tmp": "size=16m,mode=1777"},
    tools=frozenset({"bash", "ss", "nc", "dig", "curl", "psql", "openssl", "python3"}),
    custom_program=True,
)
