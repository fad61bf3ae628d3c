"""Removes what bears a label, completely, and says loudly what it could not remove."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineMissing, LabBusy, Leftovers, WirelabError
from orchestrator.host.state import State
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.run_registry import forget_run
from orchestrator.lab.store import LabFolder, claimed
from orchestrator.planning import labels

Remove = Callable[[str], None]
# What the engine knows each thing by -> what it is called in a failure.
Listed = Callable[[], Mapping[str, str]]


def remove_labelled(engine: Engine, label: str, *also: str) -> int:
    """Remove the containers, then the networks and volumes, that bear all these labels; how many things that were.

    Goes on after a failure. Raises Leftovers, with all that is left, if anything is, or if nobody could see what is.
    """
    failures: list[str] = []
    kinds: tuple[tuple[Listed, Remove], ...] = (
        (
            lambda: {c.id: c.id[:12] for c in engine.containers(label) if bears(c.labels, *also)},
            engine.remove_container,
        ),
        (lambda: {n.id: n.id[:12] for n in engine.networks() if bears(n.labels, label, *also)}, engine.remove_network),
        (lambda: {v.name: v.name for v in engine.volumes(label) if bears(v.labels, *also)}, engine.remove_volume),
    )
    count = 0
    for listed, remove in kinds:
        try:
            count += _all(remove, listed(), failures)
        except EngineMissing:
            raise
        except WirelabError as error:
            failures.append(f"{error.what}: {error.why}" if error.why else error.what)
    if failures:
        # Engine 20.10 may keep an end of a network that nobody has any more; only its restart knows that.
        kept = any("active endpoints" in failure for failure in failures)
        hint = (
            "restart the engine (wirelab's own: wirelab engine down), then: wirelab sweep" if kept else "wirelab sweep"
        )
        raise Leftovers("clean-up is not complete", why="; ".join(failures), hint=hint)
    return count


def bears(found: Mapping[str, str], *wanted: str) -> bool:
    """Whether labels hold each `key` or `key=value`."""
    parts = (label.partition("=") for label in wanted)
    return all(key in found and (not equals or found[key] == value) for key, equals, value in parts)


def _all(remove: Remove, things: Mapping[str, str], failures: list[str]) -> int:
    def one(thing: str) -> int:
        try:
            remove(thing)
        except EngineMissing:
            raise
        except WirelabError as error:
            failures.append(f"{things[thing]}: {error.why or error.what}")
            return 0
        return 1

    if not things:
        return 0
    with ThreadPoolExecutor(min(8, len(things))) as pool:
        return sum(pool.map(one, things))


def remove_empty_folders(engine: Engine, state: State, run: str) -> None:
    """Remove the folders of labs on which a dead run worked and of which no container is left."""
    for lab in claimed(state, run):
        with suppress(LabBusy), lab_lock(state, lab, cleaning=True):
            if not engine.containers(f"{labels.LAB}={lab}"):
                LabFolder(state, lab).remove()


def sweep_run(engine: Engine, state: State, run: str) -> int:
    """Remove all that a dead run left, and forget it; how many things that were. Raises Leftovers."""
    count = remove_labelled(engine, f"{labels.RUN}={run}")
    remove_empty_folders(engine, state, run)
    forget_run(state, run)
    return count


def sweep_until_quiet(engine: Engine, run: str, seconds: float = 30.0) -> bool:
    """Remove what bears the run's label until two looks in a row find nothing: a call may still be under way.

    False where something would not go in that time.
    """
    label = f"{labels.RUN}={run}"
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        try:
            quiet = quiet + 1 if remove_labelled(engine, label) == 0 else 0
        except Leftovers:
            quiet = 0
            time.sleep(0.1)
        if quiet == 1:
            time.sleep(0.1)
    return quiet == 2
