"""Look for what wirelab did not make in the networks of a lab's nodes, and in their view of /etc/resolv.conf."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.engine.programs import Programs
from orchestrator.errors import EngineMissing, WirelabError
from orchestrator.lab.guard import living_run
from orchestrator.lab.network_helper import LOOKS, look_into_networks
from orchestrator.planning.desired import desired, network_helper
from orchestrator.planning.injected_faults import effect_of
from orchestrator.planning.obstacles import Obstacle, obstacles_in, resolver_obstacle
from orchestrator.planning.seen_network import read_network
from orchestrator.planning.snapshot import RESOLVER_FILE, ObservedContainer

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab

READ_SECONDS = 10.0
# A paused node still has its network.
ALIVE = ("running", "paused")


def find_obstacles(lab: Lab, new_nodes: Collection[str] = ()) -> tuple[Obstacle, ...]:
    """What stands in the way in the nodes that run; nobody has changed `new_nodes`, which have just begun."""
    observed = lab.observe()
    topology = lab.topology(observed)
    alive = {
        node: container
        for node in topology.scenario.nodes
        if node not in new_nodes and (container := observed.container_of(node)) and container.state in ALIVE
    }
    with living_run(lab.state, lab.settings.run, lab.settings.member) as run:
        looking = replace(observed, run=run)
        helpers = {node: (network_helper(topology, looking, node, "look"), alive[node]) for node in alive}
        networks = look_into_networks(lab.engine, helpers)
    files = _resolver_files(lab.engine, {node: alive[node] for node in alive if alive[node].state == "running"})
    effect = effect_of(topology, observed.faults)
    obstacles: list[Obstacle] = []
    for node in alive:
        obstacles += obstacles_in(topology, observed, node, read_network(networks.get(node, "")))
        if node in files:
            wanted = desired(topology, observed, node, effect).texts[RESOLVER_FILE]
            obstacles += resolver_obstacle(node, wanted, files[node])
    return tuple(obstacles)


def _resolver_files(engine: Programs, running: dict[str, ObservedContainer]) -> dict[str, str]:
    """Node -> its /etc/resolv.conf as its programs see it; without those whose image has no `cat`."""

    def read(container: ObservedContainer) -> str | None:
        try:
            output = engine.run(container.id, ("cat", "/etc/resolv.conf"), seconds=READ_SECONDS)
        except EngineMissing:
            raise
        except WirelabError:
            return None
        return output.out if output.exit_code == 0 else None

    if not running:
        return {}
    with ThreadPoolExecutor(min(LOOKS, len(running))) as pool:
        texts = pool.map(read, running.values())
        return {node: text for node, text in zip(running, texts, strict=True) if text is not None}
