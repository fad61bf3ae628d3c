"""Remove what dead commands left, found by label."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.errors import LabBusy, Leftovers, WirelabError
from orchestrator.operations.command_record import recorded
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.leftovers import LabLeftovers


@dataclass(frozen=True)
class SweepResult:
    """How many things were removed and faults of dead checks healed, the errors of what could not be, and the labs of
    which something is left."""

    removed: int
    healed: int
    failures: tuple[WirelabError, ...]
    left: tuple[LabLeftovers, ...] = ()

    def raise_failures(self) -> None:
        """Raise Leftovers or LabBusy if something could not be removed."""
        if len(self.failures) == 1:
            raise self.failures[0]
        if self.failures:
            why = "; ".join(error.why or error.what for error in self.failures)
            hints = dict.fromkeys(error.hint for error in self.failures if error.hint)
            raise Leftovers("not all could be swept", why=why, hint="; ".join(hints))


def sweep(workspace: Workspace, *, all_labs: bool) -> SweepResult:
    """Remove what dead runs left, heal what their checks broke, remove labs whose time is over, and complete removals
    that began: on the workspace's engine alone. Goes on after a failure.

    With `all_labs` every lab of this person goes too.
    """
    from orchestrator.lab.expiry import ended_labs
    from orchestrator.lab.incomplete_removal import begun_removals, incomplete_removals
    from orchestrator.lab.journal import prune_journals
    from orchestrator.lab.member_pin import member_of
    from orchestrator.lab.removal import sweep_run
    from orchestrator.lab.run_registry import dead_runs, run_member
    from orchestrator.operations.dead_command import heal_ended_faults, labs_with_ended_faults
    from orchestrator.operations.expiry import end_lab

    engine, state = workspace.engine, workspace.state
    prune_journals(state)
    dead = [run for run in dead_runs(state) if run_member(state, run) == workspace.member]
    count, failures = remove_each(partial(sweep_run, engine, state, run) for run in dead)
    broken = [lab for lab in labs_with_ended_faults(state) if member_of(state, lab) == workspace.member]
    healed, others = remove_each(partial(heal_ended_faults, workspace, lab_name) for lab_name in broken)
    failures += others
    ended = ended_labs(state, workspace.url, time.time())
    more, others = remove_each(partial(end_lab, workspace, lab_name) for lab_name in ended)
    count, failures = count + more, failures + others
    begun = begun_removals(state, workspace.member)
    more, others = remove_each(partial(_complete_removal, workspace, lab_name) for lab_name in begun)
    count, failures = count + more, failures + others
    if all_labs:
        more, others = remove_each(partial(_remove_lab, workspace, lab_name) for lab_name in _lab_names(workspace))
        count, failures = count + more, failures + others
    return SweepResult(count, healed, tuple(failures), incomplete_removals(engine, state, workspace.member))


def remove_each(removals: Iterable[Callable[[], int]]) -> tuple[int, list[WirelabError]]:
    """Carry out each removal, also after one that failed; how much was removed, and what failed."""
    count = 0
    failures: list[WirelabError] = []
    for remove in removals:
        try:
            count += remove()
        except (Leftovers, LabBusy) as error:
            failures.append(error)
    return count, failures


def _complete_removal(workspace: Workspace, lab_name: str) -> int:
    from orchestrator.lab.incomplete_removal import complete_removal

    quiet = workspace.without_watcher()
    publish = quiet.publisher(quiet.journal(lab_name))
    # Whoever works on the lab completes its removal, or wants it.
    with suppress(LabBusy), recorded(quiet, lab_name):
        return len(complete_removal(quiet.engine, quiet.state, lab_name, publish).steps)
    return 0


def _remove_lab(workspace: Workspace, lab_name: str) -> int:
    from orchestrator.operations.lifecycle import remove_lab

    with recorded(workspace.without_watcher(), lab_name):
        return len(remove_lab(workspace.without_watcher(), lab_name).steps)


def _lab_names(workspace: Workspace) -> list[str]:
    """The labs of this person of which anything is on the engine."""
    from orchestrator.lab.member_pin import may_stand_on
    from orchestrator.lab.run_registry import is_foreign

    engine, state = workspace.engine, workspace.state
    all_labels = [container.labels for container in engine.containers(labels.LAB)]
    all_labels += [network.labels for network in engine.networks() if labels.LAB in network.labels]
    all_labels += [volume.labels for volume in engine.volumes(labels.LAB)]
    names = sorted({own[labels.LAB] for own in all_labels if not is_foreign(state, own)})
    return [name for name in names if may_stand_on(state, name, workspace.member)]
