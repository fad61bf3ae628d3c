"""The recorded lab by testcontainers-python, as the author of a test would write it: one container after the other.

    python bench/with_testcontainers.py LAB.json

Each service is waited for by a wait strategy of the library; app and client come after what they use. The lab stands
when the last wait is over; then all of it is removed. Prints the seconds until it stood. Imports nothing of wirelab.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack, suppress
from typing import Any

# Its clean-up container comes from a registry, which may not be in reach.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

import docker
from docker.types import EndpointConfig, IPAMConfig, IPAMPool
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy, WaitStrategy

ORDER = ("dns", "database", "http", "")


def wait_strategy(kind: str) -> WaitStrategy | None:
    """How the author would wait; the app writes nothing at its start, so it is asked."""
    match kind:
        case "dns":
            return LogMessageWaitStrategy("general: running")
        case "database":
            return LogMessageWaitStrategy("ready to accept connections")
        case "http":
            return ExecWaitStrategy(["/usr/lib/wirelab/ready", "--seconds", "0"])
    return None


def container(node: dict[str, Any], network: str, version: str) -> DockerContainer:
    """One container with all that the recorded one has."""
    config, host = node["config"], node["config"]["HostConfig"]
    made = DockerContainer(config["Image"]).with_name(f"tc-{node['name']}").with_kwargs(
        hostname=config["Hostname"],
        user=config.get("User"),
        labels=config["Labels"],
        network=network,
        networking_config={network: EndpointConfig(version, ipv4_address=node["address"])},
        cap_add=host.get("CapAdd"),
        cap_drop=host["CapDrop"],
        security_opt=host["SecurityOpt"],
        read_only=host["ReadonlyRootfs"],
        init=host["Init"],
        sysctls=host.get("Sysctls"),
        mem_limit=host["Memory"],
        memswap_limit=host["MemorySwap"],
        nano_cpus=host["NanoCpus"],
        pids_limit=host["PidsLimit"],
        mounts=[{**mount, "Source": _source(mount)} for mount in host["Mounts"]],
    )  # fmt: skip
    made.tmpfs = dict(host["Tmpfs"])
    for text in config["Env"]:
        made.with_env(*text.split("=", 1))
    if config.get("Cmd"):
        made.with_command(config["Cmd"])
    strategy = wait_strategy(node["kind"])
    return made.waiting_for(strategy) if strategy else made


def _source(mount: dict[str, Any]) -> str:
    return f"tc-{mount['Source']}" if mount["Type"] == "volume" else mount["Source"]


def main() -> None:
    if "--help" in sys.argv:  # argparse would be a part of what is measured
        print(__doc__)
        return
    with open(sys.argv[1], encoding="utf-8") as opened:
        lab = json.load(opened)
    began = time.monotonic()
    client = docker.DockerClient(base_url=lab["engine"])
    version = client.api.api_version
    (subnet,) = (config["Subnet"] for config in lab["network"]["IPAM"]["Config"])
    with ExitStack() as cleanup:
        cleanup.callback(client.close)
        name = f"tc-{lab['network']['Name']}"
        pool = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
        network = client.networks.create(name, internal=lab["network"]["Internal"], ipam=pool)
        cleanup.callback(network.remove)
        for volume in lab["volumes"]:
            cleanup.callback(_remove_volume, client, f"tc-{volume}")
        for node in sorted(lab["containers"], key=lambda node: ORDER.index(node["kind"])):
            made = container(node, name, version)
            cleanup.callback(made.stop)
            made.start()
        print(time.monotonic() - began, flush=True)


def _remove_volume(client: docker.DockerClient, name: str) -> None:
    with suppress(docker.errors.NotFound):
        client.volumes.get(name).remove(force=True)


if __name__ == "__main__":
    main()
