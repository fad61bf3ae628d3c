"""Finds labs whose removal is not complete, and completes the removals that a command began."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from orchestrator.engine.protocol import Engine, Resources
from orchestrator.events import Event
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.member_pin import may_stand_on, member_of
from orchestrator.lab.run_registry import is_alive, is_foreign
from orchestrator.lab.store import LabFolder, labs_with_begun_removal
from orchestrator.lab.take_down import remove_locked_lab
from orchestrator.planning import labels
from orchestrator.planning.leftovers import LabLeftovers, leftovers
from orchestrator.planning.plan import Plan


def begun_removals(state: StateFolder, member: str) -> list[str]:
    """The labs on this member, or with an empty name on the engine in use, whose removal began."""
    return [lab for lab in labs_with_begun_removal(state) if member_of(state, lab) == member]


def incomplete_removals(engine: Resources, state: StateFolder, member: str = "") -> tuple[LabLeftovers, ...]:
    """The labs of this person whose `down` did not complete, and those of which only networks or volumes are left.

    `member` is the one whose engine it is.
    """

    def alive(lab: str, run: str) -> bool:
        return is_alive(state, run) or is_alive(state, LabFolder(state, lab).claimed_by())

    def looked_for(every: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
        return [own for own in every if labels.LAB in own and may_stand_on(state, own[labels.LAB], member)]

    return leftovers(
        looked_for(container.labels for container in engine.containers(labels.LAB)),
        looked_for(network.labels for network in engine.networks()),
        looked_for(volume.labels for volume in engine.volumes(labels.LAB)),
        begun=begun_removals(state, member),
        alive=alive,
        foreign=lambda object_labels: is_foreign(state, object_labels),
    )


def complete_removal(engine: Engine, state: StateFolder, lab: str, publish: Callable[[Event], None]) -> Plan:
    """Remove what is left of a lab whose `down` did not complete. The plan is empty if the lab is up again.

    Raises Leftovers, or LabBusy if another command works on the lab.
    """
    with lab_lock(state, lab):
        if not LabFolder(state, lab).removal_begun:
            return Plan(lab, ())
        return remove_locked_lab(engine, state, lab, publish)
