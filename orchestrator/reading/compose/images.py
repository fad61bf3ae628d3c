"""What of wirelab's stands for an image of a Compose file, since no registry may be in reach."""

from __future__ import annotations

import re
from dataclasses import dataclass

POSTGRESQL = frozenset({"postgres", "postgresql", "postgis", "timescaledb"})
NGINX = frozenset({"nginx", "nginx-unprivileged"})
# Images with a shell, Python or curl and no server of their own: a node with the client's image runs their command.
TOOLS = frozenset({"alpine", "busybox", "debian", "ubuntu", "python", "bash", "curl", "netshoot"})
# Programs that such an image runs before its command.
ENTRYPOINTS = {"curl": ("curl",)}


@dataclass(frozen=True)
class Replacement:
    """`kind` is postgresql, nginx, tools, image (the author's own) or none (nothing to run)."""

    kind: str
    entrypoint: tuple[str, ...] = ()


def replacement_for(image: str, command: tuple[str, ...]) -> Replacement:
    """What stands for an image that is to run a command; without one it runs its own."""
    if not image:
        return Replacement("tools" if command else "none")
    name = short_name(image)
    if name in POSTGRESQL:
        is_server = not command or command[0].startswith("-") or command[0] == "postgres"
        return Replacement("postgresql" if is_server else "tools")
    if name in NGINX:
        is_server = not command or command[0].startswith(("nginx", "-")) or "nginx" in command[-1]
        return Replacement("nginx" if is_server else "tools")
    if name in TOOLS:
        return Replacement("tools", ENTRYPOINTS.get(name, ()))
    return Replacement("image")


def short_name(image: str) -> str:
    """`python` of `docker.io/library/python:3.12-slim@sha256:…`."""
    return re.sub("[:@].*", "", image.rpartition("/")[2]).lower()
