"""Looks into the nodes where the engine cannot: at their routes."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from orchestrator.engine.programs import Programs
from orchestrator.errors import EngineMissing, WirelabError
from orchestrator.planning.routes import read_table
from orchestrator.planning.snapshot import ObservedContainer, Snapshot

LOOK_SECONDS = 10.0
LOOKS = 8


def seen_routes(engine: Programs, observed: Snapshot, nodes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Node -> its routes through others; a node that does not run, or whose image has no `cat`, is left out."""
    running = [(n, c) for n in nodes if (c := observed.container_of(n)) and c.state == "running"]
    if not running:
        return {}

    def read_routes(container: ObservedContainer) -> tuple[str, ...] | None:
        try:
            result = engine.run(container.id, ("cat", "/proc/net/route"), seconds=LOOK_SECONDS)
        except EngineMissing:
            raise
        except WirelabError:
            return None
        return read_table(result.out) if result.exit_code == 0 else None

    with ThreadPoolExecutor(min(LOOKS, len(running))) as pool:
        tables = pool.map(read_routes, [container for _, container in running])
        return {node: routes for (node, _), routes in zip(running, tables, strict=True) if routes is not None}
