"""Looks at this machine and its engine for `wirelab doctor`; starts, installs and leaves nothing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

from orchestrator.diagnosis.doctor import EngineFacts, MachineFacts, version_of
from orchestrator.host.control_groups import free_in_groups
from orchestrator.host.find import EngineFound
from orchestrator.host.processes import arguments, name_of, network_of, process

TOOLS = ("docker", "mmdebstrap", "tc")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_LIMITS = {"MemoryLimit": "memory", "CpuCfsQuota": "CPU", "PidsLimit": "processes"}
# Each is tried in a network namespace that ends with the program, and the rule or queue with it.
_PROBES: Mapping[str, tuple[str, ...]] = {
    "netem": ("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"),
    "nftables": ("nft", "add", "table", "inet", "wirelab_probe"),
}
# Answers that speak of the kernel; any other failure says nothing about it.
_KERNEL_SAYS_NO = ("kind is unknown", "not supported", "No such file or directory")


def machine_facts(
    engine: EngineFacts | None,
    *,
    no_engine: tuple[str, str] = ("", ""),
    routes: Iterable[IPv4Network] = (),
    images: Mapping[str, str],
) -> MachineFacts:
    """Everything that is seen on this side of the engine's socket."""
    here = sys.platform.startswith("linux") and (engine is None or engine.local)
    return MachineFacts(
        python=tuple(sys.version_info[:3]),
        system=platform.system(),
        engine=engine,
        no_engine=no_engine,
        hybrid_cgroups=Path("/sys/fs/cgroup/unified").exists(),
        features={name: _tried(argv) if here else None for name, argv in _PROBES.items()},
        routes=tuple(routes),
        memory_free=_memory_free() if here else None,
        host_open=_why_host_is_open(engine.url) if engine else "",
        images=dict(images),
        tools={name: shutil.which(name, path=_PATH) is not None for name in TOOLS},
    )


def engine_facts(engine: EngineFound) -> EngineFacts:
    """What the engine says about itself, and what can be seen of it from outside. Raises EngineMissing."""
    from orchestrator.engine.docker.api_errors import map_api_errors
    from orchestrator.engine.docker.http_api import HttpApi

    with map_api_errors(f"the engine at {engine.url}"), closing(HttpApi(engine.url)) as api:
        api.open()
        version, info, networks = (api.get(path) for path in ("/version", "/info", "/networks"))
    return facts_of(engine, version, info, networks)


def facts_of(
    engine: EngineFound, version: Mapping[str, Any], info: Mapping[str, Any], networks: Sequence[Mapping[str, Any]]
) -> EngineFacts:
    """From the engine's answers to `/version`, `/info` and `/networks`."""
    parts = {part.get("Name", ""): part.get("Version", "") for part in version.get("Components") or ()}
    product = "Podman" if any("Podman" in name for name in parts) else "Docker Engine"
    local = _is_local(engine.url, info)
    data_root = info.get("DockerRootDir") or ""
    return EngineFacts(
        url=engine.url,
        origin=engine.origin,
        product=product,
        version=version.get("Version") or info.get("ServerVersion") or "unknown",
        api=version.get("ApiVersion") or "",
        oldest_api=version.get("MinAPIVersion") or "",
        parts=parts,
        system=info.get("OperatingSystem") or "",
        kernel=info.get("KernelVersion") or "",
        cgroup_version=info.get("CgroupVersion") or "",
        cgroup_driver=info.get("CgroupDriver") or "",
        storage=info.get("Driver") or "",
        runtime=info.get("DefaultRuntime") or "",
        rootless=_is_rootless(info),
        swarm=(info.get("Swarm") or {}).get("LocalNodeState") or "",
        unlimited=_unlimited(info),
        memory=info.get("MemTotal") or 0,
        networks=tuple(_subnets(networks)),
        # On Podman a closed network has no gateway: its nodes have no route that leads to another network.
        isolates_ipv6=product == "Podman"
        or _isolates_ipv6(engine.url, version_of(version.get("Version") or ""), local),
        local=local,
        data_root=data_root,
        disk_free=_disk_free(data_root) if local and data_root else None,
    )


def _is_rootless(info: Mapping[str, Any]) -> bool:
    return any("name=rootless" in option for option in info.get("SecurityOptions") or ())


def _unlimited(info: Mapping[str, Any]) -> tuple[str, ...]:
    """What the engine sets no limit on, by its answer to `/info`.

    Podman says that it has the limits where it has none: as an ordinary user, with control groups of version 1.
    """
    has_none = _is_rootless(info) and info.get("CgroupVersion") == "1"
    return tuple(words for key, words in _LIMITS.items() if has_none or info.get(key) is False)


def unlimited(url: str) -> tuple[str, ...]:
    """What the engine sets no limit on, such as "memory", whatever a node declares. Raises EngineMissing."""
    return _unlimited(_info(url))


