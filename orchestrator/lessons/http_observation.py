"""An HTTP request that a task wants to see, and its answer; over TLS, both by the server's own log."""

from __future__ import annotations

from urllib.parse import urlsplit

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import (
    AddressesOf,
    Comparison,
    Different,
    Matched,
    failed_connection,
    failed_lookup,
    http_answer,
    is_loopback,
    leads_to,
    server_text,
)
from orchestrator.lessons.server_records import SecureRequest
from orchestrator.model.language import Field
from orchestrator.model.values import Url, is_address
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    HttpExchange,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    client_node,
)


class HttpObservation(BaseObservation):
    """An HTTP request and its answer."""

    http: Url = Field(description="The URL that is requested.", examples=["http://app.shop.lab/items"])
    method: str = Field("GET", pattern="^[A-Z]+$", description="The request method.", examples=["POST"])
    status: int | None = Field(
        None, ge=100, le=599, description="The status that must come; any 2xx when absent.", examples=[200]
    )

    @property
    def wanted(self) -> str:
        return f"{self.method} {self.http}"

    def _wanted_at(self, port: int) -> str:
        """The same with its port, which a URL of the usual port does not name."""
        return self.wanted if urlsplit(self.http).port else f"{self.wanted} (port {port})"

    @property
    def loopback_port(self) -> int | None:
        url = urlsplit(self.http)
        return (url.port or 80) if url.scheme == "http" and is_loopback(url.hostname or "") else None

    @property
    def needs_tls(self) -> bool:
        """Whether no packet shows the request, so that the server's log must tell of it."""
        return urlsplit(self.http).scheme == "https"

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        if isinstance(event, DnsExchange):
            return failed_lookup(event, self.client, self.wanted)
        if isinstance(event, TcpHandshake):
            return failed_connection(event, self.client, self.wanted)
        if isinstance(event, HttpExchange) and event.method:
            return self._compare_request(event, addresses_of)
        return self._no_request(event, addresses_of)

    def _no_request(self, event: CompletedEvent, addresses_of: AddressesOf) -> Different | None:
        """An open connection over which something else came than a request."""
        if client_node(event) != self.client:
            return None
        match event:
            case TlsHandshake() if not self.needs_tls:
                return Different("tls", f"{self.client} began TLS with {server_text(event.flow)}", self.wanted)
            case TlsHandshake() if event.outcome == "agreed" and not event.alert:
                return self._tls_alone(event, addresses_of)
            case HttpExchange() if event.status:
                seen = (
                    f"{self.client} sent no whole request to {server_text(event.flow)}: the answer was {event.status}"
                )
                return Different("http", seen, self.wanted, may_be_followed=True)  # by what it was instead, such as TLS
            case TcpClose() if not event.sent and event.by == self.client:
                seen = f"{self.client} opened a connection to {server_text(event.flow)} and sent nothing"
                return Different("http", seen, self.wanted, may_be_followed=True)
        return None

    def _tls_alone(self, event: TlsHandshake, addresses_of: AddressesOf) -> Different:
        """TLS, on which the request may follow; where it is another server's, that is what is wrong."""
        url = urlsplit(self.http)
        name = f" for {event.server_name}" if event.server_name else ""
        seen = f"{self.client} began TLS{name} with {server_text(event.flow)}"
        is_server = leads_to(event.flow, url.hostname or "", addresses_of)
        port = url.port or 443
        if is_server and event.flow.server.port == port:
            return Different("http", f"{seen}, and sent no request so far", self.wanted, may_be_followed=True)
        expected = self._wanted_at(port) if is_server else self.wanted
        return Different("address", seen, expected, may_be_followed=True)

    def _compare_request(self, event: HttpExchange, addresses_of: AddressesOf) -> Comparison:
        url = urlsplit(self.http)
        port = url.port or (443 if url.scheme == "https" else 80)
        requested = f"requested {event.method} {event.target} from {server_text(event.flow)}"
        is_secure = isinstance(event, SecureRequest)
        if self.needs_tls:
            name = f"by the name {event.host}" if event.host else "by its address"
            requested += f", {name}" if is_secure else ", without TLS"
        answer = http_answer(event)
        host = url.hostname or ""
        reaches = leads_to(event.flow, host, addresses_of)
        if self.needs_tls:  # a client sends the name that it means, and of an address none (SNI: RFC 6066, section 3)
            reaches = reaches and is_secure and event.host.lower() == ("" if is_address(host) else host)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        if not reaches or event.flow.server.port != port or (event.method, event.target) != (self.method, target):
            if client_node(event) != self.client:
                return None
            expected = self.wanted if not reaches or event.flow.server.port == port else self._wanted_at(port)
            return Different("http" if reaches else "address", f"{self.client} {requested}: {answer}", expected)
        if wrong_node := self.by_another_node(event, requested):
            return wrong_node
        if _is_other_name(event.host, host, addresses_of):
            return Different("name", f"{self.client} {requested}, by the name {event.host}: {answer}", self.wanted)
        if not self._status_is_right(event.status):
            expected = f"the status {self.status}" if self.status else "a status from 200 to 299"
            return Different("http", f"{self.client} {requested}: {answer}", expected)
        return Matched(f"{self.client} {requested}: {answer}")

    def _status_is_right(self, status: int | None) -> bool:
        return status == self.status if self.status else status is not None and 200 <= status <= 299


def _is_other_name(named: str, host: str, addresses_of: AddressesOf) -> bool:
    """Whether a request names another host of the lab, which only shares an address with the one that is wanted."""
    name = urlsplit(f"//{named}").hostname or ""
    if is_address(host) or is_address(name) or name == host.lower():
        return False
    return set(addresses_of(name)) not in ({name}, set(addresses_of(host)))
