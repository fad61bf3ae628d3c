"""Programs that somebody ran in a node that is not the learner's, and of which no packet crossed a network.

`wirelab exec` and the Python API write them to the lab's journal. So a lesson can also name a server that was started
on the wrong machine, or a request that a machine sent to itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from orchestrator.lessons.repairs import ProgramRun, RunBegin, programs_run

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import LabHandle

# By then, the lesson has answered what a program sent on a network.
SEEN_SECONDS = 1.7


class ProgramsElsewhere:
    """The programs since the open task began; each is told once."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._since = now()
        self._runs: tuple[ProgramRun, ...] = ()
        self._known: set[RunBegin] = set()

    def begin(self) -> None:
        """Begin a task: what ran so far is no attempt at it."""
        self._since, self._runs = self._now(), ()
        self._known.clear()

    def look(self, lab: LabHandle) -> None:
        """Read the journal, which has changed."""
        from orchestrator.lab.journal_reader import program_entries

        runs = programs_run(program_entries(lab.workspace.state, lab.name))
        self._runs = tuple(run for run in runs if run.began >= self._since and run.begin not in self._known)

    def unseen(self, shells: Collection[str], answered: float) -> list[ProgramRun]:
        """Those in other nodes than `shells` that got no answer in time; `answered` is the time of the last answer."""
        due = [run for run in self._runs if run.began + SEEN_SECONDS <= self._now()]
        self._known |= {run.begin for run in due}
        self._runs = tuple(run for run in self._runs if run.begin not in self._known)
        return [run for run in due if run.node not in shells and answered < run.began]
