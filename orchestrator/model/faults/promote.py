"""promote: a replica of a database becomes a primary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.effect import FaultEffect, FileChange
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import Field
from orchestrator.model.replication import PRIMARY, REPLICATION_FILE, STANDBY
from orchestrator.model.roles.database import DatabaseName

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class Promote(BaseFault):
    """The replica stops following its primary, and takes writes. Heal copies the primary to it again."""

    kind: ClassVar[str] = "promote"

    promote: DatabaseName = Field(
        description="The replica that becomes a primary. Healed, it is a replica again, without what was written.",
        examples=["replica"],
    )

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        return {"promote": words[0]} if len(words) == 1 else None

    @property
    def words(self) -> tuple[str, ...]:
        return ("promote", self.promote)

    @property
    def loss(self) -> str:
        return f"{self.promote} is copied anew from its primary, and what was written to {self.promote} is lost"

    def effect(self, topology: TopologyView) -> FaultEffect:
        replicas = [name for name in topology.scenario.nodes if topology.scenario.primary_of(name)]
        if self.promote not in replicas:
            hint = f"the replicas are {', '.join(replicas)}" if replicas else "replica_of: NODE declares one"
            raise UsageInvalid(f"{self.promote!r} is no replica, so it cannot be promoted", hint=hint)

        def changed(texts: Mapping[str, str]) -> Mapping[str, str]:
            _, _, rest = texts.get(REPLICATION_FILE, STANDBY).partition(" ")
            return {**texts, REPLICATION_FILE: f"{PRIMARY} {rest}"}

        return FaultEffect(file_changes=(FileChange(self.promote, changed),))


FAULT = Promote
