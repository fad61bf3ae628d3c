"""Specs as the JSON of the Docker Engine API (v1.41), and the engine's JSON as what is seen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from orchestrator.planning.snapshot import ObservedContainer, ObservedNetwork, ProcessCount
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

MIB = 1024 * 1024
# What a node writes is kept up to a size, on any engine: it fills no disk of the machine.
LOG = {"Type": "json-file", "Config": {"max-size": "10m"}}
NO_LIMIT = 2**32  # of processes; the kernel has at most 2**22 (pid_max, proc(5))
# Options of the bridge driver (Docker documentation, "Bridge network driver"): no IPv4 address for the bridge, so that
# the gateway which nodes are given answers nobody; and no rewriting of source addresses.
NO_ADDRESS = "com.docker.network.bridge.inhibit_ipv4"
BRIDGE_NAME = "com.docker.network.bridge.name"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
# The bridge keeps its IPv6 address, so nodes are given another gateway, that nobody bears: ::ffff, for a node's last
# group has decimal digits only.
GATEWAY6, NOBODY = "DefaultGatewayIPv6", 0xFFFF
OVERLAY = "overlay"


def network_config(spec: NetworkSpec) -> dict[str, Any]:
    """The body of POST /networks/create."""
    ranges: list[dict[str, Any]] = [{"Subnet": str(spec.subnet), "Gateway": str(spec.gateway)}]
    if spec.overlay:
        ranges[0]["IPRange"] = str(spec.overlay)
    if spec.subnet6:
        six: dict[str, Any] = {"Subnet": str(spec.subnet6), "Gateway": str(spec.subnet6[1])}
        nobody = {GATEWAY6: str(spec.subnet6[NOBODY])}
        ranges.append({**six, "AuxiliaryAddresses": nobody} if spec.gateway_unanswered else six)
    options = {NO_ADDRESS: "true"} if spec.gateway_unanswered or spec.host_closed else {}
    options |= {MASQUERADE: "false"} if spec.gateway_unanswered else {}
    return {
        "Name": spec.name,
        "CheckDuplicate": True,
        "Driver": OVERLAY if spec.overlay else "bridge",
        # So that containers may stand on it, and not only services.
        "Attachable": spec.overlay is not None,
        "Internal": spec.internal and not spec.gateway_unanswered,
        "EnableIPv6": spec.subnet6 is not None,
        "IPAM": {"Driver": "default", "Config": ranges},
        "Options": {**options, BRIDGE_NAME: spec.bridge} if spec.bridge else options,
        "Labels": dict(spec.labels),
    }


def container_config(spec: ContainerSpec, network: str = "") -> dict[str, Any]:
    """The body of POST /containers/create; the container stands on the first of its networks.

    `network` is how the engine is to remember that network: by its id where nothing is given.
    """
    config: dict[str, Any] = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "HostConfig": _host_config(spec),
    }
    if spec.hostname and not spec.share_network_of and not spec.host_network:
        config["Hostname"] = spec.hostname
    if spec.command:
        config["Cmd"] = list(spec.command)
    if spec.user:
        config["User"] = spec.user
    if spec.attachments:
        first = spec.attachments[0]
        known_as = network or first.network_id
        config["HostConfig"]["NetworkMode"] = known_as
        config["NetworkingConfig"] = {"EndpointsConfig": {known_as: endpoint_config(first)}}
    return config


def endpoint_config(attach: Attach) -> dict[str, Any]:
    """One end on a network. No alias: the engine's own DNS server must not know a name of the lab."""
    both = {"IPv6Address": str(attach.address6)} if attach.address6 else {}
    return {"IPAMConfig": {"IPv4Address": str(attach.address), **both}}


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    return {
        "NetworkMode": _network_mode(spec),
        "CapDrop": ["ALL"],
        "CapAdd": list(spec.capabilities),
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": spec.read_only,
        "Init": spec.init,
        "Tmpfs": dict(spec.tmpfs),
        "Sysctls": dict(spec.sysctls),
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.hosts],
        "Mounts": [
            *({"Type": "bind", "Source": b.source, "Target": b.target, "ReadOnly": True} for b in spec.binds),
            *(
                {"Type": "volume", "Source": v.name, "Target": v.target, "VolumeOptions": {"Labels": dict(v.labels)}}
                for v in spec.volumes
            ),
        ],
        "Memory": spec.limits.memory * MIB,
        # As much swap as memory would be: the limit is a limit.
        "MemorySwap": spec.limits.memory * MIB,
        "NanoCpus": int(spec.limits.cpus * 1e9),
        "PidsLimit": spec.limits.pids,
        "RestartPolicy": {"Name": "no"},
        "LogConfig": LOG,
    }


