"""disconnect: a node is taken from a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.faults.fault import BaseFault, machines
from orchestrator.model.language import Field
from orchestrator.model.values import Machines, NetworkName

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class Disconnect(BaseFault):
    """The node is taken from a network: its cable is pulled."""

    kind: ClassVar[str] = "disconnect"
    usage: ClassVar[str] = "NODE [NETWORK]"

    disconnect: Machines = Field(description="The node to take from a network.", examples=["client"])
    network: NetworkName | None = Field(
        None, description="The network; may be left out where the node stands on just one.", examples=["front"]
    )

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        match words:
            case (node,):
                return {"disconnect": node}
            case (node, network):
                return {"disconnect": node, "network": network}
        return None

    @property
    def words(self) -> tuple[str, ...]:
        return ("disconnect", self.disconnect, *((self.network,) if self.network else ()))

    @property
    def short_name(self) -> str:
        return "-".join(self.words)

    def effect(self, topology: TopologyView) -> FaultEffect:
        nodes = machines(topology, self.disconnect)
        return FaultEffect(detached=frozenset((node, self._network_of(topology, node)) for node in nodes))

    def _network_of(self, topology: TopologyView, node: str) -> str:
        own = [attachment.network for attachment in topology.attachments_of(node)]
        if self.network is None and len(own) > 1:
            raise UsageInvalid(f"the node {node!r} stands on several networks", hint=f"name one of {', '.join(own)}")
        network = self.network or own[0]
        if network not in own:
            what = f"the node {node!r} is not on the network {network!r}"
            raise UsageInvalid(what, hint=f"it is on {', '.join(own)}")
        return network


FAULT = Disconnect
