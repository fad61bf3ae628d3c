"""dns: BIND 9: authoritative for the lab's domain, a root or other authoritative server, or a caching resolver."""

from __future__ import annotations

from typing import Annotated, Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.node import Listener, Node
from orchestrator.model.records import Records, Ttl, ZoneName
from orchestrator.model.roles.dns.files import files
from orchestrator.model.roles.role import PeerLog, Role, Serving
from orchestrator.model.values import DnsName, DnsNames, Domain


class Zone(ScenarioModel):
    """What a server says of one zone. The lab's own domain also holds the nodes' names and the file's `records`."""

    records: Records = Field(
        default_factory=dict,
        description="Records of this zone, by name inside the zone.",
        examples=[{"www": {"A": "${app}"}, "@": {"TXT": "hello"}}],
    )
    delegates: dict[Domain, DnsName | DnsNames] = Field(
        default_factory=dict,
        description="Parts of the zone that other servers answer for: NS and, where needed, glue (RFC 1034, 4.2.1).",
        examples=[{"shop": "auth"}, {"shop": ["auth-1", "auth-2"]}],
    )
    lame: Annotated[tuple[Domain, ...], Field(strict=False)] = Field(
        (),
        description="Parts among `delegates` that are given, on purpose, to a server which does not answer for them: "
        "a lame delegation (RFC 1912, section 2.8).",
        examples=[["shop"]],
    )
    ttl: Ttl = Field(60, description="Seconds for which an answer may be kept.", examples=[5])
    negative_ttl: Ttl = Field(
        5, description="Seconds for which 'no such name' may be kept (RFC 2308, section 4).", examples=[5]
    )


class Dns(Node):
    """A DNS server (BIND 9).

    With no setting it answers for the lab's domain (A for each node, PTR for each address), and says NXDOMAIN to
    everything else. With `zones` it answers for these alone; with `hints` it walks from the root and keeps what it
    learns; with `forward` it asks other servers; with `forward_zones` it asks them for these domains alone.
    """

    role: Literal["dns"] = Field(description="A DNS server (BIND 9).")
    zones: dict[ZoneName, Zone | None] | None = Field(
        None,
        min_length=1,
        description="The zones that it answers for, '.' is the root; the lab's domain when nothing is said.",
        examples=[{"lab": {"delegates": {"shop": "auth"}}}, {"shop.lab": {"ttl": 5}, "example.org": None}],
    )
    hints: DnsNames = Field(
        (), description="The root servers from which it finds its way to any name, as a resolver.", examples=[["root"]]
    )
    forward: DnsNames = Field(
        (), description="The servers that it asks for everything that it does not know itself.", examples=[["resolver"]]
    )
    forward_zones: dict[ZoneName, DnsName | DnsNames] = Field(
        default_factory=dict,
        description="Domains for which it asks other servers (conditional forwarding); every other name it answers, or "
        "finds, as without this.",
        examples=[{"corp.lab": "corp"}, {"corp.lab": ["corp-1", "corp-2"]}],
    )
    recursion: bool | None = Field(
        None,
        description="Whether it finds answers for others; yes with hints, forward or forward_zones, or where no zones "
        "are given.",
        examples=[False],
    )


ROLE = Role(
    name="dns",
    summary="BIND 9: authoritative for the lab's domain and its addresses; or for other zones, or a caching resolver.",
    node=Dns,
    image="dns",
    user=10053,
    listeners=(Listener(port=53, protocol="udp"), Listener(port=53, protocol="tcp")),
    serves=ApplicationProtocol.DNS,
    ready="dns:53",
    tmpfs={"/tmp": "size=4m,mode=1777", "/run/named": "size=4m,uid=10053,gid=10053,mode=755"},
    files=files,
    reload="SIGHUP",
    reloaded="all zones loaded",
    refused="reloading configuration failed",
    # The readiness probe asks for a name of its own: it is no client.
    peer_source=PeerLog("its query log", r"client @\S+ ([0-9a-f.:]+)#\d+ .*query:", without="wirelab-probe"),
    serving=Serving(most=0),
    tools=frozenset({"bash", "ss"}),
)
