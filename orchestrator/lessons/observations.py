"""What a task wants to see on the wire, and how an exchange that was seen differs from it.

Each kind of observation compares itself with the exchanges of the node that was meant and of others: the same exchange
may come from dig, host, getent, curl or a program of the learner's own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import (
    NO_TYPE,
    AddressesOf,
    Comparison,
    Different,
    Layer,
    Matched,
    asked_for,
    asked_over_udp,
    dns_answer,
    failed_connection,
    failed_lookup,
    leads_to,
    lookup_text,
    loopback_port,
    question_text,
    server_text,
)
from orchestrator.lessons.http_observation import HttpObservation
from orchestrator.lessons.ssh_observation import SshObservation
from orchestrator.model.check_keys import RCODES
from orchestrator.model.language import Discriminator, Field, Tag, kind_by_key
from orchestrator.model.values import HostPort, Machines, NodeName, Port, VariantNames
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    HttpExchange,
    SqlStatement,
    TcpHandshake,
    TlsHandshake,
    client_node,
)

DNS_PORT, HTTP_PORT = 53, 80  # RFC 1035, section 4.2; RFC 9110, section 4.2.1


class ResolvesObservation(BaseObservation):
    """A DNS question and its answer."""

    resolves: str = Field(min_length=1, description="The whole name that is asked for.", examples=["app.shop.lab"])
    type: str = Field("A", pattern="^[A-Z]+$", description="The type of record.", examples=["AAAA"])
    to: Machines | None = Field(None, description="The node whose address must come.", examples=["app"])
    answered_by: NodeName | None = Field(None, description="The DNS node that is asked.", examples=["dns"])
    over: Literal["udp", "tcp"] | None = Field(None, description="udp or tcp; either when absent.", examples=["tcp"])
    rcode: str = Field(
        "NOERROR", pattern=f"^({'|'.join(RCODES)})$", description="The response code.", examples=["NXDOMAIN"]
    )

    @property
    def wanted(self) -> str:
        return f"a question for {self.resolves} {self.type}" + (f" over {self.over.upper()}" if self.over else "")

    @property
    def loopback_port(self) -> int | None:
        return DNS_PORT if self.answered_by == self.client else None

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        """Matched where it is this question with this answer; None where it is no attempt at it."""
        if not isinstance(event, DnsExchange) or event.operation != "query":
            return None
        other = f"asked {event.flow.server.node} for {asked_for(event)}"
        name = event.name.lower().rstrip(".")
        if name != self.resolves.lower() or event.type != self.type:
            return self._another_question(event, name, other)
        if wrong_node := self.by_another_node(event, other):
            return wrong_node
        if self.answered_by and event.flow.server.node != self.answered_by:
            return Different("dns", f"{self.client} {other}", f"the question goes to {self.answered_by}")
        if self.over and event.flow.protocol != self.over:
            seen = f"{self.client} {other} over {event.flow.protocol.upper()}"
            return Different(self.over, seen, f"the question goes over {self.over.upper()}")
        if not event.rcode and event.flow.server.port != DNS_PORT:
            seen = f"{self.client} {other} at port {event.flow.server.port}: no answer came"
            return Different("port", seen, f"the question goes to port {DNS_PORT}")
        if event.rcode != self.rcode:
            expected = f"the address of {self.to}" if self.to else f"the answer {self.rcode}"
            return Different("dns", f"{event.flow.client.node} {other}: {dns_answer(event)}", expected)
        values = [record.value for record in event.answers if record.type == self.type]
        if self.to and not set(values) & set(addresses_of(self.to)):
            seen = f"the answer to {self.client} was {', '.join(values) or 'empty'}"
            return Different("dns", seen, f"the address of {self.to}")
        return Matched(f"{self.client} {other}: {dns_answer(event)}")

    def _another_question(self, event: DnsExchange, name: str, other: str) -> Different | None:
        if event.flow.client.node != self.client:
            return None
        if event.type == NO_TYPE:
            return Different("dns", f"{question_text(event)}: {dns_answer(event)}", self.wanted)
        if name.startswith(f"{self.resolves.lower()}."):
            return None  # the stub resolver tries the search list (resolv.conf(5))
        # A program that connects asks for both families, and dig for the address of a server that is given by name.
        is_name = name == self.resolves.lower()
        both = is_name and event.type in ("A", "AAAA", "HTTPS") and self.type in ("A", "AAAA")
        seen = f"{self.client} {other}: {dns_answer(event)}"
        if not is_name and event.type in ("A", "AAAA"):  # the name is what the learner typed, and not the type
            if event.rcode == "NOERROR" and not event.answers and not event.referred:
                # A program that connects asks for both: that there is no IPv6 address says nothing of the name.
                family = "IPv6" if event.type == "AAAA" else "IPv4"
                seen = f"{self.client} {other.removesuffix(f' {event.type}')}: it has no {family} address"
                return Different("name", seen, self.wanted, may_be_followed=True, yields=True, name=name)
            seen = lookup_text(event, self.client)
        return Different("name", seen, self.wanted, may_be_followed=both or bool(event.answers), name=name)


class ConnectsObservation(BaseObservation):
    """An attempt to open a TCP connection."""

    connects: HostPort = Field(description="host:port of the server.", examples=["app.shop.lab:80"])
    outcome: Literal["accepted", "refused", "silent", "unreachable"] = Field(
        "accepted", description="What came of it.", examples=["refused"]
    )

    @property
    def wanted(self) -> str:
        return f"a connection to {self.connects}"

    @property
    def loopback_port(self) -> int | None:
        return loopback_port(self.connects)

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        host, _, port = self.connects.rpartition(":")
        if isinstance(event, DnsExchange):
            failed = failed_lookup(event, self.client, self.wanted)
            return failed or (asked_over_udp(event, self.client, self.wanted) if int(port) == DNS_PORT else None)
        if not isinstance(event, TcpHandshake):
            return None
        return self._compare_flow(event, host, int(port), addresses_of)

    def _compare_flow(self, event: TcpHandshake, host: str, port: int, addresses_of: AddressesOf) -> Comparison:
        attempt = f"opened a connection to {server_text(event.flow)}"
        reaches = leads_to(event.flow, host, addresses_of)
        if not reaches or event.flow.server.port != port:
            if client_node(event) != self.client:
                return None
            layer: Layer = "port" if reaches else "address"
            return Different(layer, f"{self.client} {attempt}: {event.outcome}", self.wanted)
        if wrong_node := self.by_another_node(event, attempt):
            return wrong_node
        if event.outcome != self.outcome:
            return Different("tcp", f"{self.client} {attempt}: {event.outcome}", f"it is {self.outcome}")
        return Matched(f"{self.client} {attempt}: {event.outcome}")


class SqlObservation(BaseObservation):
    """A statement that a PostgreSQL server carried out."""

    sql: NodeName = Field(description="The database node.", examples=["db"])
    statement: str = Field("", description="A text that the statement must hold.", examples=["select"])

    @property
    def wanted(self) -> str:
        return f"a statement with {self.statement!r}" if self.statement else "a statement"

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        if not isinstance(event, SqlStatement) or event.flow.server.address not in addresses_of(self.sql):
            return None
        other = f"sent {event.sql!r} to {event.flow.server.node}"
        if self.statement.lower() not in event.sql.lower():
            return Different("sql", f"{client_node(event)} {other}", self.wanted)
        if wrong_node := self.by_another_node(event, other):
            return wrong_node
        if event.error:
            return Different("sql", f"{self.client} {other}: {event.error}", "it succeeds")
        return Matched(f"{self.client} {other}")


class TlsObservation(BaseObservation):
    """A TLS handshake."""

    tls: HostPort = Field(description="host:port of the server.", examples=["www.shop.lab:443"])
    server_name: str = Field("", description="The name that the client asks for (SNI).", examples=["www.shop.lab"])
    accepted: bool = Field(True, description="false: one of the two ends it by an alert.", examples=[False])

    @property
    def wanted(self) -> str:
        return f"TLS with {self.tls}"

    @property
    def loopback_port(self) -> int | None:
        return loopback_port(self.tls)

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        if isinstance(event, DnsExchange):
            return failed_lookup(event, self.client, self.wanted)
        if isinstance(event, TcpHandshake):
            return failed_connection(event, self.client, self.wanted)
        if isinstance(event, HttpExchange) and event.method and event.flow.server.port == HTTP_PORT:
            return self._without_tls(event)
        if not isinstance(event, TlsHandshake):
            return None
        host, _, port = self.tls.rpartition(":")
        shook = f"began TLS for {event.server_name or 'no name'} with {server_text(event.flow)}"
        if not leads_to(event.flow, host, addresses_of):
            is_ours = client_node(event) == self.client
            return Different("address", f"{self.client} {shook}", self.wanted) if is_ours else None
        if wrong_node := self.by_another_node(event, shook):
            return wrong_node
        if event.flow.server.port != int(port):
            return Different("port", f"{self.client} {shook}", self.wanted)
        if self.server_name and event.server_name != self.server_name:
            return Different("tls", f"{self.client} {shook}", f"the name {self.server_name}")
        if not (event.outcome == "agreed" if self.accepted else event.alert):
            seen = f"{event.alert_by} ended it: {event.alert}" if event.alert else _outcome_text(event)
            expected = "both accept it" if self.accepted else "one of them ends it"
            return Different("tls", f"{self.client} {shook}; {seen}", expected)
        return Matched(
            f"{self.client} {shook}" + (f": {event.alert_by} ended it, {event.alert}" if event.alert else "")
        )

    def _without_tls(self, event: HttpExchange) -> Different | None:
        if client_node(event) != self.client:
            return None
        seen = f"{self.client} requested {event.method} {event.target} from {server_text(event.flow)}, without TLS"
        return Different("tls", seen, self.wanted)


def _outcome_text(event: TlsHandshake) -> str:
    return "both accepted it" if event.outcome == "agreed" else "it was not finished"


class UdpObservation(BaseObservation):
    """A UDP datagram from a node to itself, and what came of it."""

    udp: HostPort = Field(
        description="host:port to which it is sent; the host is a loopback address.", examples=["127.0.0.1:9000"]
    )
    outcome: Literal["answered", "refused"] = Field(
        "answered", description="What came of it; refused is an ICMP message.", examples=["refused"]
    )

    @property
    def wanted(self) -> str:
        return f"a datagram to {self.udp}"

    @property
    def loopback_port(self) -> int | None:
        return loopback_port(self.udp)

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        if not isinstance(event, DatagramFlow) or event.flow.protocol != "udp":
            return None
        if (client_node(event), event.flow.server.node) != (self.client, self.client):
            return None  # a network was crossed
        host, _, port = self.udp.rpartition(":")
        outcome = "answered" if event.received else "refused" if event.reason else "no answer came"
        seen = f"{self.client} sent a datagram to {server_text(event.flow)}: {outcome}"
        reaches = leads_to(event.flow, host, addresses_of)
        if not reaches or event.flow.server.port != int(port):
            return Different("port" if reaches else "address", seen, self.wanted)
        return Matched(seen) if outcome == self.outcome else Different("udp", seen, f"it is {self.outcome}")


class ListensObservation(BaseObservation):
    """A program on the node begins to listen on a TCP port, by the kernel's own table."""

    listens: Port = Field(description="The port.", examples=[8080])
    address: Literal["all", "loopback"] | None = Field(
        None, description="all, or the node's loopback address alone; any where absent.", examples=["loopback"]
    )

    @property
    def wanted(self) -> str:
        places = {"all": " on all its addresses", "loopback": " on 127.0.0.1 (loopback) alone"}
        return f"{self.client} listens on port {self.listens}{places.get(self.address or '', '')}"

    def compare(self, _event: CompletedEvent, _addresses_of: AddressesOf) -> Comparison:
        """No packet shows that a program listens."""
        return None

    def compare_socket(self, node: str, socket: BoundSocket) -> Matched | Different:
        """What a socket means that was not there before."""
        if socket.protocol == "udp":
            seen = f"a program on {node} takes UDP at {socket.address}, port {socket.port}"
            return Different("udp", seen, f"{self.wanted}, over TCP")
        seen = f"a program on {node} listens on {socket.address}, port {socket.port}"
        if socket.port != self.listens:
            return Different("port", seen, self.wanted)
        if node != self.client:
            return Different("node", seen, self.wanted)
        is_there = {None: True, "all": socket.everywhere, "loopback": socket.loopback}[self.address]
        return Matched(seen) if is_there else Different("address", seen, self.wanted)


