"""Refuses to start an engine where another one already rules the network.

Two dockerds in one network namespace do not see each other: the second erases the first one's isolation rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing
from orchestrator.host.processes import arguments, name_of, network_of, processes

if TYPE_CHECKING:
    from psutil import Process


def another_dockerd(ours: frozenset[int] = frozenset()) -> Process | None:
    """A dockerd, not one of `ours`, in our network namespace, or in one that we may not look at."""
    here = network_of("self")
    for process in processes():
        if name_of(process) == "dockerd" and process.pid not in ours and network_of(process.pid) in (here, None):
            return process
    return None


def refuse_beside_another(ours: frozenset[int] = frozenset()) -> None:
    """Raise EngineMissing if a dockerd, not one of `ours`, runs here; the hint is how to use that one."""
    other = another_dockerd(ours)
    if other is None:
        return
    raise EngineMissing(
        f"another Docker engine (dockerd, pid {other.pid}) runs in this network namespace",
        why="a second engine beside it would erase the rules that keep its networks apart",
        hint=f"use that one: export DOCKER_HOST={address_of(arguments(other))}; or stop it: kill {other.pid}",
    )


def address_of(argv: tuple[str, ...]) -> str:
    """The first address that a dockerd with these arguments listens on."""
    for word, following in zip(argv, (*argv[1:], ""), strict=True):
        name, _, value = word.partition("=")
        if name in ("-H", "--host"):
            address = value or following
            if not address.startswith("fd:"):
                return address
    return "unix:///var/run/docker.sock"
