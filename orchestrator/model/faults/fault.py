"""What a kind of fault brings: its form in a scenario, its words on the command line, and its effect on a lab.

A kind is one file in this folder that holds a `FAULT`. The file is found by itself: a new kind needs no change
elsewhere. It has no steps of its own, but an effect (`effect.py`): the planner compares the lab with what is desired
while the fault is in, and with what is desired once it is healed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import DisplayName, Machines

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView

Group = Annotated[tuple[Machines, ...], Field(strict=False, min_length=1), DisplayName("a list of nodes")]


class WrongWords(ValueError):
    """Words of a command that mean no fault, and why; `known` are those of which one may be meant by `word`."""

    def __init__(self, message: str, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.word = word
        self.known = known


class BaseFault(ScenarioModel, ABC):
    """What every kind of fault says of itself."""

    # The key that names it in a file, and the first word on the command line.
    kind: ClassVar[str]
    # The other words on the command line.
    usage: ClassVar[str] = "NODE"
    # While it is in, its nodes run no program: nothing can be asked from them.
    halts: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        """The fault as it stands in a file, from the words after its kind; None where these are too few or too many.

        Raises WrongWords where more can be said of them.
        """

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The words of the command line that put it in, the kind first."""

    @property
    def short_name(self) -> str:
        """A name for people, made of the kind and of what it breaks: the beginning of its id."""
        return "-".join(self.words[:2])

    @property
    def loss(self) -> str:
        """What healing it costs, as a sentence; empty where nothing is lost."""
        return ""

    @abstractmethod
    def effect(self, topology: TopologyView) -> FaultEffect:
        """What is desired while it is in. UsageInvalid where this lab cannot be broken so."""


def machines(topology: TopologyView, name: str) -> tuple[str, ...]:
    """The machines for which a name stands: those of a group, or the one that bears it."""
    return tuple(dict.fromkeys(attachment.node for attachment in topology.attachments_of(name)))
