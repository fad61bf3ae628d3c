"""Questions of one lookup that nobody answers: they are one attempt of a learner, and one sentence is said of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from orchestrator.traffic.exchanges.events import CompletedEvent, DnsExchange, ExchangeStart, TcpHandshake

# A resolver waits two seconds for a server and then asks the next one (resolv.conf(5), timeout, as wirelab writes it);
# who types a command again has waited for its end.
NEXT_TRY_SECONDS = 3.0


@dataclass(eq=False)
class _Lookup:
    """`name` is empty while only the search for a server's address was seen; `servers` are those that were asked."""

    name: str
    last: float
    servers: set[str] = field(default_factory=set)
    is_told: bool = False
    is_explained: bool = False


class SilentLookups:
    """Lookups by their client, and by the numbers of their exchanges."""

    def __init__(self) -> None:
        self._latest: dict[str, _Lookup] = {}
        self._by_exchange: dict[int, _Lookup] = {}

    def clear(self) -> None:
        """Forget all."""
        self._latest.clear()
        self._by_exchange.clear()

    def begin(self, start: ExchangeStart, domain: str, own_servers: Collection[str]) -> None:
        """A question, or the search for one of the DNS servers that the node asks by itself."""
        if start.kind == "dns":
            name = base_name(start.subject.split(" ")[0], domain)
        elif start.kind in ("arp", "ndp") and start.server in own_servers:
            name = ""
        else:
            return
        lookup = self._latest.get(start.client)
        if lookup is None or not _continues(lookup, name, start.at):
            lookup = self._latest[start.client] = _Lookup(name, start.at)
        lookup.name, lookup.last = lookup.name or name, max(lookup.last, start.at)
        lookup.servers.add(start.server)
        self._by_exchange[start.exchange] = lookup

    def is_to_tell(self, start: ExchangeStart) -> bool:
        """Whether nothing was said so far of the lookup to which it belongs; from now on something was."""
        lookup = self._by_exchange.get(start.exchange)
        if lookup is None:
            return True
        is_new, lookup.is_told = not lookup.is_told, True
        return is_new

    def is_to_explain(self, start: ExchangeStart) -> bool:
        """Whether nobody has asked so far why the lookup got no answer; from now on somebody has."""
        lookup = self._by_exchange.get(start.exchange)
        if lookup is None or start.kind != "dns":
            return True
        is_new, lookup.is_explained = not lookup.is_explained, True
        return is_new

    def is_told(self, event: CompletedEvent) -> bool:
        """Whether something was said of the lookup whose question this is."""
        lookup = self._by_exchange.get(event.exchange)
        return lookup is not None and lookup.is_told

    def has_followed(self, start: ExchangeStart) -> bool:
        """Whether the same lookup went on to another server."""
        lookup = self._by_exchange.get(start.exchange)
        return lookup is not None and lookup.servers != {start.server}


@dataclass
class FinishedLookup:
    """The lookup that has completed a task; its program may ask for other types of records after that.

    A question for an address (A), or for another name, is that of another program.
    """

    client: str
    name: str
    domain: str
    last: float

    def has(self, node: str, name: str, kind: str, at: float) -> bool:
        """Whether a question belongs to it, and comes no later than the next try of a resolver would."""
        is_same = (node, base_name(name, self.domain)) == (self.client, self.name) and kind != "A"
        is_rest = is_same and at <= self.last + NEXT_TRY_SECONDS
        if is_rest:
            self.last = max(self.last, at)
        return is_rest

    def has_search(self, start: ExchangeStart, own_servers: Collection[str]) -> bool:
        """Whether the search for a server's address is that of such a question."""
        is_server = start.kind in ("arp", "ndp") and start.client == self.client and start.server in own_servers
        is_rest = is_server and start.at <= self.last + NEXT_TRY_SECONDS
        if is_rest:
            self.last = max(self.last, start.at)
        return is_rest


def finished_lookup(event: CompletedEvent, domain: str) -> FinishedLookup | None:
    """The lookup that this exchange was; None where it was another thing."""
    if not isinstance(event, DnsExchange):
        return None
    last = event.started if event.ended is None else event.ended
    return FinishedLookup(event.flow.client.node, base_name(event.name, domain), domain, last)


def is_in_vain(event: CompletedEvent) -> bool:
    """Whether an exchange ended without any answer."""
    match event:
        case DnsExchange(rcode="") | TcpHandshake(outcome="silent"):
            return True
    return False


def base_name(name: str, domain: str) -> str:
    """The name that was typed: a resolver completes it with the lab's domain (resolv.conf(5), search)."""
    name = name.lower().rstrip(".")
    while name.endswith(f".{domain}"):
        name = name.removesuffix(f".{domain}")
    return name


def _continues(lookup: _Lookup, name: str, at: float) -> bool:
    is_same = not name or not lookup.name or name == lookup.name
    return is_same and at <= lookup.last + NEXT_TRY_SECONDS
