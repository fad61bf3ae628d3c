"""Faults: what can be broken in a lab, as values. Healing brings the lab back to what its file declares."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError

from orchestrator.model.records import TYPES, RecordSet, WholeName
from orchestrator.model.values import DisplayName, DnsName, Machines, NetworkName, ScenarioModel, Texts, VariantNames

Group = Annotated[tuple[Machines, ...], Field(strict=False, min_length=1), DisplayName("a list of nodes")]


class Stop(ScenarioModel):
    """The node is stopped: its programs end, its address answers no more."""

    stop: Machines = Field(description="The node to stop; a group for all of its replicas.", examples=["dns"])


class Pause(ScenarioModel):
    """The node is frozen: its kernel still accepts connections, its programs answer nothing."""

    pause: Machines = Field(description="The node to freeze; a group for all of its replicas.", examples=["app"])


class Cut(ScenarioModel):
    """The two groups do not hear each other any more, on whatever network or way: silence, also on open connections."""

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


class Disconnect(ScenarioModel):
    """The node is taken from a network: its cable is pulled."""

    disconnect: Machines = Field(description="The node to take from a network.", examples=["client"])
    network: NetworkName | None = Field(
        None, description="The network; may be left out where the node stands on just one.", examples=["front"]
    )


class Change(ScenarioModel):
    """What a server shall say of one name from now on."""

    server: DnsName = Field(description="The DNS node whose zone is changed.", examples=["auth"])
    name: WholeName = Field(description="The whole name.", examples=["www.shop.lab"])
    type: str = Field("A", pattern=f"^({'|'.join(TYPES)})$", description="The type of record.", examples=["A"])
    value: Texts | str | None = Field(
        None,
        description="The new value or values; without it the record is taken away. ${NODE} is a node's address.",
        examples=["192.0.2.1", "${other}", ["192.0.2.1", "192.0.2.2"]],
    )

    @property
    def values(self) -> tuple[str, ...]:
        """The new values; none where the record is taken away."""
        return (self.value,) if isinstance(self.value, str) else self.value or ()

    def refused(self, zone: str) -> tuple[str, str] | None:
        """Why no server could say so in this zone, after the key that is wrong; None where one could."""
        if self.name == zone and self.type == "NS" and not self.values:
            return "type", "a zone without NS is not loaded; give it another server by value (RFC 1034, section 4.2.1)"
        if self.name == zone and self.type == "CNAME":
            return "type", "the zone itself cannot be an alias: it has SOA and NS records (RFC 1034, section 3.6.2)"
        if self.type == "CNAME" and len(self.values) > 1:
            return "value", "an alias leads to one name (RFC 2181, section 10.1)"
        for value in self.values:
            try:
                RecordSet.model_validate({self.type: value})
            except ValidationError as error:
                wanted = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
                return "value", f"{wanted}; found the text {value[:60]!r}"
        return None


class RecordChanged(ScenarioModel):
    """A DNS server's zone has another record, or lacks one; who has kept the old answer goes on with it."""

    record: Change = Field(
        description="Which server says what of which name.",
        examples=[{"server": "auth", "name": "www.shop.lab", "type": "A", "value": "192.0.2.1"}],
    )


AnyFault = Stop | Pause | Disconnect | Cut | RecordChanged

FAULTS: dict[str, type[AnyFault]] = {
    "stop": Stop,
    "pause": Pause,
    "disconnect": Disconnect,
    "cut": Cut,
    "record": RecordChanged,
}


def fault_kind(fault: Any) -> str | None:
    """The kind of a fault, from the key that names it; None where there is none or more than one."""
    if isinstance(fault, ScenarioModel):
        return next((kind for kind, model in FAULTS.items() if type(fault) is model), None)
    kinds = [kind for kind in FAULTS if isinstance(fault, dict) and kind in fault]
    return kinds[0] if len(kinds) == 1 else None


Fault = Annotated[
    Annotated[Stop, Tag("stop")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Disconnect, Tag("disconnect")]
    | Annotated[Cut, Tag("cut")]
    | Annotated[RecordChanged, Tag("record")],
    Discriminator(fault_kind),
    VariantNames("fault", "what is broken", "such as {stop: dns}"),
]
