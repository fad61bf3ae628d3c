"""A login by SSH that a task wants to see, by the log of the server: all after the greeting is encrypted."""

from __future__ import annotations

from orchestrator.lessons.base_observation import BaseObservation
from orchestrator.lessons.comparison import (
    AddressesOf,
    Comparison,
    Different,
    Matched,
    failed_connection,
    failed_lookup,
    server_text,
)
from orchestrator.lessons.server_records import SshLogin
from orchestrator.model.language import Field
from orchestrator.model.values import NodeName
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DnsExchange,
    Flow,
    SshGreeting,
    TcpClose,
    TcpHandshake,
    client_node,
)


class SshObservation(BaseObservation):
    """A login by SSH that the server has accepted, by its own log."""

    ssh: NodeName = Field(description="The SSH server.", examples=["shell"])

    @property
    def wanted(self) -> str:
        return f"a login to {self.ssh} by SSH"

    def compare(self, event: CompletedEvent, addresses_of: AddressesOf) -> Comparison:
        if isinstance(event, DnsExchange):
            return failed_lookup(event, self.client, self.wanted)
        if isinstance(event, TcpHandshake):
            return failed_connection(event, self.client, self.wanted)
        if isinstance(event, SshGreeting):
            return self._compare_greeting(event, addresses_of)
        if not isinstance(event, TcpClose) or client_node(event) != self.client:
            return None
        if not self._leads_there(event.flow, addresses_of):
            return None
        if event.sent:
            seen = f"{self.client} was connected to {server_text(event.flow)}, and was not let in"
        else:
            seen = f"{self.client} opened a connection to {server_text(event.flow)} and sent nothing"
        return Different("ssh", seen, self.wanted, may_be_followed=True)

    def _leads_there(self, flow: Flow, addresses_of: AddressesOf) -> bool:
        return flow.server.address in addresses_of(self.ssh)

    def _compare_greeting(self, event: SshGreeting, addresses_of: AddressesOf) -> Comparison:
        place = server_text(event.flow)
        if not isinstance(event, SshLogin):
            seen = f"{self.client} spoke SSH with {place}, and was not let in so far"
            is_ours = client_node(event) == self.client
            return Different("ssh", seen, self.wanted, may_be_followed=True) if is_ours else None
        logged_in = f"logged in to {place}, as {event.user}"
        if wrong_node := self.by_another_node(event, logged_in):
            return wrong_node if self._leads_there(event.flow, addresses_of) else None
        if not self._leads_there(event.flow, addresses_of):
            return Different("address", f"{self.client} {logged_in}", self.wanted)
        return Matched(f"{self.client} {logged_in}")
