"""cut: two groups of nodes no longer hear each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.fault import BaseFault, FaultEffect, Group, machines
from orchestrator.model.language import Field

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


class Cut(BaseFault):
    """The two groups do not hear each other any more, on whatever network or way: silence, also on open connections."""

    kind: ClassVar[str] = "cut"
    usage: ClassVar[str] = "NODE,... NODE,... [ipv4|ipv6]"

    cut: Annotated[tuple[Group, ...], Field(strict=False, min_length=2, max_length=2)] = Field(
        description="The two groups of nodes; inside a group nothing changes.",
        examples=[[["client"], ["app", "db"]]],
    )
    only: str | None = Field(
        None,
        pattern="^(ipv4|ipv6)$",
        description="Cut only what goes over this version of IP; both when absent.",
        examples=["ipv6"],
    )

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        match words:
            case (left, right):
                return {"cut": [left.split(","), right.split(",")]}
            case (left, right, only):
                return {"cut": [left.split(","), right.split(",")], "only": only}
        return None

    @property
    def words(self) -> tuple[str, ...]:
        return ("cut", *(",".join(group) for group in self.cut), *((self.only,) if self.only else ()))

    @property
    def short_name(self) -> str:
        return "-".join(("cut", *(group[0] for group in self.cut)))

    def effect(self, topology: TopologyView) -> FaultEffect:
        """Each node of a group drops what the other group sends."""
        left, right = ([node for name in group for node in machines(topology, name)] for group in self.cut)
        both = sorted(set(left) & set(right))
        if both:
            raise UsageInvalid(f"the node {both[0]!r} is in both groups", hint="name each node in one group only")
        blocked = {node: self._addresses(topology, right) for node in left}
        blocked |= {node: self._addresses(topology, left) for node in right}
        return FaultEffect(blocked={node: addresses for node, addresses in blocked.items() if addresses})

    def _addresses(self, topology: TopologyView, nodes: list[str]) -> frozenset[str]:
        addresses = (address for node in nodes for address in topology.addresses_of(node))
        return frozenset(str(address) for address in addresses if self.only in (None, f"ipv{address.version}"))


FAULT = Cut
