"""How a person names a lab on the command line, for the commands that we propose."""

from __future__ import annotations

from shlex import join

from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class LabRef:
    """`scenario` is its name or path; `lab` is the lab's name where that is not the scenario's own, otherwise empty."""

    scenario: str
    lab: str = ""

    @classmethod
    def of(cls, typed: str, scenario: str, lab: str) -> LabRef:
        """How a lab is named that was found as `typed`: by its scenario's name or path, or by its own name."""
        return cls(typed or scenario, "" if lab in (scenario, typed) else lab)

    def command(self, command: str, *words: str) -> str:
        """A command of wirelab for this lab, as a shell takes it."""
        more = ("--lab", self.lab) if self.lab else ()
        return join(("wirelab", *command.split(), self.scenario, *words, *more))
