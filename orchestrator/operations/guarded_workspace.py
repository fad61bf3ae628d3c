"""The engines on which a process makes labs of its own, each with a guard that removes them should the process die."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import MemberUnreachable, WirelabError
from orchestrator.operations.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from orchestrator.lab.guard import Guard
    from orchestrator.lab.lab import Lab
    from orchestrator.operations.scenario_library import LoadedScenario


class MemberPassedOver(UserWarning):
    """A member on which a lab could have come up does not answer; the lab came up on another one."""


@dataclass(frozen=True)
class GuardedWorkspace:
    """A way to the engine, and a guard that removes what is made through it should this process die."""

    workspace: Workspace
    guard: Guard

    @classmethod
    def open(cls, lab_name: str = "", members: Sequence[str] = ()) -> GuardedWorkspace:
        """Find an engine, or start one without a question, and begin the guard. The lab's is that of its member."""
        workspace = open_workspace(
            notify=lambda _text: None, confirm=lambda _question: True, lab_name=lab_name, members=members
        )
        guard = workspace.guard()
        guard.begin()
        return cls(workspace, guard)

    def lab(self, loaded: LoadedScenario, lab_name: str, *, capture: bool) -> Lab:
        """A lab of the scenario in the guard's run; nothing is brought up."""
        return self.workspace.lab(loaded, lab_name, run=self.guard.run, capture=capture)

    def down(self, lab_name: str) -> None:
        """Remove a lab, whole. Where its member does not answer, `wirelab sweep` removes it later: Leftovers."""
        from orchestrator.lab.interrupts import uninterrupted
        from orchestrator.lab.take_down import take_down

        workspace = self.workspace
        with uninterrupted():
            try:
                take_down(workspace.engine, workspace.state, lab_name, lambda _event: None)
            except MemberUnreachable as error:
                from orchestrator.operations.members.everywhere import postpone_removal

                raise postpone_removal(workspace.state, lab_name, error) from error

    def close(self) -> None:
        """Close the workspace and release what was made and not removed."""
        self.workspace.close()
        self.guard.end()


Opener = Callable[[str, Sequence[str]], GuardedWorkspace]


class GuardedWorkspaces:
    """The engines of one process, each opened when its first lab comes up.

    A new lab comes up on the one of `members` with the most free memory; without them, on the engine in use. `open_one`
    opens the engine of a lab that stands, or that is to come up on these members.
    """

    def __init__(self, members: Sequence[str] = (), open_one: Opener = GuardedWorkspace.open) -> None:
        self._members = tuple(members)
        self._open_one = open_one
        self._opened: dict[str, GuardedWorkspace] = {}

    def of(self, lab_name: str, nodes: int) -> GuardedWorkspace:
        """The engine of a lab with so many nodes. Raises UsageInvalid, MemberUnreachable, EngineMissing."""
        from orchestrator.host.members.member import LOCAL

        member = self._member(lab_name, nodes)
        if member not in self._opened:
            chosen = (member or LOCAL,) if self._members else ()
            self._opened[member] = self._open_one(lab_name, chosen)
        return self._opened[member]

    def _member(self, lab_name: str, nodes: int) -> str:
        """The member of a lab; empty for the engine in use."""
        import os

        from orchestrator.host.state_folder import StateFolder
        from orchestrator.operations.members.home import find_home

        state = StateFolder.of(os.environ)
        home = find_home(state, lab_name, self._members, nodes=nodes, notify=lambda _text: None, warn=_warn)
        return home.member if home else ""

    def close(self) -> None:
        """Close all, also after a failure. Raises the first error at the end."""
        troubles: list[WirelabError] = []
        for member in list(self._opened):
            try:
                self._opened.pop(member).close()
            except WirelabError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]


def _warn(text: str) -> None:
    warnings.warn(text, MemberPassedOver, stacklevel=2)
