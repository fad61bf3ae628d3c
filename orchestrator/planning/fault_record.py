"""The fault `record`: a DNS server's zone file is changed and read again. `up` puts back what the file declares."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.faults import Change
from orchestrator.model.roles.dns.files import file_of, views_of
from orchestrator.model.roles.dns.zones import Writer, changed_zone
from orchestrator.model.topology import Topology
from orchestrator.planning.plan import Reload, Step, WriteFiles
from orchestrator.planning.snapshot import Snapshot

# What the program has read is not what any file declares, so that `up` sees it and mends it.
LOADED = "changed by a fault"


def change_record(change: Change, topology: Topology, observed: Snapshot) -> Iterator[Step]:
    """Write the server's zones anew and have them read; nothing where they say so already."""
    node, scenario = change.server, topology.scenario
    servers = scenario.servers_of(ApplicationProtocol.DNS)
    if node not in servers:
        hint = f"the DNS servers are {', '.join(servers)}" if servers else ""
        raise UsageInvalid(f"{node!r} is no DNS server, so it has no records", hint=hint)
    container, files = observed.container_of(node), observed.files.get(node)
    if container is None or files is None or container.state != "running":
        raise NotFound(f"the node {node!r} is not running, so its records cannot be changed")
    texts = dict(files.texts)
    written: tuple[str, ...] = ()
    for network in views_of(topology, node):
        file, zone = _zone(change, Writer(topology, node, network))
        values = _values(change, Writer(topology, node, network), zone)
        written += values
        if file in texts and not _says(texts[file], zone, change, values):
            texts[file] = _changed(texts[file], zone, change, values)
    if change.values and not written:
        raise UsageInvalid(f"{' '.join(change.values)!r} is nobody's address for a record of type {change.type}")
    if texts != dict(files.texts):
        why = f"fault: {change.name} {change.type}"
        yield Step(f"files:{node}", WriteFiles(node, texts), why)
        role = scenario.roles[node]
        reload = Reload(node, container.id, role.reload or "", LOADED, role.reloaded, role.refused)
        yield Step(f"reload:{node}", reload, why, (f"files:{node}",))


def _zone(change: Change, writer: Writer) -> tuple[str, str]:
    """The file and the name of the nearest zone of the server in which the name lies."""
    zones = sorted(writer.zones(), key=len, reverse=True)
    zone = next((name for name in zones if name != "." and f".{change.name}".endswith(f".{name}")), None)
    if zone is None and "." not in zones:
        known = ", ".join(sorted(zones)) or "none"
        raise UsageInvalid(f"{change.server!r} has no zone for {change.name!r}", hint=f"its zones are: {known}")
    return file_of(zone or ".", writer.network), zone or "."


def _values(change: Change, writer: Writer, zone: str) -> tuple[str, ...]:
    refused = change.refused(zone)
    if refused:
        raise UsageInvalid(f"{change.name!r} cannot have this {change.type} record", why=refused[1])
    return tuple(rdata for value in change.values for rdata in writer.rdata(change.type, value, zone))


def _changed(text: str, zone: str, change: Change, values: tuple[str, ...]) -> str:
    try:
        return changed_zone(text, zone, change.name, change.type, values)
    except ValueError as error:
        raise UsageInvalid(f"{' '.join(values)!r} is no {change.type} record", why=str(error)) from error


def _says(text: str, zone: str, change: Change, values: tuple[str, ...]) -> bool:
    """Whether the zone has just these values already: then nothing but its serial would differ."""
    return _records(text, change) == _records(_changed(text, zone, change, values), change)


def _records(text: str, change: Change) -> list[str]:
    start = f"{change.name}. "
    return sorted(line for line in text.splitlines() if line.startswith(start) and f" IN {change.type} " in line)
