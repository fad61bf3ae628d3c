"""Programs that somebody ran in a node, and of which nothing was seen in time.

`wirelab exec` and the Python API write them to the lab's journal, and a shell records what is typed in it. So a lesson
can also name a server that was started on the wrong machine, a request that a machine sent to itself, and a program
that could send nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.lessons.repairs import ProgramRun, RunBegin, programs_run
from orchestrator.operations.lessons.shell_watch import ShellWatch

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import LabHandle

# By then, the lesson has answered what a program sent on a network.
SEEN_SECONDS = 1.7


class ProgramsElsewhere:
    """The programs since the open task began; each is told once."""

    def __init__(self, now: Callable[[], float] = time.time, shells: ShellWatch | None = None) -> None:
        self._now = now
        self._since = now()
        self._runs: tuple[ProgramRun, ...] = ()
        self._known: set[RunBegin] = set()
        self._shells = shells or ShellWatch()

    def begin(self) -> None:
        """Begin a task: what ran so far is no attempt at it."""
        self._since, self._runs = self._now(), ()
        self._known.clear()

    def look(self, lab: LabHandle) -> None:
        """Read the journal, which has changed."""
        from orchestrator.lab.journal_reader import program_entries

        self._runs = programs_run(program_entries(lab.workspace.state, lab.name))
        self._shells.look(lab, self._runs)

    def unseen(self, answered: float) -> list[ProgramRun]:
        """Those that got no answer in time; `answered` is the time of the last answer."""
        runs = [run for run in (*self._runs, *self._shells.runs()) if run.began >= self._since]
        due = [run for run in runs if run.began + SEEN_SECONDS <= self._now() and run.begin not in self._known]
        self._known |= {run.begin for run in due}
        return [run for run in due if answered < run.began]

    def close(self) -> None:
        """Read no shells any more."""
        self._shells.close()
