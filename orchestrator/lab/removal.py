"""Removes what bears a label, completely, and says loudly what it could not remove."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from orchestrator.engine.protocol import Resources
from orchestrator.errors import EngineMissing, LabBusy, Leftovers, NetworkBusy, WirelabError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.run_registry import forget_run, is_retired
from orchestrator.lab.store import LabFolder, claimed
from orchestrator.planning import labels
from orchestrator.planning.leftovers import removal_command

Remove = Callable[[str], None]
# What the engine knows each thing by -> what it is called in a failure.
Listed = Callable[[], Mapping[str, str]]


def remove_labelled(engine: Resources, label: str, *also: str, hint: str = "wirelab sweep") -> int:
    """Remove the containers, then the networks and volumes, that bear all these labels; how many things that were.

    Goes on after a failure. Raises Leftovers, with all that is left, if anything is, or if nobody could see what is;
    `hint` is the command that removes it.
    """
    failures: list[tuple[str, WirelabError]] = []
    kinds: tuple[tuple[Listed, Remove], ...] = (
        (
            lambda: {c.id: c.id[:12] for c in engine.listed_containers(label) if bears(c.labels, *also)},
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
            failures.append((f"{error.what}: {error.why}" if error.why else error.what, error))
    if failures:
        # Engine 20.10 may count an end of a network that nobody has any more; only its restart mends the count.
        if any(isinstance(error, NetworkBusy) for _, error in failures):
            hint = f"{hint}; if the engine refuses again, restart it before"
        raise Leftovers("clean-up is not complete", why="; ".join(text for text, _ in failures), hint=hint)
    return count


def bears(object_labels: Mapping[str, str], *wanted: str) -> bool:
    """Whether labels hold each `key` or `key=value`."""
    parts = (label.partition("=") for label in wanted)
    return all(key in object_labels and (not equals or object_labels[key] == value) for key, equals, value in parts)


def _all(remove: Remove, things: Mapping[str, str], failures: list[tuple[str, WirelabError]]) -> int:
    def attempt(thing: str) -> int:
        try:
            remove(thing)
        except EngineMissing:
            raise
        except WirelabError as error:
            failures.append((f"{things[thing]}: {error.why or error.what}", error))
            return 0
        return 1

    if not things:
        return 0
    with ThreadPoolExecutor(min(8, len(things))) as pool:
        return sum(pool.map(attempt, things))


def sweep_run(engine: Resources, state: StateFolder, run: str) -> int:
    """Remove what a dead run left, and forget the run; return how many things that were.

    Raises Leftovers, or LabBusy if another command works on one of its labs; the run then stays a dead one.
    """
    count = remove_run(engine, state, run)
    forget_run(state, run)
    return count


def remove_run(engine: Resources, state: StateFolder, run: str) -> int:
    """Remove what a dead run left of each lab, under the lab's lock; return how many things that were.

    A lab that another command has completed meanwhile stands: nothing of it is removed. Raises Leftovers or LabBusy,
    after all labs.
    """
    count = 0
    failures: list[Leftovers | LabBusy] = []
    for lab in _labs_of(engine, state, run):
        try:
            count += _remove_lab_of_run(engine, state, run, lab)
        except (Leftovers, LabBusy) as error:
            failures.append(error)
    if failures:
        raise next((error for error in failures if isinstance(error, Leftovers)), failures[0])
    return count


def _remove_lab_of_run(engine: Resources, state: StateFolder, run: str, lab: str) -> int:
    own, folder = f"{labels.LAB}={lab}", LabFolder(state, lab)
    with lab_lock(state, lab, cleaning=True):
        if is_retired(state, lab, run):
            return 0
        count = remove_labelled(engine, f"{labels.RUN}={run}", own, hint=removal_command(lab))
        # A removal that began is of the whole lab: what other runs made of it may still be there.
        if not folder.removal_begun and not engine.listed_containers(own):
            folder.remove()
    return count


def _labs_of(engine: Resources, state: StateFolder, run: str) -> list[str]:
    """The labs of which a run has made anything. Raises Leftovers if the engine cannot tell."""
    label = f"{labels.RUN}={run}"
    try:
        all_labels = [container.labels for container in engine.listed_containers(label)]
        all_labels += [volume.labels for volume in engine.volumes(label)]
        all_labels += [network.labels for network in engine.networks() if bears(network.labels, label)]
    except EngineMissing:
        raise
    except WirelabError as error:
        raise Leftovers("clean-up is not complete", why=f"{error.what}: {error.why}", hint="wirelab sweep") from error
    return sorted({labels_[labels.LAB] for labels_ in all_labels if labels.LAB in labels_}.union(claimed(state, run)))


def sweep_until_quiet(engine: Resources, state: StateFolder, run: str, seconds: float = 30.0) -> bool:
    """Remove what a dead run left until two looks in a row find nothing: a call may still be under way.

    False if something is left after that time, or if another command still works on one of the labs.
    """
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        try:
            quiet = quiet + 1 if remove_run(engine, state, run) == 0 else 0
        except (Leftovers, LabBusy):
            quiet = 0
            time.sleep(0.1)
        if quiet == 1:
            time.sleep(0.1)
    return quiet == 2
