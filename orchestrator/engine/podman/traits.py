"""What a Podman says about itself: whether it runs as an ordinary user, and what that takes from it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from orchestrator.quick_dataclass import dataclass

NAMESPACE = "rootless-netns"


@dataclass(frozen=True)
class PodmanTraits:
    """`bridges_in`: the network mode of a container that hears the bridges. `has_groups`: whether containers have
    control groups of their own, which limit and count what they use."""

    bridges_in: str
    has_groups: bool


def traits_of(document: Mapping[str, Any]) -> PodmanTraits:
    """From GET /libpod/info.

    Rootless, Podman has its bridges in a network namespace of its own. Version 5 keeps that below its run folder (its
    library c/common, rootlessnetns), version 4 by a hash of its other folder (libpod, networking_linux.go).
    """
    host, store = document["host"], document["store"]
    if not host["security"]["rootless"]:
        return PodmanTraits("host", has_groups=True)
    run = PurePosixPath(store["runRoot"])
    if int(document["version"]["Version"].split(".")[0]) >= 5:
        namespace = run / "networks" / NAMESPACE / NAMESPACE
    else:
        key = hashlib.sha256(f"{store['graphRoot']}/libpod".encode()).hexdigest()[:20]
        namespace = run.parent / "netns" / f"{NAMESPACE}-{key}"
    return PodmanTraits(f"ns:{namespace}", has_groups=host["cgroupVersion"] != "v1")
