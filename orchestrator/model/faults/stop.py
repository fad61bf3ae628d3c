"""stop: a node is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.faults.fault import BaseFault, machines
from orchestrator.model.language import Field
from orchestrator.model.values import Machines

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class Stop(BaseFault):
    """The node is stopped: its programs end, its address answers no more."""

    kind: ClassVar[str] = "stop"
    halts: ClassVar[bool] = True

    stop: Machines = Field(description="The node to stop; a group for all of its replicas.", examples=["dns"])

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        return {"stop": words[0]} if len(words) == 1 else None

    @property
    def words(self) -> tuple[str, ...]:
        return ("stop", self.stop)

    def effect(self, topology: TopologyView) -> FaultEffect:
        return FaultEffect(run_states=dict.fromkeys(machines(topology, self.stop), "stopped"))


FAULT = Stop
