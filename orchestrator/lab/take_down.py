"""Takes a lab down by its label alone: no scenario is read, for the file may be gone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from orchestrator.engine.protocol import Engine
from orchestrator.errors import WirelabError
from orchestrator.events import Event
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.executor import Executor
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.removal import remove_labelled
from orchestrator.lab.run_registry import refuse_foreign
from orchestrator.lab.step_handler import StepHandler
from orchestrator.lab.store import LabFolder
from orchestrator.planning import labels
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.leftovers import removal_command
from orchestrator.planning.plan import Plan
from orchestrator.planning.removal import down
from orchestrator.planning.snapshot import Snapshot


def take_down(engine: Engine, state: StateFolder, lab: str, publish: Callable[[Event], None]) -> Plan:
    """Remove the lab, by its label alone: its file may be gone. Nothing happens if there is nothing.

    ForeignLab if the lab is somebody else's.
    """
    with lab_lock(state, lab):
        return remove_locked_lab(engine, state, lab, publish)


def remove_locked_lab(engine: Engine, state: StateFolder, lab: str, publish: Callable[[Event], None]) -> Plan:
    """As `take_down`, for a caller that holds the lab's lock. What cannot be removed is remembered as left."""
    label = f"{labels.LAB}={lab}"
    folder = LabFolder(state, lab)
    with ThreadPoolExecutor(2) as pool:
        listed, volumes = pool.submit(engine.networks), pool.submit(engine.volumes, label)
        containers = engine.containers(label)
    refuse_foreign(state, lab, (container.labels for container in containers))
    networks = tuple(n for n in listed.result() if n.labels.get(labels.LAB) == lab)
    observed = Snapshot("", "", {}, networks, containers, volumes.result())
    plan = down(lab, observed)
    if plan:
        folder.begin_removal()
    doing = StepHandler(engine, folder, observed, LabRef(lab), 0)
    ended = Executor(doing, publish).run(plan)
    if ended.error:
        with suppress(WirelabError):
            remove_labelled(engine, label)
        remove_labelled(engine, label, hint=removal_command(lab))
    folder.remove()
    return plan
