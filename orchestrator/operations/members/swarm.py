"""Ask the engines of members about their Docker Swarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.http_api import HttpApi
from orchestrator.operations.members.registration import side_by_side
from orchestrator.planning.swarm import SwarmMember


def swarm_members(urls: Mapping[str, str]) -> tuple[SwarmMember, ...]:
    """What each of these engines (name -> address) says. Raises EngineMissing."""
    return tuple(side_by_side(lambda name: swarm_member(name, urls[name]), urls))


def swarm_member(name: str, url: str) -> SwarmMember:
    """What one engine says. Raises EngineMissing."""
    with map_api_errors(f"the engine at {url}"), closing(HttpApi(url)) as api:
        api.open()
        answer: Mapping[str, Any] = api.get("/info")
        swarm = answer.get("Swarm") or {}
        is_manager = bool(swarm.get("ControlAvailable"))
        nodes: Sequence[Mapping[str, Any]] = api.get("/nodes") if is_manager else ()
        return SwarmMember(
            name,
            node=str(swarm.get("NodeID") or "") if swarm.get("LocalNodeState") == "active" else "",
            is_manager=is_manager,
            is_rootless=any("rootless" in option for option in answer.get("SecurityOptions") or ()),
            is_podman=api.speaks_libpod,
            states={str(node["ID"]): _state(node) for node in nodes},
        )


def _state(node: Mapping[str, Any]) -> str:
    """The state of a Swarm node, such as `ready` or `down`; `drained` where somebody keeps all tasks off it."""
    if (node.get("Spec") or {}).get("Availability") == "drain":
        return "drained"
    return str((node.get("Status") or {}).get("State") or "unknown")
