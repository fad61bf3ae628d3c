"""What this machine can do, judged: observed values in, rows with a verdict and a hint out.

`missing` is said of what no lab can do without, `warning` of what some labs, or some checks, will feel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from orchestrator.planning.leftovers import LabLeftovers

OK, WARNING, MISSING = "ok", "warning", "missing"
OLDEST_PYTHON = (3, 11)
# Docker Engine 20.10 speaks 1.41, which is the first to report the version of the control groups.
OLDEST_API = (1, 41)
_GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class EngineFacts:
    """What an engine says about itself. `parts` are its components with their versions; None is "not told"."""

    url: str
    origin: str
    product: str
    version: str
    api: str
    oldest_api: str
    parts: Mapping[str, str]
    system: str
    kernel: str
    cgroup_version: str
    cgroup_driver: str
    storage: str
    runtime: str
    rootless: bool
    swarm: str
    unlimited: tuple[str, ...]
    memory: int
    networks: tuple[IPv4Network, ...]
    isolates_ipv6: bool | None
    local: bool
    data_root: str
    disk_free: int | None


@dataclass(frozen=True)
class MachineFacts:
    """What was seen of this machine. A feature that could not be tried is None."""

    python: tuple[int, ...]
    system: str
    engine: EngineFacts | None
    no_engine: tuple[str, str]  # why, and what to try
    hybrid_cgroups: bool
    features: Mapping[str, bool | None]
    routes: tuple[IPv4Network, ...]
    memory_free: int | None
    images: Mapping[str, str]  # name -> present, missing or old
    tools: Mapping[str, bool]
    leftovers: tuple[LabLeftovers, ...] = ()  # labs whose removal is not complete
    host_open: str = ""  # why nodes reach services of the engine's machine
    unwritable: str = ""  # the folder in which wirelab cannot keep its files


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    verdict: str
    value: str
    hint: str = ""


OLDEST_PODMAN = (4, 3)
TRIED = "only root on the engine's own machine can try it, with tc and nft installed"
_FEATURE_HINTS = {
    "netem": "no lab needs it; tc can make delay and loss by hand only where the kernel has it",
    "nftables": "the fault cut needs it",
}
_TOOL_HINTS = {
    "docker": "only needed to look around by hand; labs do not use it",
    "mmdebstrap": "only needed to build images where no registry answers; wirelab installs it then",
    "tc": "only needed for the netem line above",
}


def rows(machine: MachineFacts) -> tuple[Row, ...]:
    """The whole table, in the order in which it is read."""
    return tuple(_rows(machine))


def verdict(rows: Sequence[Row]) -> str:
    """The worst of the rows."""
    return max((row.verdict for row in rows), key=(OK, WARNING, MISSING).index, default=OK)


def _rows(machine: MachineFacts) -> Iterator[Row]:
    python = ".".join(map(str, machine.python))
    new_enough = machine.python[:2] >= OLDEST_PYTHON
    yield Row("python", OK if new_enough else MISSING, python, "" if new_enough else "install Python 3.11 or newer")
    if machine.engine is None:
        yield Row("engine", MISSING, machine.no_engine[0], machine.no_engine[1])
    else:
        yield from _engine_rows(machine.engine)
        yield from _trap_rows(machine.engine, machine.hybrid_cgroups)
        yield _host_row(machine.host_open)
    if machine.unwritable:
        hint = "make it writable, or name another one: export WIRELAB_STATE=FOLDER"
        yield Row("state folder", MISSING, f"{machine.unwritable} cannot be written to", hint)
    yield from _kernel_rows(machine)
    yield _ranges_row(machine)
    yield from _space_rows(machine)
    yield _images_row(machine)
    for leftover in machine.leftovers:
        yield Row(f"lab {leftover.lab}", WARNING, "its removal is not complete", leftover.command)
    for name, there in sorted(machine.tools.items()):
        yield Row(f"tool {name}", OK, "there" if there else "not there", "" if there else _TOOL_HINTS.get(name, ""))


def _engine_rows(engine: EngineFacts) -> Iterator[Row]:
    supported = engine.product != "Podman" or version_of(engine.version) >= OLDEST_PODMAN
    named = f"{engine.product} {engine.version} at {engine.url} ({engine.origin})"
    yield Row("engine", OK if supported else MISSING, named, "" if supported else "wirelab needs Podman 4.3 or newer")
    spoken = f"{engine.oldest_api} to {engine.api}" if engine.oldest_api else engine.api
    if version_of(engine.api) >= OLDEST_API:
        yield Row("engine API", OK, spoken)
    else:
        yield Row("engine API", MISSING, spoken, "wirelab needs API 1.41: install Docker Engine 20.10 or newer")
    yield Row("engine system", OK, f"{engine.system}, kernel {engine.kernel}")
    yield _cgroup_row(engine)
    slow = engine.storage == "vfs"
    hint = "vfs copies every layer: keep the state folder on ext4 or xfs (WIRELAB_STATE)" if slow else ""
    yield Row("storage driver", WARNING if slow else OK, engine.storage, hint)
    untried = engine.rootless and engine.product != "Podman"
    hint = "nobody has tried wirelab on a rootless Docker Engine yet" if untried else ""
    yield Row("rootless", WARNING if untried else OK, "yes" if engine.rootless else "no", hint)
    yield Row("swarm", OK, engine.swarm or "unknown")
    yield _ipv6_row(engine.isolates_ipv6)


def _cgroup_row(engine: EngineFacts) -> Row:
    value = f"version {engine.cgroup_version or 'unknown'}, driver {engine.cgroup_driver or 'unknown'}"
    if not engine.unlimited:
        return Row("control groups", OK, value)
    without = f"{value}; no limit on {', '.join(engine.unlimited)}"
    return Row("control groups", WARNING, without, "nodes run without these limits; delegate the controllers to it")


def _ipv6_row(isolates: bool | None) -> Row:
    if isolates is None:
        return Row("IPv6 isolation", WARNING, "unknown", "only root on the engine's own machine can tell")
    if isolates:
        return Row("IPv6 isolation", OK, "yes")
    hint = 'networks with IPv6 reach each other: set "experimental" and "ip6tables" in daemon.json, or Engine 27'
    return Row("IPv6 isolation", WARNING, "no", hint)


def _host_row(host_open: str) -> Row:
    name = "nodes and this machine"
    if host_open:
        hint = "wirelab up --close-host closes a lab to this machine"
        return Row(name, WARNING, f"nodes may reach services of this machine: {host_open}", hint)
    hint = "a lab of an earlier release is open until wirelab reset"
    return Row(name, OK, "nodes open no connection to this machine", hint)


def _trap_rows(engine: EngineFacts, hybrid: bool) -> Iterator[Row]:
    """What is known to go wrong with exactly these versions."""
    version = version_of(engine.version)
    docker = engine.product == "Docker Engine"
    traps = (
        (docker and (29, 0) <= version < (29, 3), "Engine 29.0 to 29.2 refuses clients older than API 1.44",
         "update to 29.3, or set min-api-version in daemon.json"),
        (docker and version < (25,), "An engine before version 25 allows two networks with one name",
         "wirelab uses ids; do the same when you call docker by hand"),
        (hybrid and engine.runtime == "crun", "crun refuses hybrid control groups",
         "set runtime=\"runc\" in containers.conf, or boot with systemd.unified_cgroup_hierarchy=1"),
    )  # fmt: skip
    for holds, what, hint in traps:
        if holds:
            yield Row("known trap", WARNING, what, hint)


def _kernel_rows(machine: MachineFacts) -> Iterator[Row]:
    for name, there in machine.features.items():
        if there is None:
            yield Row(f"kernel {name}", WARNING, "unknown", TRIED)
        elif there:
            yield Row(f"kernel {name}", OK, "yes")
        else:
            yield Row(f"kernel {name}", WARNING, "no", _FEATURE_HINTS.get(name, ""))


def free_ranges(taken: Sequence[IPv4Network]) -> int:
    """How many /24 of 192.168.0.0/16 no route and no network touches."""
    return sum(
        not any(subnet.overlaps(each) for each in taken)
        for subnet in IPv4Network("192.168.0.0/16").subnets(new_prefix=24)
    )


def _ranges_row(machine: MachineFacts) -> Row:
    taken = (*machine.routes, *(machine.engine.networks if machine.engine else ()))
    free = free_ranges(taken)
    value = f"{free} of 256 in 192.168.0.0/16 are free"
    if free == 0:
        return Row("private ranges", MISSING, value, "take down labs (wirelab ls), or name a subnet in the scenario")
    if free < 8:
        return Row("private ranges", WARNING, value, "each network of a lab takes one")
    return Row("private ranges", OK, value)


def _space_rows(machine: MachineFacts) -> Iterator[Row]:
    engine = machine.engine
    if engine is not None:
        place = f"free at {engine.data_root}"
        yield _space_row("disk", engine.disk_free, place, (0.5, 3), "docker system prune, or a larger disk")
    yield _space_row(
        "memory", machine.memory_free, "available", (0.2, 1), "stop other programs; a node may take 256 MB"
    )
    if engine is not None and engine.memory:
        yield Row("engine memory", OK, f"{engine.memory / _GIGABYTE:.1f} GB in all")


def _space_row(name: str, free: int | None, place: str, limits: tuple[float, float], hint: str) -> Row:
    if free is None:
        return Row(name, OK, "unknown: the engine is not of this machine")
    value = f"{free / _GIGABYTE:.1f} GB {place}"
    if free < limits[0] * _GIGABYTE:
        return Row(name, MISSING, value, hint)
    return Row(name, WARNING, value, hint) if free < limits[1] * _GIGABYTE else Row(name, OK, value)


def _images_row(machine: MachineFacts) -> Row:
    absent = sorted(name for name, state in machine.images.items() if state == "missing")
    present = sorted(name for name, state in machine.images.items() if state == "present")
    value = f"present: {', '.join(present) or 'none'}"
    if not absent:
        return Row("images", OK if present else WARNING, value, "" if present else "wirelab images build")
    return Row("images", WARNING, f"{value}; missing: {', '.join(absent)}", "wirelab images build (up does it too)")


def version_of(text: str) -> tuple[int, ...]:
    """The first dotted number in a text as integers; () if there is none."""
    match = re.search(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
