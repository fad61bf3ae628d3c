"""Whether a lab that a task broke was repaired in a way that the task allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.events import Entry, ProgramEvent
from orchestrator.lessons.lesson import Attempt, DoneTask

# The node, the run of wirelab, and when: what stays the same of a program when it ends.
RunBegin = tuple[str, str, float]


@dataclass(frozen=True)
class ProgramRun:
    """A program or a shell that somebody ran in a node, and when; a shell's end is not known."""

    node: str
    argv: tuple[str, ...]
    run: str
    began: float
    ended: float | None = None
    exit_code: int | None = None

    @property
    def begin(self) -> RunBegin:
        return self.node, self.run, self.began


def programs_run(entries: Iterable[Entry]) -> tuple[ProgramRun, ...]:
    """The programs that were begun, by the entries of a journal, the oldest first."""
    runs: list[ProgramRun] = []
    for entry in entries:
        event = entry.event
        if not isinstance(event, ProgramEvent):
            continue
        if event.state == "started":
            runs.append(ProgramRun(event.node, event.argv, entry.run, entry.time))
            continue
        for place, run in enumerate(runs):
            if (run.node, run.argv, run.run, run.ended) == (event.node, event.argv, entry.run, None):
                runs[place] = replace(run, ended=entry.time, exit_code=event.exit_code)
    return tuple(runs)


@dataclass(frozen=True)
class LabChange:
    """What was done to the lab of a task since the task broke it.

    `is_new`: it was removed and made anew. `other_file` is the file that the last `up` read, where it is not the one of
    the task. `is_edited`: the lab's own copy is not as the task left it. `healed` and `broken` count the faults of the
    task that are out and those that are still in. `has_own_record`: the learner changed a record by `inject`.
    `worked_in`: the nodes, of those that the task does not name, in which a program or a shell may have repaired it.
    """

    is_new: bool = False
    other_file: str = ""
    is_edited: bool = False
    healed: int = 0
    broken: int = 0
    has_own_record: bool = False
    worked_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class UncountedRepair:
    """A check holds again, and not by a way that the task allows; `is_mended` where the task must break it again.

    To undo work inside of nodes, `changed_nodes` are made anew.
    """

    what: str
    is_mended: bool = True
    changed_nodes: tuple[str, ...] = ()

    def sentence(self, allowed: Sequence[str]) -> str:
        """What was done, what becomes of it, and what the task allows instead."""
        what_follows = "This task does not count that, and the lab is broken again." if self.is_mended else ""
        return " ".join(filter(None, (self.what, what_follows, "What counts:", *(f"{text}." for text in allowed))))


def nodes_to_work_in(task: DoneTask, shells: Iterable[str]) -> tuple[str, ...]:
    """The nodes in which a learner may repair the lab: those of `allow`, of the solution, and of the whole lesson."""
    solution = (task.solve.node,) if isinstance(task.solve, Attempt) else ()
    return tuple(dict.fromkeys((*shells, *task.allowed.shell, *solution)))


def uncounted_repair(task: DoneTask, change: LabChange) -> UncountedRepair | None:
    """What is said of a check that holds again; None where the learner made it hold in a way that the task allows."""
    allow = task.allowed
    if change.is_new:
        return UncountedRepair("The lab was removed and made anew.")
    if change.other_file:
        return UncountedRepair(f"The lab was made from another file, {change.other_file}.")
    if change.healed and "heal" not in allow.do:
        return UncountedRepair("What the task broke was healed.")
    if change.has_own_record and "record" not in allow.do:
        return UncountedRepair("A record of a DNS server was changed.")
    if change.has_own_record or change.is_edited or (change.healed and not change.broken):
        return None
    if change.worked_in:
        nodes = " and ".join(change.worked_in)
        what = f"A shell or a program ran in {nodes} when the check began to hold."
        return UncountedRepair(what, changed_nodes=change.worked_in)
    if allow.shell or not isinstance(task.solve, str):
        return None
    return UncountedRepair("The check holds at the moment, but what the task broke is still broken.", is_mended=False)
