"""In which nodes somebody worked by hand since a task broke the lab, by the events of the lab's journal.

Shells, programs of `wirelab exec` and `wirelab trace`, and those of the Python API are all events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.lessons.repairs import ProgramRun, RunBegin, programs_run

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import LabHandle

LIST_SECONDS = 5.0
# What a program has left in the background, such as a server that starts, shows its effect in this time.
EFFECT_SECONDS = 3.0
# The command line of each program of a node, a line each (proc_pid_cmdline(5)).
PROGRAMS = ("sh", "-c", "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null")


class NodeWork:
    """Programs that may have repaired a lab: those that ran after its check was last seen not to hold.

    `look` comes before the check is judged, and `has_not_repaired` after it, where it does not hold.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._since = 0.0
        self._open_before: frozenset[RunBegin] = frozenset()
        self._ended: dict[RunBegin, float] = {}
        self._over: frozenset[RunBegin] = frozenset()
        self._cleared: frozenset[RunBegin] = frozenset()

    def begin(self, lab: LabHandle) -> None:
        """Forget what is over: the task has broken the lab just now. A shell that is open may still repair it."""
        self._since = self._now()
        unended = [run for run in _journal_runs(lab) if run.began < self._since and run.ended is None]
        still_open = {node: _command_lines(lab, node) for node in {run.node for run in unended}}
        self._open_before = frozenset(run.begin for run in unended if _is_running(run, still_open[run.node]))
        self._ended, self._over, self._cleared = {}, frozenset(), frozenset()

    def look(self, lab: LabHandle, named: Collection[str]) -> None:
        """See which programs are over, in nodes that the task does not name."""
        runs, now = self._runs(lab, named), self._now()
        still_open = {node: _command_lines(lab, node) for node in {run.node for run in runs if run.ended is None}}
        for run in runs:
            if run.ended or not _is_running(run, still_open[run.node]):
                self._ended.setdefault(run.begin, run.ended or now)
        self._over = frozenset(begin for begin, at in self._ended.items() if at + EFFECT_SECONDS <= now)

    def has_not_repaired(self) -> None:
        """What was over by the last look has not repaired the lab."""
        self._cleared |= self._over

    def nodes(self, lab: LabHandle, named: Collection[str]) -> tuple[str, ...]:
        """The nodes, of those that the task does not name, in which a program may have repaired the lab."""
        return tuple(dict.fromkeys(run.node for run in self._runs(lab, named)))

    def _runs(self, lab: LabHandle, named: Collection[str]) -> list[ProgramRun]:
        runs = [run for run in _journal_runs(lab) if run.began >= self._since or run.begin in self._open_before]
        return [run for run in runs if run.node not in named and run.begin not in self._cleared]


def _journal_runs(lab: LabHandle) -> tuple[ProgramRun, ...]:
    """All programs and shells of which the lab's journal tells."""
    from orchestrator.lab.journal_reader import program_entries

    return programs_run(program_entries(lab.workspace.state, lab.name))


def _command_lines(lab: LabHandle, node_name: str) -> tuple[str, ...]:
    """Of each program that runs in a node; none where the node is gone or cannot be asked."""
    try:
        return tuple(lab.node(node_name).run_unrecorded(*PROGRAMS, seconds=LIST_SECONDS).out.splitlines())
    except WirelabError:
        return ()


def _is_running(run: ProgramRun, command_lines: Iterable[str]) -> bool:
    """Whether one of these is the program, perhaps by its whole path or behind an interpreter."""
    words = " ".join(run.argv)
    return any(line.strip().endswith(words) for line in command_lines)
