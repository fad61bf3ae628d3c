"""The keys of the kinds of checks that have many."""

from __future__ import annotations

from typing import Annotated, Any

from orchestrator.model.check_values import MOST_REQUESTS, Count, CountRange, HeaderText, Statuses, TtlRange
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.records import Ttl
from orchestrator.model.values import (
    DnsName,
    DnsNames,
    HeaderName,
    HeaderValue,
    Machines,
    NodeNames,
    Seconds,
    Texts,
    Url,
)

# A text that some other text holds; every text holds the empty one.
Substring = Annotated[str, Field(min_length=1)] | None
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")


class ResolvesKeys(ScenarioModel):
    """The keys of a check `resolves`."""

    resolves: str = Field(
        min_length=1,
        description="The name to ask for. With type PTR: an address or ${NODE}.",
        examples=["app.shop.lab", "${app}"],
    )
    type: str = Field(
        "A", pattern="^(A|AAAA|CNAME|MX|NS|PTR|SOA|SRV|TXT)$", description="The type of record.", examples=["PTR"]
    )
    to: Machines | Texts | None = Field(
        None,
        description="The node, or the group, whose addresses (with PTR: whose name) must come, or the exact values.",
        examples=["app", ["192.168.7.20"]],
    )
    answered_by: DnsName | None = Field(
        None, description="The DNS node that must have answered, by its own query log.", examples=["dns"]
    )
    authoritative: bool | None = Field(None, description="Whether the answer must carry the AA flag.", examples=[True])
    rcode: str | None = Field(
        None,
        pattern=f"^({'|'.join(RCODES)})$",
        description="The response code; NOERROR where `to` is given.",
        examples=["NXDOMAIN"],
    )
    asks: DnsName | None = Field(
        None, description="The DNS node that is asked, instead of the asker's own resolver.", examples=["auth"]
    )
    over: str = Field("udp", pattern="^(udp|tcp)$", description="The protocol of the question.", examples=["tcp"])
    recursive: bool = Field(
        True, description="false: the server is asked only for what it knows itself (RD clear).", examples=[False]
    )
    answered: bool = Field(
        True, description="false: no server at all may answer; each of the asker's is tried.", examples=[False]
    )
    count: int | None = Field(
        None, ge=0, le=1000, description="How many records of the type must come; 0: the name has none.", examples=[3]
    )
    ttl: Ttl | TtlRange | None = Field(
        None,
        description="For how many seconds the answer may still be kept; of 'no such name', by its SOA (RFC 2308).",
        examples=[60, {"at_least": 1, "at_most": 4}],
    )
    order: str | None = Field(
        None,
        pattern="^(rotates|fixed)$",
        description="Whether several questions get the addresses in turning order, or always in the same.",
        examples=["rotates"],
    )
    refers_to: DnsName | None = Field(
        None,
        description="The DNS node to which the server points instead of an answer: NS in the authority section.",
        examples=["tld"],
    )
    through: DnsNames | None = Field(
        None,
        description="The DNS nodes that were asked on the way, in order, by their query logs; [] is nobody.",
        examples=[["root", "tld", "auth"], []],
    )


class HttpKeys(ScenarioModel):
    """The keys of a check `http`."""

    http: Url = Field(description="The URL to request.", examples=["http://app.shop.lab/items"])
    method: str = Field("GET", pattern="^[A-Z]+$", description="The request method.", examples=["POST"])
    body: str | None = Field(None, description="The request's body, as text.", examples=["hello"])
    send: Any = Field(None, description="The request's body, as JSON.", examples=[{"name": "${random}"}])
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Request headers.", examples=[{"Accept": "application/json"}]
    )
    status: Statuses | None = Field(
        None,
        description="The status that must come: one, a class, or a list of which any may come; any 2xx when absent.",
        examples=[200, "2xx", [200, 204]],
    )
    response_headers: dict[HeaderName, HeaderValue | HeaderText | None] = Field(
        default_factory=dict,
        description="Headers of the response: the whole value, a part of it, or null for one that must not be there.",
        examples=[{"Content-Type": "application/json", "Server": {"contains": "nginx"}, "Set-Cookie": None}],
    )
    contains: Substring = Field(None, description="A text that the response body must hold.", examples=["anvil"])
    lacks: Substring = Field(None, description="A text that the response body must not hold.", examples=["error"])
    json_: Any = Field(
        None,
        alias="json",
        description="Values that the response's JSON must hold; extra keys are allowed.",
        examples=[{"status": "ok"}],
    )
    client_certificate: bool = Field(
        False, description="true: the asker presents the client certificate of its node.", examples=[True]
    )
    timeout: Seconds | None = Field(
        None,
        description="Seconds after which the client gives a request up, as curl's --max-time does; where absent, as "
        "long as `within` and `takes` allow, at least 4.",
        examples=[2],
    )
    requests: int = Field(
        1,
        ge=1,
        le=MOST_REQUESTS,
        description="How many requests are sent, side by side, each over a connection of its own.",
        examples=[6],
    )
    succeed: Count | CountRange | None = Field(
        None,
        description="How many of the requests must be answered as declared; all of them when absent.",
        examples=[3, {"at_least": 4}],
    )
    servers: NodeNames = Field(
        (),
        description="The nodes that must have answered, each of them and no other: those that took the connections, "
        "and in place of a proxy of wirelab the servers to which its access log says that it passed the requests.",
        examples=[["app-1", "app-2"]],
    )
