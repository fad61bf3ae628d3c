"""record: a DNS server says something else of one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.errors import UsageInvalid
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.faults.effect import FaultEffect, FileChange
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.records import TYPES, RecordSet, WholeName
from orchestrator.model.roles.dns.files import file_of, files, views_of
from orchestrator.model.roles.dns.zones import Writer, changed_zone
from orchestrator.model.values import DnsName, Texts

if TYPE_CHECKING:
    from orchestrator.model.topology_view import TopologyView


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
        from pydantic import ValidationError

        for value in self.values:
            try:
                RecordSet.model_validate({self.type: value})
            except ValidationError as error:
                wanted = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
                return "value", f"{wanted}; found the text {value[:60]!r}"
        return None


class RecordChanged(BaseFault):
    """A DNS server's zone has another record, or lacks one; who has kept the old answer goes on with it."""

    kind: ClassVar[str] = "record"
    usage: ClassVar[str] = "DNS-NODE NAME TYPE [VALUE...]"

    record: Change = Field(
        description="The server, the name, and the data that it answers with.",
        examples=[{"server": "auth", "name": "www.shop.lab", "type": "A", "value": "192.0.2.1"}],
    )

    @classmethod
    def from_words(cls, words: tuple[str, ...]) -> dict[str, Any] | None:
        match words:
            case (server, name, record_type, *values):
                changed = {"server": server, "name": name, "type": record_type}
                return {"record": changed | ({"value": values} if values else {})}
        return None

    @property
    def words(self) -> tuple[str, ...]:
        return ("record", self.record.server, self.record.name, self.record.type, *self.record.values)

    @property
    def short_name(self) -> str:
        return f"record-{self.record.name.replace('*', 'any')}"

    def effect(self, topology: TopologyView) -> FaultEffect:
        change = self.record
        servers = topology.servers_of(ApplicationProtocol.DNS)
        if change.server not in servers:
            hint = f"the DNS servers are {', '.join(servers)}" if servers else ""
            raise UsageInvalid(f"{change.server!r} is no DNS server, so it has no records", hint=hint)
        zones: dict[str, tuple[str, tuple[str, ...]]] = {}
        for view in views_of(topology, change.server):
            writer = Writer(topology, change.server, view)
            file, zone = _zone(change, writer)
            zones[file] = zone, _values(change, writer, zone)
        if change.values and not any(values for _, values in zones.values()):
            what = f"{' '.join(change.values)!r} is nobody's address for a record of type {change.type}"
            raise UsageInvalid(what)

        def changed(texts: Mapping[str, str]) -> Mapping[str, str]:
            new = {
                file: _changed(texts[file], zone, change, values)
                for file, (zone, values) in zones.items()
                if file in texts
            }
            return {**texts, **new}

        changed(files(topology, change.server))  # raises here what it would raise later
        return FaultEffect(file_changes=(FileChange(change.server, changed),))


def _zone(change: Change, writer: Writer) -> tuple[str, str]:
    """The file and the name of the nearest zone of the server in which the name lies."""
    zones = sorted(writer.zones(), key=len, reverse=True)
    nearest = next((zone for zone in zones if zone != "." and f".{change.name}".endswith(f".{zone}")), None)
    if nearest is None and "." not in zones:
        known = ", ".join(sorted(zones)) or "none"
        raise UsageInvalid(f"{change.server!r} has no zone for {change.name!r}", hint=f"its zones are: {known}")
    return file_of(nearest or ".", writer.networks), nearest or "."


def _values(change: Change, writer: Writer, zone: str) -> tuple[str, ...]:
    """The values as a master file has them."""
    refused = change.refused(zone)
    if refused:
        raise UsageInvalid(f"{change.name!r} cannot have this {change.type} record", why=refused[1])
    return tuple(rdata for value in change.values for rdata in writer.rdata(change.type, value, zone))


def _changed(text: str, zone: str, change: Change, values: tuple[str, ...]) -> str:
    """The zone with these values; the same text where it has them already, for only its serial would differ."""
    try:
        changed = changed_zone(text, zone, change.name, change.type, values)
    except ValueError as error:
        raise UsageInvalid(f"{' '.join(values)!r} is no {change.type} record", why=str(error)) from error
    return text if _records(text, change) == _records(changed, change) else changed


def _records(text: str, change: Change) -> list[str]:
    start = f"{change.name}. "
    return sorted(line for line in text.splitlines() if line.startswith(start) and f" IN {change.type} " in line)


FAULT = RecordChanged
