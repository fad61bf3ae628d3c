"""Writes down a lab that stands, so that bare.py can make the same one; and the same lab as a Compose file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bare import Engine

# What to ask at a port to learn that its service serves.
KINDS = {53: "dns", 5432: "database", 80: "http"}
KEPT = ("Image", "Hostname", "User", "Cmd", "Env")
HOST_KEPT = (
    "CapAdd", "CapDrop", "SecurityOpt", "ReadonlyRootfs", "Init", "Tmpfs", "Sysctls", "Memory", "MemorySwap",
    "NanoCpus", "PidsLimit", "RestartPolicy",
)  # fmt: skip
LABELS = {"wirelab-bench": "bare"}


def record(url: str, lab: str, nodes: Path, copy: Path) -> dict[str, Any]:
    """The create calls for a second lab like the one called `lab`, whose mounted files are copied to `copy`."""
    engine = Engine(url)
    shutil.copytree(nodes, copy, dirs_exist_ok=True)
    wanted = quote(json.dumps({"label": [f"wirelab.lab={lab}"]}))
    listed = engine.call("GET", f"/containers/json?all=1&filters={wanted}")
    network = engine.call("GET", f"/networks?filters={wanted}")[0]
    seen = [engine.call("GET", f"/containers/{container['Id']}/json") for container in listed]
    containers = [
        _container(container, str(nodes), str(copy))
        for container in sorted(seen, key=lambda container: container["Created"])
    ]
    mounts = [mount for container in containers for mount in container["config"]["HostConfig"]["Mounts"]]
    return {
        "engine": url,
        "network": {
            # Another run may have left one that the engine cannot remove (20.10: "has active endpoints").
            "Name": f"bare-{lab}-{os.getpid()}",
            "CheckDuplicate": True,
            "Driver": "bridge",
            "Internal": network["Internal"],
            "IPAM": {"Driver": "default", "Config": network["IPAM"]["Config"]},
            "Labels": LABELS,
        },
        "containers": containers,
        "volumes": [mount["Source"] for mount in mounts if mount["Type"] == "volume"],
    }


def _container(seen: dict[str, Any], nodes: str, copy: str) -> dict[str, Any]:
    ports = [int(port.partition("/")[0]) for port in seen["Config"].get("ExposedPorts") or ()]
    port = ports[0] if ports else 0
    (end,) = seen["NetworkSettings"]["Networks"].values()
    config = {name: seen["Config"][name] for name in KEPT if seen["Config"].get(name)}
    host = {name: seen["HostConfig"][name] for name in HOST_KEPT if seen["HostConfig"].get(name) is not None}
    host["Mounts"] = [_mount(mount, nodes, copy) for mount in seen["HostConfig"].get("Mounts") or ()]
    return {
        "name": "bare-" + seen["Name"].lstrip("/"),
        "address": end["IPAddress"],
        "port": port,
        "kind": KINDS.get(port, ""),
        "config": {**config, "Labels": LABELS, "HostConfig": host},
    }


def _mount(mount: dict[str, Any], nodes: str, copy: str) -> dict[str, Any]:
    if mount["Type"] == "volume":
        return {"Type": "volume", "Source": f"bare-{mount['Source']}", "Target": mount["Target"]}
    return {**mount, "Source": mount["Source"].replace(nodes, copy)}


def compose(lab: dict[str, Any], uses: dict[str, list[str]]) -> dict[str, Any]:
    """The same lab for `docker compose`: the same order of readiness, told by health checks of one second."""
    services = {container["config"]["Hostname"]: _service(container) for container in lab["containers"]}
    for name, service in services.items():
        service["depends_on"] = {other: {"condition": "service_healthy"} for other in uses.get(name, ())}
    return {
        "name": "wirelab-bench-compose",
        "services": services,
        "networks": {
            "lab": {
                "internal": lab["network"]["Internal"],
                "ipam": {"config": [{"subnet": c["Subnet"]} for c in lab["network"]["IPAM"]["Config"]]},
            }
        },
        "volumes": {name: {} for name in lab["volumes"]},
    }


def _service(container: dict[str, Any]) -> dict[str, Any]:
    config, host = container["config"], container["config"]["HostConfig"]
    return {
        "image": config["Image"],
        "hostname": config["Hostname"],
        **({"user": config["User"]} if config.get("User") else {}),
        **({"command": config["Cmd"]} if config.get("Cmd") else {}),
        "environment": [text.replace("$", "$$") for text in config["Env"]],
        "cap_drop": host["CapDrop"],
        "cap_add": host.get("CapAdd") or [],
        "security_opt": host["SecurityOpt"],
        "read_only": host["ReadonlyRootfs"],
        "init": True,
        "tmpfs": [f"{path}:{options}" for path, options in host["Tmpfs"].items()],
        "mem_limit": host["Memory"],
        "pids_limit": host["PidsLimit"],
        "volumes": [
            {"type": m["Type"], "source": m["Source"], "target": m["Target"], "read_only": bool(m.get("ReadOnly"))}
            for m in host["Mounts"]
        ],
        "networks": {"lab": {"ipv4_address": container["address"]}},
        "healthcheck": {
            "test": ["CMD", "/usr/lib/wirelab/ready", "--seconds", "0"], "interval": "1s", "timeout": "5s",
            "retries": 60,
        },
    }  # fmt: skip
