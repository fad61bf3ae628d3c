"""How a person names a lab on the command line, for the commands that we propose."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import join


@dataclass(frozen=True)
class LabRef:
    """`scenario` is its name or path; `lab` is the lab's name where that is not the scenario's own, otherwise empty."""

    scenario: str
    lab: str = ""

    def command(self, command: str, *words: str) -> str:
        """A command of wirelab for this lab, as a shell takes it."""
        more = ("--lab", self.lab) if self.lab else ()
        return join(("wirelab", *command.split(), self.scenario, *words, *more))