class UnansweredObservation(BaseObservation):
    """A server that is asked, or looked for on the network, and has given no answer for a second."""

    unanswered: NodeName = Field(description="The server that does not answer.", examples=["dns-1"])

    @property
    def wanted(self) -> str:
        return f"a question to {self.unanswered} that gets no answer"

    def compare(self, _event: CompletedEvent, _addresses_of: AddressesOf) -> Comparison:
        """That nothing came is no exchange."""
        return None


KINDS: dict[str, type[BaseObservation]] = {
    "resolves": ResolvesObservation,
    "connects": ConnectsObservation,
    "http": HttpObservation,
    "sql": SqlObservation,
    "tls": TlsObservation,
    "udp": UdpObservation,
    "listens": ListensObservation,
    "ssh": SshObservation,
}


def kind_of(observation: Any) -> str | None:
    """The kind of an observation, from the key that names it."""
    return kind_by_key(observation, KINDS)


def kind_of_earlier(observation: Any) -> str | None:
    """The kind of what comes before an observation."""
    return kind_by_key(observation, {"unanswered": UnansweredObservation, **KINDS})


AnyObservation = (
    ResolvesObservation
    | ConnectsObservation
    | HttpObservation
    | SqlObservation
    | TlsObservation
    | UdpObservation
    | ListensObservation
    | SshObservation
)
_Tagged = (
    Annotated[ResolvesObservation, Tag("resolves")]
    | Annotated[ConnectsObservation, Tag("connects")]
    | Annotated[HttpObservation, Tag("http")]
    | Annotated[SqlObservation, Tag("sql")]
    | Annotated[TlsObservation, Tag("tls")]
    | Annotated[UdpObservation, Tag("udp")]
    | Annotated[ListensObservation, Tag("listens")]
    | Annotated[SshObservation, Tag("ssh")]
)
_NAMES = VariantNames("observation", "what is to be seen", "such as {from: client, resolves: app.shop.lab}")
Observation = Annotated[_Tagged, Discriminator(kind_of), _NAMES]
EarlierObservation = Annotated[
    _Tagged | Annotated[UnansweredObservation, Tag("unanswered")], Discriminator(kind_of_earlier), _NAMES
]
