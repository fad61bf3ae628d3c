"""What a kind of fault brings: its form in a scenario, its words on the command line, and its effect on a lab.

A kind is one file in this folder that holds a `FAULT`. The file is found by itself: a new kind needs no change
elsewhere. It has no steps of its own: the planner compares the lab with what is desired while the fault is in, and
with what is desired once it is healed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import DisplayName, Machines
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView

Group = Annotated[tuple[Machines, ...], Field(strict=False, min_length=1), DisplayName("a list of nodes")]
RunState = Literal["running", "paused", "stopped"]
# Of two faults of one node, the later in this list is what is seen.
RUN_STATES: tuple[RunState, ...] = ("running", "paused", "stopped")
Texts = Mapping[str, str]


@dataclass(frozen=True)
class FileChange:
    """The files of a node, changed: `change` makes of the declared texts those that are desired."""

    node: str
    change: Callable[[Texts], Texts]


@dataclass(frozen=True)
class FaultEffect:
    """What is desired of a lab while faults are in, where that is not what its file declares.

    `run_states` by node; `detached` are pairs of a node and a network that it is taken from; `blocked` are, by node,
    the packets that it drops when they arrive: the address of their sender, and behind a blank which of them in the
    words of nft(8), as in `192.168.7.13 tcp dport 5432`; `file_changes` are made in their order.
    """

    run_states: Mapping[str, RunState] = field(default_factory=dict)
    detached: frozenset[tuple[str, str]] = frozenset()
    blocked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    file_changes: tuple[FileChange, ...] = ()

    def run_state(self, node: str) -> RunState:
        """Whether the node runs."""
        return self.run_states.get(node, "running")

    def detached_from(self, node: str) -> frozenset[str]:
        """The networks that the node is taken from."""
        return frozenset(network for name, network in self.detached if name == node)

    def blocked_for(self, node: str) -> tuple[str, ...]:
        """The packets that the node drops when they arrive, sorted."""
        return tuple(sorted(self.blocked.get(node, ())))

    def changed_texts(self, node: str, texts: Texts) -> dict[str, str]:
        """The node's files, after all changes."""
        for file_change in self.file_changes:
            if file_change.node == node:
                texts = file_change.change(texts)
        return dict(texts)

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes of which anything else is desired than the file declares."""
        changed = (file_change.node for file_change in self.file_changes)
        return frozenset((*self.run_states, *(node for node, _ in self.detached), *self.blocked, *changed))


NO_EFFECT = FaultEffect()


def combined(effects: Iterable[FaultEffect]) -> FaultEffect:
    """The effect of several faults at once, in the order in which they were put in."""
    run_states: dict[str, RunState] = {}
    blocked: dict[str, frozenset[str]] = {}
    detached: frozenset[tuple[str, str]] = frozenset()
    changes: tuple[FileChange, ...] = ()
    for effect in effects:
        for node, state in effect.run_states.items():
            run_states[node] = max(state, run_states.get(node, "running"), key=RUN_STATES.index)
        for node, addresses in effect.blocked.items():
            blocked[node] = blocked.get(node, frozenset()) | addresses
        detached |= effect.detached
        changes += effect.file_changes
    return FaultEffect(run_states, detached, blocked, changes)


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
        """The fault as it stands in a file, from the words after its kind; None where these are too few or too many."""

    @property
    @abstractmethod
    def words(self) -> tuple[str, ...]:
        """The words of the command line that put it in, the kind first."""

    @property
    def short_name(self) -> str:
        """A name for people, made of the kind and of what it breaks: the beginning of its id."""
        return "-".join(self.words[:2])

    @abstractmethod
    def effect(self, topology: TopologyView) -> FaultEffect:
        """What is desired while it is in. UsageInvalid where this lab cannot be broken so."""


def machines(topology: TopologyView, name: str) -> tuple[str, ...]:
    """The machines for which a name stands: those of a group, or the one that bears it."""
    return tuple(dict.fromkeys(attachment.node for attachment in topology.attachments_of(name)))
