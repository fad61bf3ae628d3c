"""cut: two groups of nodes no longer hear each other, or lose what goes to one port, over one protocol, or one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.effect import FaultEffect
from orchestrator.model.faults.fault import BaseFault, Group, WrongWords, machines
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import DisplayName, Machines, Port

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView

Groups = Annotated[
    tuple[Group, ...], Field(strict=False, min_length=2, max_length=2), DisplayName("two lists of nodes")
]
Side = Annotated[Machines | Group, DisplayName("a node or a list of nodes")]
PROTOCOLS = ("tcp", "udp")
VERSIONS = ("ipv4", "ipv6")
ONE_WAY = "one-way"


class CutPath(ScenarioModel):
    """What is lost between two groups of nodes, where that is not everything."""

    source: Side = Field(
        alias="from", description="The node, or the nodes, from which packets go to the port.", examples=["client"]
    )
    to: Side = Field(description="The node, or the nodes, whose port it is.", examples=["db", ["app", "db"]])
    port: Annotated[Port, Field(ge=1, le=65535)] | None = Field(
        None, description="The port of `to`; every port when absent.", examples=[5432]
    )
    protocol: str | None = Field(
        None,
        pattern="^(tcp|udp)$",
        description="tcp or udp; when absent, tcp if there is a port, and otherwise every protocol.",
        examples=["udp"],
    )
    one_way: bool = Field(
        False,
        description="true: only what goes from `from` to `to` is lost; what comes back arrives.",
        examples=[True],
    )

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The nodes at both ends."""
        source, to = ((side,) if isinstance(side, str) else tuple(side) for side in (self.source, self.to))
        return source, to

    def packets(self, port_of: Literal["dport", "sport"]) -> str:
        """Which packets are lost, in the words of nft(8), where the port is that of their target or their source."""
        protocol = self.protocol or ("tcp" if self.port else "")
        return f" {protocol} {port_of} {self.port}" if self.port else f" {protocol}" if protocol else ""


class Cut(BaseFault):
    """The two groups do not hear each other any more, on whatever network or way: silence, also on open connections."""

    kind: ClassVar[str] = "cut"
    usage: ClassVar[str] = "NODE,... NODE,... [ipv4|ipv6] [PORT] [tcp|udp] [one-way]"

    cut: Groups | CutPath = Field(
        description="The two groups of nodes; inside a group nothing changes. A mapping cuts one port, one protocol or "
        "one way alone.",
        examples=[[["client"], ["app", "db"]], {"from": "client", "to": "db", "port": 5432}],
    )
    only: str | None = Field(
        None,
        pattern="^(ipv4|ipv6)$",
        description="Cut only what goes over this version of IP; both when absent.",
        examples=["ipv6"],
    )

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        if len(words) < 2:
            return None
        ends, more = (words[0].split(","), words[1].split(",")), words[2:]
        values: dict[str, Any] = {}
        for word in more:
            key = _key_of(word)
            if key in values:
                raise WrongWords(f"a cut takes one of {values[key]!r} and {word!r}, not both")
            values[key] = word
        only = {"only": values.pop("only")} if "only" in values else {}
        if not values:
            return {"cut": list(ends), **only}
        written = {"port": int} | {"one_way": lambda word: word == ONE_WAY}
        path = {key: written.get(key, str)(word) for key, word in values.items()}
        return {"cut": {"from": ends[0], "to": ends[1], **path}, **only}

    @property
    def words(self) -> tuple[str, ...]:
        path = self.cut if isinstance(self.cut, CutPath) else None
        more = (self.only, path and path.port, path and path.protocol, ONE_WAY if path and path.one_way else None)
        return ("cut", *(",".join(group) for group in self._ends), *(str(word) for word in more if word))

    @property
    def short_name(self) -> str:
        port = self.cut.port if isinstance(self.cut, CutPath) else None
        return "-".join(("cut", *(group[0] for group in self._ends), *((str(port),) if port else ())))

    @property
    def _ends(self) -> tuple[tuple[str, ...], ...]:
        return self.cut.ends if isinstance(self.cut, CutPath) else self.cut

    def effect(self, topology: TopologyView) -> FaultEffect:
        """Each node of a group drops what the other group sends, or what of it is cut."""
        left, right = ([node for name in group for node in machines(topology, name)] for group in self._ends)
        both = sorted(set(left) & set(right))
        if both:
            raise UsageInvalid(f"the node {both[0]!r} is in both groups", hint="name each node in one group only")
        path = self.cut if isinstance(self.cut, CutPath) else None
        there, back = (path.packets("dport"), path.packets("sport")) if path else ("", "")
        blocked = {node: self._packets(topology, left, there) for node in right}
        if path is None or not path.one_way:
            blocked |= {node: self._packets(topology, right, back) for node in left}
        return FaultEffect(blocked={node: packets for node, packets in blocked.items() if packets})

    def _packets(self, topology: TopologyView, senders: list[str], what: str) -> frozenset[str]:
        addresses = (address for node in senders for address in topology.addresses_of(node))
        return frozenset(f"{address}{what}" for address in addresses if self.only in (None, f"ipv{address.version}"))


def _key_of(word: str) -> str:
    """What a word after the two groups says."""
    if word.isascii() and word.isdigit():
        return "port"
    keys = {**dict.fromkeys(PROTOCOLS, "protocol"), **dict.fromkeys(VERSIONS, "only"), ONE_WAY: "one_way"}
    if word not in keys:
        what = f"after the two groups, a cut takes {', '.join(keys)} or a port; {word!r} is none of them"
        raise WrongWords(what, word, tuple(keys))
    return keys[word]


FAULT = Cut