def _info(url: str) -> Mapping[str, Any]:
    """The engine's answer to `/info`."""
    from orchestrator.engine.docker.api_errors import map_api_errors
    from orchestrator.engine.docker.http_api import HttpApi

    with map_api_errors(f"the engine at {url}"), closing(HttpApi(url)) as api:
        api.open()
        info: Mapping[str, Any] = api.get("/info")
    return info


def _subnets(networks: Sequence[Mapping[str, Any]]) -> Iterable[IPv4Network]:
    configs = (config for network in networks for config in (network.get("IPAM") or {}).get("Config") or ())
    for config in configs:
        with suppress(ValueError):
            subnet = ip_network(config.get("Subnet") or "", strict=False)
            if isinstance(subnet, IPv4Network):
                yield subnet


def _is_local(url: str, info: Mapping[str, Any]) -> bool:
    """The engine shares our kernel: it has a socket file, the same kernel release, and is not Docker Desktop."""
    same_kernel = info.get("KernelVersion") == platform.release()
    return url.startswith("unix://") and same_kernel and "Docker Desktop" not in str(info.get("OperatingSystem"))


def isolates_ipv6(url: str) -> bool | None:
    """Whether the engine keeps networks with IPv6 apart and closed; None where we cannot tell. Raises EngineMissing."""
    return engine_facts(EngineFound(url, "in use")).isolates_ipv6


def machine_memory(url: str) -> int:
    """The memory of an engine's machine in MiB; 0 where the engine does not tell. Raises EngineMissing."""
    return int(_info(url).get("MemTotal") or 0) // 1024 // 1024


def free_memory(url: str) -> int | None:
    """What the engine's machine, and the control groups of the engine and of this process, have left, in MiB.

    None where the engine is elsewhere. Raises EngineMissing.
    """
    if not _is_local(url, _info(url)):
        return None
    engine = _server_pid(url.removeprefix("unix://"))
    groups = [free_in_groups(process_id) for process_id in (engine, "self") if process_id]
    return min([_memory_free(), *(room for room in groups if room is not None)]) // 1024 // 1024


def _why_host_is_open(url: str) -> str:
    """Why nodes reach services of the engine's machine. Root also sees whether what closes it is still there."""
    from orchestrator.host.private_engine.host_access import why_host_is_open
    from orchestrator.host.private_engine.netlink import is_host_closed

    pid = _server_pid(url.removeprefix("unix://"))
    here = bool(pid) and network_of(pid) == network_of("self")
    if (why := why_host_is_open(url)) or not here or os.geteuid() != 0 or is_host_closed():
        return why
    return "the nftables table that closes it is gone; wirelab engine down, then wirelab engine up, adds it again"


def _isolates_ipv6(url: str, version: tuple[int, ...], local: bool) -> bool | None:
    """Docker does so by itself from Engine 27 on; before, where dockerd was told to. None: we cannot tell."""
    if version >= (27,):
        return True
    if not local:
        return None
    pid = _server_pid(url.removeprefix("unix://"))
    now = process(pid) if pid else None
    if now is not None and name_of(now) == "dockerd":
        options = [word.lstrip("-") for word in arguments(now)]
        if "ip6tables" in options or "ip6tables=true" in options:
            return True
    return _ip6_chains()


def _server_pid(path: str) -> int:
    """The process that listens on a socket file (SO_PEERCRED, unix(7)); 0 if it is of another pid namespace."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(2)
        try:
            link.connect(path)
            raw = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return 0
    return int(struct.unpack("3i", raw)[0])


def _ip6_chains() -> bool | None:
    program = shutil.which("ip6tables-save", path=_PATH)
    if program is None or os.geteuid() != 0:
        return None
    done = subprocess.run((program,), capture_output=True, text=True, timeout=20, check=False)
    return "DOCKER-ISOLATION" in done.stdout if done.returncode == 0 else None


def _tried(argv: tuple[str, ...], modules: Path = Path("/proc/modules")) -> bool | None:
    """Whether the kernel takes this, in a network namespace that ends at once; None where we cannot try."""
    program = shutil.which(argv[0], path=_PATH)
    if program is None or shutil.which("unshare") is None or os.geteuid() != 0:
        return None
    before = _loaded(modules)
    done = subprocess.run(
        ("unshare", "--net", program, *argv[1:]), capture_output=True, text=True, timeout=20, check=False
    )
    for module in sorted(_loaded(modules) - before, reverse=True):  # the try itself may have loaded them
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(("rmmod", module), capture_output=True, timeout=10, check=False)
    if done.returncode == 0:
        return True
    return False if any(words in done.stderr for words in _KERNEL_SAYS_NO) else None


def _loaded(modules: Path) -> frozenset[str]:
    try:
        return frozenset(line.split(" ", 1)[0] for line in modules.read_text(encoding="ascii").splitlines())
    except OSError:
        return frozenset()


def _disk_free(folder: str) -> int | None:
    """Free bytes where the folder is, or, where we may not look, at the nearest folder above it."""
    for path in (Path(folder), *Path(folder).parents):
        with suppress(OSError):
            return shutil.disk_usage(path).free
    return None


def _memory_free() -> int:
    """Bytes that programs can have without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)
