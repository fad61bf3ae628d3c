"""Measure how large a packet may be that crosses from the machine of a member to others of its Docker Swarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from secrets import token_hex
from typing import Any

from orchestrator.engine.docker.api_errors import map_api_errors
from orchestrator.engine.docker.http_api import HttpApi
from orchestrator.engine.protocol import Engine
from orchestrator.planning import labels
from orchestrator.planning.specs import ContainerSpec

# Of a large Swarm some machines tell enough.
MOST_PEERS = 8
PING_SECONDS = 20.0
# A packet that may not be fragmented, of the largest size that passes (ping(8)); 28 bytes of it are headers.
PING = """
for size in 9000 1500 1450 1400 1280 576; do
  if ping -c 1 -W 1 -M do -s $((size - 28)) "$0" >&2; then echo "$size"; exit; fi
done
"""


def swarm_peers(url: str) -> tuple[str, ...]:
    """The addresses of other machines of its Swarm that an engine knows; a worker knows the managers."""
    with map_api_errors(f"the engine at {url}"), closing(HttpApi(url)) as api:
        api.open()
        swarm: Mapping[str, Any] = api.get("/info").get("Swarm") or {}
        if swarm.get("LocalNodeState") != "active":
            return ()
        nodes: Sequence[Mapping[str, Any]] = api.get("/nodes") if swarm.get("ControlAvailable") else ()
    known = [str((node.get("Status") or {}).get("Addr") or "") for node in nodes]
    known += [str(manager.get("Addr") or "").rpartition(":")[0] for manager in swarm.get("RemoteManagers") or ()]
    own = ("", "0.0.0.0", str(swarm.get("NodeAddr") or ""))
    return tuple(address for address in dict.fromkeys(known) if address not in own)[:MOST_PEERS]


def largest_packets(engine: Engine, image: str, peers: Sequence[str]) -> dict[str, int]:
    """Peer -> the largest IPv4 packet, of a few sizes, that reaches it whole; 0 where it answers no ping.

    A container of `image` on the network of the engine's machine asks, and is removed.
    """
    token = token_hex(8)
    spec = ContainerSpec(
        name=f"wirelab-mtu-{token}",
        image=image,
        labels={labels.LAB: f"mtu-{token}"},
        command=("sleep", "60"),
        user="0",
        host_network=True,
        capabilities=("NET_RAW",),
    )
    container = engine.make_container(spec)
    try:
        engine.start(container)
        answers = {peer: engine.run(container, ("sh", "-c", PING, peer), seconds=PING_SECONDS).out for peer in peers}
    finally:
        engine.remove_container(container)
    return {peer: int(text.strip() or 0) for peer, text in answers.items()}
