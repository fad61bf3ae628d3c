"""Whether a lab that a task broke was repaired in a way that the task allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.lessons.lesson import DoneTask


@dataclass(frozen=True)
class LabChange:
    """What was done to the lab of a task since the task broke it.

    `is_new`: it was removed and made anew. `other_file` is the file that the last `up` read, where it is not the one of
    the task. `is_edited`: the lab's own copy is not as the task left it. `healed` and `broken` count the faults of the
    task that are out and those that are still in. `has_own_record`: the learner changed a record by `inject`.
    """

    is_new: bool = False
    other_file: str = ""
    is_edited: bool = False
    healed: int = 0
    broken: int = 0
    has_own_record: bool = False


@dataclass(frozen=True)
class UncountedRepair:
    """A check holds again, and not by a way that the task allows; `is_mended` where the task must break it again."""

    what: str
    is_mended: bool = True

    def sentence(self, allowed: Sequence[str]) -> str:
        """What was done, what becomes of it, and what the task allows instead."""
        what_follows = "This task does not count that, and the lab is broken again." if self.is_mended else ""
        return " ".join(filter(None, (self.what, what_follows, "What counts:", *(f"{text}." for text in allowed))))


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
    if allow.shell or not isinstance(task.solve, str) or change.has_own_record:
        return None
    if change.is_edited or (change.healed and not change.broken):
        return None
    return UncountedRepair("The check holds at the moment, but what the task broke is still broken.", is_mended=False)
