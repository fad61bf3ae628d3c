"""The routes of nodes beside a router in a Compose file: a service in the network namespace of the node sets them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from orchestrator.model.topology import Topology
from orchestrator.planning.desired import network_helper
from orchestrator.planning.routes import Route, route_arguments, routes_of
from orchestrator.planning.snapshot import Snapshot
from orchestrator.rendering.compose_hardening import hardening

# Compose knows no service that ends well: `up --wait` would take it for one that failed. So it stays, asleep.
SET_AND_STAY = '/usr/lib/wirelab/routes "$$@" && exec sleep infinity'
HAS_SET = ("CMD", "grep", "-qx", "sleep", "/proc/1/comm")


def route_services(topology: Topology, observed: Snapshot) -> Iterator[tuple[str, dict[str, Any]]]:
    """Service name -> the service that sets the routes of a node when the node has started."""
    taken = set(topology.scenario.nodes)
    for node, routes in routes_of(topology).items():
        name = f"{node}-routes"
        while name in taken:
            name += "-1"
        taken.add(name)
        yield name, _route_service(topology, observed, node, routes)


def _route_service(topology: Topology, observed: Snapshot, node: str, routes: tuple[Route, ...]) -> dict[str, Any]:
    arguments = route_arguments(routes)
    # Its first process is what the health check looks at.
    spec = replace(network_helper(topology, observed, node, "routes", *arguments), init=False)
    return {
        "image": spec.image,
        "user": spec.user,
        "command": ["bash", "-c", SET_AND_STAY, "routes", *arguments],
        "depends_on": {node: {"condition": "service_started", "restart": True}},
        "network_mode": f"service:{node}",
        **hardening(spec),
        "healthcheck": {"test": list(HAS_SET), "interval": "1s", "timeout": "5s", "retries": 60},
        "stop_signal": "SIGKILL",
    }
