"""What a container of wirelab's may do, and how much it may use, in the words of a Compose file."""

from __future__ import annotations

from typing import Any

from orchestrator.planning.specs import ContainerSpec


def hardening(spec: ContainerSpec) -> dict[str, Any]:
    """The options of a service for capabilities, file system and limits."""
    memory = f"{spec.limits.memory}m"
    options: dict[str, Any] = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "init": spec.init}
    options |= {"cap_add": list(spec.capabilities)} if spec.capabilities else {}
    options |= {"read_only": True} if spec.read_only else {}
    options |= {"tmpfs": [f"{path}:{text}" for path, text in spec.tmpfs.items()]} if spec.tmpfs else {}
    options |= {"sysctls": dict(spec.sysctls)} if spec.sysctls else {}
    # As much swap as memory would be: the limit is a limit.
    return options | {
        "mem_limit": memory,
        "memswap_limit": memory,
        "cpus": spec.limits.cpus,
        "pids_limit": spec.limits.pids,
    }
