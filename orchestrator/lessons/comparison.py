"""How an exchange that was seen compares with what a task wants to see, and the words that say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    Flow,
    HttpExchange,
    TcpHandshake,
)

RCODE_MEANINGS = {
    "NXDOMAIN": "nobody has that name",
    "SERVFAIL": "the server could not find out",
    "REFUSED": "the server does not answer such questions",
}
# The type of what came to a DNS server and asks for nothing.
NO_TYPE = "?"
# Of an answer of many or long records a learner reads the beginning.
MOST_VALUES, MOST_CHARACTERS = 6, 80
ROOT_NAMES = (".", "<root>")  # the second one is tshark's
# The name that stands for an IPv4 address (RFC 1035, section 3.5).
REVERSE_NAME = re.compile(r"((?:[0-9]{1,3}\.){3}[0-9]{1,3})\.in-addr\.arpa\.?")

Layer = Literal["node", "name", "dns", "address", "port", "tcp", "udp", "tls", "http", "sql", "ssh"]


@dataclass(frozen=True)
class Matched:
    """The exchange is what the task wants."""

    seen: str


@dataclass(frozen=True)
class Different:
    """The exchange is an attempt at the task, and differs: what was seen, what is expected, and in which layer."""

    layer: Layer
    seen: str
    expected: str
    may_be_followed: bool = False  # the same program may be about to do what is expected
    yields: bool = False  # where more was seen of the same name, that is told
    name: str = ""  # of which a lookup asked

    @property
    def sentence(self) -> str:
        return f"{self.seen}. Expected: {self.expected}."


Comparison = Matched | Different | None
# The addresses to which a host leads, a name or an address.
AddressesOf = Callable[[str], Collection[str]]


def leads_to(flow: Flow, host: str, addresses_of: AddressesOf) -> bool:
    """Whether the flow goes to that host, by its name or to one of its addresses."""
    return (bool(flow.name) and flow.name.lower() == host.lower()) or flow.server.address in addresses_of(host)


def server_text(flow: Flow) -> str:
    """The server's end of a flow for a person: "app, 192.168.7.12, port 80"; the client's own end is "itself"."""
    server = flow.server
    node = "itself" if server.node == flow.client.node else server.node
    where = server.address if node == server.address else f"{node}, {server.address}"
    return f"{where}, port {server.port}"


def dns_answer(event: DnsExchange) -> str:
    """The answer for a person: "192.168.7.12", "NXDOMAIN, nobody has that name", "no answer came", a referral."""
    if not event.rcode:
        return "no answer came"
    if event.rcode != "NOERROR":
        meaning = RCODE_MEANINGS.get(event.rcode)
        return f"{event.rcode}, {meaning}" if meaning else event.rcode
    if event.referred:
        return f"it does not know, and refers to {', '.join(event.referred)}"
    values = [_shortened(record.value) for record in event.answers[:MOST_VALUES]]
    if more := len(event.answers) - len(values):
        values.append(f"and {more} more")
    return ", ".join(values) or f"no {event.type} record"


def asked_for(event: DnsExchange, *, with_type: bool = True) -> str:
    """What a lookup asks for, for a person: "app.shop.lab A", "the name of 192.168.7.12 (PTR)"; dig without a name
    asks for the servers of the root."""
    if event.name.lower() in ROOT_NAMES:
        return f"the root, {event.type}"
    if event.type == "PTR" and (reverse := REVERSE_NAME.fullmatch(event.name.lower())):
        return f"the name of {'.'.join(reversed(reverse[1].split('.')))} (PTR)"
    return f"{event.name} {event.type}" if with_type else event.name


def lookup_text(event: DnsExchange, client: str) -> str:
    """A lookup and its answer for a person. What was typed as an address, and is none, was looked up as a name."""
    question = f"{client} asked {event.flow.server.node} for"
    parts = event.name.rstrip(".").split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts):
        too_large = next((part for part in parts if int(part) > 255), None)
        if too_large:
            why = f"{event.name} is no address, because {too_large} is more than 255"
            return f"{why}; so {question} it as a name: {dns_answer(event)}"
    return f"{question} {asked_for(event, with_type=False)}: {dns_answer(event)}"


def question_text(event: DnsExchange) -> str:
    """What was asked, for a person: "client asked dns for app.shop.lab A"."""
    client, server = event.flow.client.node, event.flow.server.node
    if event.type == NO_TYPE:
        return f"{client} sent {server} something that is no DNS question"
    return f"{client} asked {server} for {asked_for(event)}"


def http_answer(event: HttpExchange) -> str:
    """What came of a request, for a person; some servers answer in another protocol, or without a status (HTTP/0.9)."""
    if event.status:
        return f"the answer was {event.status}"
    if event.size:
        return "what came back is no whole HTTP answer"
    client = event.flow.client.node
    return f"no answer came before {client} closed the connection" if event.ended_by == client else "no answer came"


def _shortened(value: str) -> str:
    return value if len(value) <= MOST_CHARACTERS else f"{value[: MOST_CHARACTERS - 3]}..."


def failed_lookup(event: DnsExchange, client: str, wanted: str) -> Different | None:
    """A lookup that led nowhere, so that nothing further could happen."""
    if event.flow.client.node != client or event.rcode == "NOERROR" or event.type not in ("A", "AAAA"):
        return None
    return Different("dns", lookup_text(event, client), wanted)


def asked_over_udp(event: DnsExchange, client: str, wanted: str) -> Different | None:
    """A question over UDP where a connection is wanted; it may be the lookup that comes before the connection."""
    if event.flow.client.node != client or event.flow.protocol != "udp":
        return None
    seen = f"{question_text(event)} over UDP"
    return Different("udp", seen, wanted, may_be_followed=True)


def failed_connection(event: TcpHandshake, client: str, wanted: str) -> Different | None:
    """A connection that was not made, so that nothing further could happen."""
    if event.flow.client.node != client or event.outcome == "accepted":
        return None
    return Different("tcp", f"{client} opened a connection to {server_text(event.flow)}: {event.outcome}", wanted)


def pinged(event: CompletedEvent, client: str, wanted: str) -> Different | None:
    """A ping, which shows that a machine answers, and is no attempt at anything else."""
    if not isinstance(event, DatagramFlow) or event.flow.protocol != "icmp" or event.flow.client.node != client:
        return None
    answer = "it answered" if event.received else "no answer came"
    return Different("address", f"{client} pinged {event.flow.server.node}: {answer}", wanted)


def loopback_port(host_and_port: str) -> int | None:
    """The port of `host:port`, where the host is the machine itself."""
    host, _, port = host_and_port.rpartition(":")
    return int(port) if is_loopback(host) else None


def is_loopback(host: str) -> bool:
    """Whether a host is the machine itself (RFC 1122, section 3.2.1.3; RFC 6761, section 6.3)."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
