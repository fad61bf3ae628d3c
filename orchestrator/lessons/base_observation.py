"""What every observation of a task says, whatever its kind."""

from __future__ import annotations

from orchestrator.lessons.comparison import Different
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import NodeName
from orchestrator.traffic.exchanges.events import CompletedEvent, client_node


class BaseObservation(ScenarioModel):
    """Every exchange has a node that began it."""

    client: NodeName = Field(alias="from", description="The node that begins it.", examples=["client"])

    @property
    def wanted(self) -> str:
        """What is expected, for the sentence that a learner reads."""
        raise NotImplementedError

    @property
    def loopback_port(self) -> int | None:
        """The port, where it goes to the loopback address of its own node: such packets cross no network."""
        return None

    def by_another_node(self, event: CompletedEvent, what: str) -> Different | None:
        """The right exchange, begun by the wrong node."""
        began_by = client_node(event)
        if began_by == self.client:
            return None
        return Different("node", f"{began_by} {what}", f"{self.client} does it")
