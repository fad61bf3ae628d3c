"""Read which resources a node has no more of: inside the node, and from the engine where no program starts there."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.checks.exhaustion import ARGV, Exhausted, read_exhausted
from orchestrator.engine.protocol import Engine
from orchestrator.errors import WirelabError
from orchestrator.planning.snapshot import ObservedContainer

SECONDS = 5.0
# Exit codes where an engine, or its runtime, could not begin a program.
NOT_BEGUN = (126, 127, 254, 255)


def read_node_exhaustion(engine: Engine, container: ObservedContainer, memory_limit: int) -> tuple[Exhausted, ...]:
    """The resources of which a node has no more; `memory_limit` is in MiB. What cannot be read is left out."""
    exhausted = _inside(engine, container.id, memory_limit) if container.state == "running" else ()
    if container.out_of_memory and not any(resource.resource == "memory" for resource in exhausted):
        return (*exhausted, Exhausted("memory", 1, memory_limit))
    return exhausted


def _inside(engine: Engine, container: str, memory_limit: int) -> tuple[Exhausted, ...]:
    with suppress(WirelabError):
        output = engine.run(container, ARGV, seconds=SECONDS)
        if output.exit_code not in NOT_BEGUN:
            return read_exhausted(output.out, memory_limit)
    # The engine takes a second for its look, so it comes last.
    return _processes(engine, container)


def no_process_left(engine: Engine, container: str) -> Exhausted | None:
    """What a node is where it can start no further process; None where it can, and where nobody knows."""
    return next(iter(_processes(engine, container)), None)


def _processes(engine: Engine, container: str) -> tuple[Exhausted, ...]:
    with suppress(WirelabError):
        count = engine.process_count(container)
        if count.is_exhausted:
            return (Exhausted("processes", min(count.running, count.limit), count.limit),)
    return ()