def _network_mode(spec: ContainerSpec) -> str:
    if spec.share_network_of:
        return f"container:{spec.share_network_of}"
    return "host" if spec.host_network else "none"


def network_seen(document: Mapping[str, Any]) -> ObservedNetwork:
    """From one element of GET /networks. Nothing leaves a network that is internal or a dead end."""
    options = document.get("Options") or {}
    host_closed = options.get(NO_ADDRESS) == "true"
    configs = (document.get("IPAM") or {}).get("Config") or []
    subnets = [subnet for config in configs if (subnet := config.get("Subnet"))]
    return ObservedNetwork(
        id=document["Id"],
        name=document["Name"],
        subnets=tuple(IPv4Network(s, strict=False) for s in subnets if ":" not in s),
        internal=bool(document.get("Internal")) or host_closed,
        labels=document.get("Labels") or {},
        gateway_unanswered=host_closed and not document.get("Internal"),
        subnets6=tuple(IPv6Network(s, strict=False) for s in subnets if ":" in s),
        host_closed=host_closed,
        # The engine's own name for a bridge is made of the network's id.
        bridge=options.get(BRIDGE_NAME) or f"br-{document['Id'][:12]}",
        overlay=document.get("Driver") == OVERLAY,
    )


def process_count_seen(document: Mapping[str, Any]) -> ProcessCount:
    """From GET /containers/{id}/stats. Where there is no limit, engines leave it out or name the largest number."""
    processes = document.get("pids_stats") or {}
    limit = processes.get("limit") or 0
    return ProcessCount(processes.get("current") or 0, limit if limit < NO_LIMIT else 0)


def memory_use_seen(document: Mapping[str, Any]) -> int:
    """From the same document, without the files that the kernel can give up. The two versions of cgroups name these."""
    memory = document.get("memory_stats") or {}
    details = memory.get("stats") or {}
    files = details.get("total_inactive_file", details.get("inactive_file"))
    return max(0, int(memory.get("usage") or 0) - int(files or 0))


def image_id_of(text: str) -> str:
    """An image's id without the name of its hash function, which not every engine writes."""
    return text.removeprefix("sha256:")


def endpoints_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Network name -> the container's end there, from GET /containers/{id}/json. One that is just made or goes has
    null for an end, or for all of them."""
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: end for name, end in networks.items() if end}


def container_seen(document: Mapping[str, Any]) -> ObservedContainer:
    """From GET /containers/{id}/json."""
    state = document["State"]
    ends = [end for end in endpoints_of(document).values() if end.get("NetworkID")]
    claimed = {end["NetworkID"]: end.get("IPAMConfig") or {} for end in ends}
    return ObservedContainer(
        id=document["Id"],
        name=document["Name"].lstrip("/"),
        state=state["Status"],
        started=state.get("StartedAt") or "",
        exit_code=state.get("ExitCode") or 0,
        out_of_memory=bool(state.get("OOMKilled")),
        labels=(document.get("Config") or {}).get("Labels") or {},
        addresses={end["NetworkID"]: IPv4Address(end["IPAddress"]) if end.get("IPAddress") else None for end in ends},
        ended=state.get("FinishedAt") or "",
        addresses6={
            end["NetworkID"]: IPv6Address(end["GlobalIPv6Address"]) for end in ends if end.get("GlobalIPv6Address")
        },
        claims={network: IPv4Address(of["IPv4Address"]) for network, of in claimed.items() if of.get("IPv4Address")},
        claims6={network: IPv6Address(of["IPv6Address"]) for network, of in claimed.items() if of.get("IPv6Address")},
        image=image_id_of(document.get("Image") or ""),
    )
