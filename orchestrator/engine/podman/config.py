"""Specs as the JSON of Podman's APIs, and Podman's JSON as what is seen, where both differ from Docker's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from orchestrator.engine.docker.config import container_config, endpoint_config
from orchestrator.planning.snapshot import ContainerStatus, ObservedNetwork
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

# A label of this module's own. Whoever reads a network does not see it.
DEAD_END = "wirelab.podman.dead-end"
# What Docker sets in each container: a process that is not root may bind every port, and ping. Docker lets every group
# ping; in the namespace of a user who is not root the kernel takes only a group that the namespace has.
DOCKERS_SYSCTLS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 65534"}
# A node without an IPv6 address has no IPv6 at all with Docker. It matters: with IPv6, the C library puts the IPv4
# addresses of a name in another order (glibc, rule 9 of RFC 6724).
NO_IPV6 = {"net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1"}
# What Podman calls the state of a container -> what Docker calls it.
STATES: Mapping[str, ContainerStatus] = {
    "stopped": "exited",
    "stopping": "running",
    "initialized": "created",
    "configured": "created",
}


def network_config(spec: NetworkSpec) -> dict[str, Any]:
    """The body of POST /libpod/networks/create.

    Podman adds no rules to its firewall for an internal network, so it forwards what a router of ours forwards, and
    IPv6 passes. Without a gateway the bridge has no address, and the host and the nodes do not reach each other. No
    DNS server of Podman's own answers on the network.
    """
    closed = spec.gateway_unanswered or spec.host_closed
    ranges = [(str(spec.subnet), str(spec.gateway))]
    ranges += [(str(spec.subnet6), str(spec.subnet6[1]))] if spec.subnet6 else []
    return {
        "name": spec.name,
        "driver": "bridge",
        "internal": spec.internal,
        "ipv6_enabled": spec.subnet6 is not None,
        "dns_enabled": False,
        "subnets": [{"subnet": subnet} if closed else {"subnet": subnet, "gateway": at} for subnet, at in ranges],
        # As with Docker, the host forwards nothing from one network to another.
        "options": {"isolate": "true"},
        "labels": {**spec.labels, DEAD_END: "yes"} if spec.gateway_unanswered else dict(spec.labels),
        **({"network_interface": spec.bridge} if spec.bridge else {}),
    }


def network_seen(document: Mapping[str, Any]) -> ObservedNetwork:
    """From one element of GET /libpod/networks/json."""
    ranges = document.get("subnets") or []
    subnets = [entry["subnet"] for entry in ranges]
    labels = dict(document.get("labels") or {})
    dead_end = labels.pop(DEAD_END, None) is not None
    internal = bool(document.get("internal"))
    gateways = [entry for entry in ranges if entry.get("gateway") and ":" not in entry["subnet"]]
    return ObservedNetwork(
        id=document["id"],
        name=document["name"],
        subnets=tuple(IPv4Network(subnet, strict=False) for subnet in subnets if ":" not in subnet),
        internal=internal,
        labels=labels,
        gateway_unanswered=dead_end,
        subnets6=tuple(IPv6Network(subnet, strict=False) for subnet in subnets if ":" in subnet),
        host_closed=internal and not gateways,
        bridge=document.get("network_interface") or "",
    )


def podman_container_config(spec: ContainerSpec, *, kernel_has_ipv6: bool = True) -> dict[str, Any]:
    """The body of POST /containers/create. A kernel without IPv6 has no setting to switch it off."""
    config = container_config(spec)
    if spec.attachments:
        first = spec.attachments[0]
        config["NetworkingConfig"] = {"EndpointsConfig": {first.network_id: podman_endpoint_config(first)}}
    host: dict[str, Any] = config["HostConfig"]
    del host["LogConfig"]  # the driver is one of Docker; Podman's own stays
    host["Tmpfs"] = {path: owned_by_user(options) for path, options in spec.tmpfs.items()}
    if not spec.share_network_of and not spec.host_network:
        switched_off = kernel_has_ipv6 and not any(attach.address6 for attach in spec.attachments)
        host["Sysctls"] = {**DOCKERS_SYSCTLS, **(NO_IPV6 if switched_off else {}), **spec.sysctls}
    return config


def podman_endpoint_config(attach: Attach) -> dict[str, Any]:
    """One end on a network.

    As with Docker, its MAC address is made of the IPv4 address. By chance it would be another one each time the node is
    made again, and the others would send to the old one until their neighbour tables forget it.
    """
    return {
        **endpoint_config(attach),
        "MacAddress": ":".join(f"{byte:02x}" for byte in b"\x02\x42" + attach.address.packed),
    }


def owned_by_user(options: str) -> str:
    """The mount options of a folder in memory.

    Podman refuses `uid=` and `gid=`, and has `U` for them: the folder belongs to the user of the container.
    """
    return ",".join(dict.fromkeys(_options(options)))


def _options(options: str) -> Iterator[str]:
    for option in options.split(","):
        yield "U" if option.startswith(("uid=", "gid=")) else option
