"""pause: a node is frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.faults.fault import BaseFault, machines
from orchestrator.model.language import Field
from orchestrator.model.values import Machines

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class Pause(BaseFault):
    """The node is frozen: its kernel still accepts connections, its programs answer nothing."""

    kind: ClassVar[str] = "pause"
    halts: ClassVar[bool] = True

    pause: Machines = Field(description="The node to freeze; a group for all of its replicas.", examples=["app"])

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        return {"pause": words[0]} if len(words) == 1 else None

    @property
    def words(self) -> tuple[str, ...]:
        return ("pause", self.pause)

    def effect(self, topology: TopologyView) -> FaultEffect:
        return FaultEffect(run_states=dict.fromkeys(machines(topology, self.pause), "paused"))


FAULT = Pause
