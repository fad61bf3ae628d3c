"""The effect of a fault on a lab: what is desired while it is in.

A kind of fault is made of these effects. A new effect needs its steps too: in `planning/desired.py`,
`planning/fault_plan.py` and `planning/node_steps.py`, and an action of `lab/step_handler.py` where none fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Literal

from orchestrator.quick_dataclass import dataclass

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
