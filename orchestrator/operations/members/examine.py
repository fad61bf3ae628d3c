"""Measure what a member is and has: its engine, clock, memory, ranges, images and its view of our files."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.errors import WirelabError
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.diagnosis.doctor import Row
    from orchestrator.diagnosis.member_doctor import MemberFacts
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.host.members.member import Member
    from orchestrator.host.state_folder import StateFolder

AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
PROBE_SECONDS = 20.0
# Podman names an architecture as Go does, Docker as the kernel does (uname -m).
KERNELS_NAMES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}


class EngineIdentity(NamedTuple):
    """Which engine it is, what it runs on, and when it says that it is."""

    id: str
    architecture: str
    is_swarm_manager: bool
    clock_offset: float
    clock_error: float


def examine_member(state: StateFolder, member: Member) -> tuple[Row, ...]:
    """One row for each thing that a lab needs of the member. Leaves nothing there. Raises MemberUnreachable."""
    from orchestrator.diagnosis.member_doctor import member_rows
    from orchestrator.host.members.reach import naming_member, reach_member

    url = reach_member(state, member)
    with naming_member(member.name, url):
        return member_rows(_facts(state, member, url))


def engine_identity(url: str) -> EngineIdentity:
    """Ask the engine who it is. Its clock is read between two looks at ours. Raises EngineMissing."""
    from orchestrator.engine.docker.api_errors import map_api_errors
    from orchestrator.engine.docker.http_api import HttpApi
    from orchestrator.engine.timestamps import unix_seconds

    with map_api_errors(f"the engine at {url}"), closing(HttpApi(url)) as api:
        api.open()
        before = time.time()
        answer: Mapping[str, Any] = api.get("/info")
        after = time.time()
        networks: Sequence[Mapping[str, Any]] = api.get("/networks")
    swarm = answer.get("Swarm") or {}
    architecture = str(answer.get("Architecture") or "unknown")
    there = unix_seconds(answer.get("SystemTime") or "")
    return EngineIdentity(
        _id_of(answer, networks),
        KERNELS_NAMES.get(architecture, architecture),
        bool(swarm.get("ControlAvailable")),
        there - (before + after) / 2,
        (after - before) / 2,
    )


def _id_of(answer: Mapping[str, Any], networks: Sequence[Mapping[str, Any]]) -> str:
    """What tells two engines apart.

    Engines of one machine may share an ID (up to Engine 23 it comes from /etc/docker/key.json), and so may copies of a
    virtual machine. The network `none` has an id of its own in each data folder.
    """
    none = next((str(network.get("Id", "")) for network in networks if network.get("Name") == "none"), "")
    parts = (str(answer.get("ID")), str(answer.get("Name")), str(answer.get("DockerRootDir")), none)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _facts(state: StateFolder, member: Member, url: str) -> MemberFacts:
    from orchestrator.diagnosis.member_doctor import MemberFacts
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.engine.opening import open_engine
    from orchestrator.host.find import EngineFound
    from orchestrator.host.machine import engine_facts
    from orchestrator.operations.members.file_probe import sees_files

    local = local_identity(state)
    identity, engine = engine_identity(url), engine_facts(EngineFound(url, f"member {member.name}"))
    with closing(open_engine(url)) as connection:
        return MemberFacts(
            name=member.name,
            engine=engine,
            architecture=identity.architecture,
            wanted_architecture=local.architecture if local else "",
            clock_offset=identity.clock_offset,
            clock_error=identity.clock_error,
            memory_free=free_memory_of(connection, url),
            images=_image_states(url, state),
            is_swarm_manager=identity.is_swarm_manager,
            sees_files=sees_files(connection, DockerImageStore(url), state),
            packets=_packets(connection, url),
        )


def _packets(engine: DockerEngine, url: str) -> dict[str, int]:
    """The largest packets between the member and others of its Swarm; none where the image `client` is not there."""
    from orchestrator.host.images.files import images_folder, tags_of
    from orchestrator.operations.members.packet_sizes import largest_packets, swarm_peers

    image = tags_of(("client",), images_folder())["client"]
    peers = swarm_peers(url)
    return largest_packets(engine, image, peers) if peers and engine.image_id(image) else {}


def local_identity(state: StateFolder) -> EngineIdentity | None:
    """Which engine is in use; None where none answers. Starts none."""
    from orchestrator.host.find import running_engine

    with suppress(WirelabError):
        engine = running_engine(os.environ, state)
        return engine_identity(engine.url) if engine else None
    return None


def free_memory_of(engine: DockerEngine, url: str) -> int | None:
    """What the machine of an engine has left, in MiB; None where nobody can tell.

    An engine of this machine is seen from here; on another one a container reads /proc/meminfo (proc(5)).
    """
    from orchestrator.host.machine import free_memory

    here = free_memory(url)
    return here if here is not None else _free_memory_inside(engine)


def _free_memory_inside(engine: DockerEngine) -> int | None:
    from orchestrator.host.images.files import images_folder, tags_of
    from orchestrator.planning.specs import ContainerSpec

    token = token_hex(8)
    tag = tags_of(("client",), images_folder())["client"]
    if not engine.image_id(tag):
        return None
    spec = ContainerSpec(f"wirelab-probe-{token}", tag, {labels.LAB: f"probe-{token}"}, command=("sleep", "60"))
    container = engine.make_container(spec)
    try:
        engine.start(container)
        output = engine.run(container, ("cat", "/proc/meminfo"), seconds=PROBE_SECONDS)
    finally:
        engine.remove_container(container)
    match = AVAILABLE.search(output.out)
    return int(match[1]) // 1024 if match else None


def _image_states(url: str, state: StateFolder) -> dict[str, str]:
    from orchestrator.host.images.catalog import image_catalog
    from orchestrator.host.images.files import images_folder, names_in

    names = names_in(images_folder())
    missing = image_catalog(url, state, os.environ, lambda _text: None).missing(names)
    return {name: "missing" if name in missing else "present" for name in names}
