"""DNS questions and answers (RFC 1035), over UDP and TCP."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.dns_messages import messages_of
from orchestrator.traffic.exchanges.events import DnsExchange, DnsRecord, ExchangeStart, Flow, TrafficEvent
from orchestrator.traffic.packets.decode import AT
from orchestrator.traffic.packets.packet import Packet, parse_number

PATIENCE = 15.0  # seconds after the last try; a resolver that waits longer than this for one server is not known
TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 41: "OPT",
    35: "NAPTR", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA", 64: "SVCB",
    65: "HTTPS", 251: "IXFR", 252: "AXFR", 255: "ANY", 257: "CAA",
}  # fmt: skip
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
OPERATIONS = {4: "notify", 5: "update"}  # RFC 1996, RFC 2136; any other operation counts as a query
VALUES = {
    "A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname", "NS": "dns.ns", "PTR": "dns.ptr.domain_name",
    "MX": "dns.mx.mail_exchange", "SRV": "dns.srv.target", "SOA": "dns.soa.mname", "TXT": "dns.txt",
}  # fmt: skip
VALUE_PLACES = {kind: AT[field] for kind, field in VALUES.items()}
SRV_PORT = AT["dns.srv.port"]
# The same by the number of the type, as tshark writes it, with all fields of it.
TYPE_PLACES = {
    str(number): (VALUE_PLACES[kind], *((SRV_PORT,) if kind == "SRV" else ()))
    for number, kind in TYPES.items()
    if kind in VALUE_PLACES
}
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0200, 0x0080
RECURSION_DESIRED, AUTHENTIC_DATA = 0x0100, 0x0020
OPT = "41"  # the type of the record that carries EDNS (RFC 6891, section 6.1.2)

Key = tuple[str, int, str, int, str, str]


def record_type(number: str) -> str:
    """The name of a record type; TYPE123 where it has none here (RFC 3597)."""
    return TYPES.get(parse_number(number), f"TYPE{number}") if number else "?"


def _wants_ad(packet: Packet) -> bool:
    """Whether it has the flags of a question of glibc with `trust-ad`, and no EDNS part."""
    is_plain = parse_number(packet.text(at.DNS_FLAGS)) == RECURSION_DESIRED | AUTHENTIC_DATA
    return is_plain and OPT not in packet.texts(at.DNS_RECORD_TYPE)


class OpenQuery:
    """A query that waits for its answer."""

    __slots__ = (
        "astray_from", "exchange", "flow", "last_try", "name", "operation", "started", "tries", "type", "wants_ad"
    )  # fmt: skip

    def __init__(
        self, exchange: int, flow: Flow, at: float, name: str, kind: str, operation: str, wants_ad: bool
    ) -> None:
        self.exchange = exchange
        self.flow = flow
        self.started = self.last_try = at
        self.name = name
        self.type = kind
        self.operation = operation
        self.wants_ad = wants_ad
        self.tries = 1
        self.astray_from = ""

    def ended(
        self,
        ended: float | None,
        rcode: str = "",
        answers: tuple[DnsRecord, ...] = (),
        flags: int = 0,
        reason: str = "",
        referred: tuple[str, ...] = (),
        lost: str = "",
    ) -> DnsExchange:
        return DnsExchange(
            self.exchange,
            self.flow,
            self.started,
            ended,
            self.name,
            self.type,
            rcode,
            answers,
            bool(flags & AUTHORITATIVE),
            bool(flags & RECURSION_AVAILABLE),
            bool(flags & TRUNCATED),
            self.tries,
            self.last_try,
            reason,
            referred,
            self.operation,
            lost,
            self.astray_from,
            self.wants_ad,
        )


class DnsReader:
    """Pair queries with answers. Keeps only open queries."""

    def __init__(self, context: TrafficContext) -> None:
        self._context = context
        self._open: OrderedDict[Key, OpenQuery] = OrderedDict()

    def read(self, packet: Packet, flow: Flow | None = None) -> Iterator[TrafficEvent]:
        """What a packet asks or answers; `flow` is the TCP connection that carries it, if one does."""
        for message in messages_of(packet, TYPE_PLACES) if flow else (packet,):
            yield from self._read_message(message, flow)

    def _read_message(self, packet: Packet, flow: Flow | None) -> Iterator[TrafficEvent]:
        number, name, kind = packet.text(at.DNS_ID), packet.text(at.DNS_NAME), packet.text(at.DNS_TYPE)
        flags = parse_number(packet.text(at.DNS_FLAGS))
        asking = (packet.source, packet.source_port, packet.target, packet.target_port)
        if flags & RESPONSE:
            asking = (asking[2], asking[3], asking[0], asking[1])
            answered = (*asking, number, f"{name.lower()} {kind}") if kind else self._by_number((*asking, number))
            if answered and (query := self._open.pop(answered, None)) is not None:
                yield self._answered(query, packet, flags)
            else:
                self._note_astray(asking[:2], number, f"{name.lower()} {kind}", packet)
            return
        key = (*asking, number, f"{name.lower()} {kind}")
        if (known := self._open.get(key)) is not None:
            known.tries += 1
            known.last_try = packet.time
            self._open.move_to_end(key)
            return
        flow = flow or self._context.new_flow(packet.protocol, key[:2], key[2:4], packet.time)
        yield self._queried(key, packet, flow)

    def _note_astray(self, client: tuple[str, int], number: str, question: str, packet: Packet) -> None:
        """An answer from another address of the server than its client asked, who does not take it (RFC 5452, 9.1)."""
        node = self._context.node_at(packet.source)
        for key, query in self._open.items():
            if (key[:2], key[4], key[5]) == (client, number, question) and query.flow.server.node == node:
                query.astray_from = f"{packet.source}:{packet.source_port}"

    def _by_number(self, query_key: tuple[str, int, str, int, str]) -> Key | None:
        """The query that this answers, if an error does not repeat the question (NOTIMP, FORMERR: RFC 8906, 3.1.4)."""
        return next((key for key in self._open if key[:5] == query_key), None)

    def _queried(self, key: Key, packet: Packet, flow: Flow) -> ExchangeStart:
        name, kind = packet.text(at.DNS_NAME).lower() or ".", record_type(packet.text(at.DNS_TYPE))
        operation = OPERATIONS.get(parse_number(packet.text(at.DNS_FLAGS)) >> 11 & 0xF, "query")
        wants_ad = bool(packet.text(at.DNS_TYPE)) and _wants_ad(packet)
        query = OpenQuery(self._context.exchange_number(), flow, packet.time, name, kind, operation, wants_ad)
        self._open[key] = query
        return ExchangeStart(
            query.exchange,
            "dns",
            packet.time,
            flow.client.node,
            flow.server.node,
            flow.number,
            f"{name} {kind}",
            flow.server.port,
            flow.client.port,
            wants_ad=wants_ad,
        )

    def _answered(self, query: OpenQuery, packet: Packet, flags: int) -> DnsExchange:
        answers = tuple(self._named(answer) for answer in answer_records(packet))
        client = query.flow.client.node
        for answer in answers:
            if answer.type in ("A", "AAAA"):
                self._context.remember_answer(client, query.name, answer.value, packet.time)
        rcode = parse_number(packet.text(at.DNS_RCODE)) << 4 | flags & 0xF  # RFC 6891, section 6.1.3
        referred = referral(packet) if rcode == 0 and not flags & AUTHORITATIVE else ()
        return query.ended(packet.time, RCODES.get(rcode, f"RCODE{rcode}"), answers, flags, referred=referred)

    def _named(self, answer: DnsRecord) -> DnsRecord:
        node = self._context.node_at(answer.value)
        return DnsRecord(answer.type, answer.value, node) if node != answer.value else answer

    def unreachable(
        self, client: tuple[str, int], server: tuple[str, int], when: float, reason: str
    ) -> Iterator[TrafficEvent]:
        """An ICMP message says that the server cannot be reached; ends the queries of this socket."""
        for key in [key for key in self._open if key[:4] == (*client, *server)]:
            yield self._open.pop(key).ended(when, reason=reason)

    def expire(self, now: float) -> Iterator[TrafficEvent]:
        """Give up on queries that have been unanswered for long."""
        while self._open:
            key, query = next(iter(self._open.items()))
            if now - query.last_try < PATIENCE:
                return
            del self._open[key]
            yield query.ended(None, lost=self._context.loss(query.flow))

    def flush(self) -> Iterator[TrafficEvent]:
        for query in self._open.values():
            yield query.ended(None, lost=self._context.loss(query.flow))
        self._open.clear()


def referral(packet: Packet) -> tuple[str, ...]:
    """The servers of a referral: an empty answer with NS records and no SOA (RFC 1034, 4.3.1; RFC 2308, 2.2)."""
    kinds = {record_type(number) for number in packet.texts(at.DNS_RECORD_TYPE)}
    if parse_number(packet.text(at.DNS_COUNT)) or "NS" not in kinds or "SOA" in kinds:
        return ()
    return tuple(packet.texts(VALUE_PLACES["NS"]))


def answer_records(packet: Packet) -> tuple[DnsRecord, ...]:
    """The records of the answer section; tshark lists all sections one after the other, by field."""
    count = parse_number(packet.text(at.DNS_COUNT))
    if not count:
        return ()
    taken: dict[str, int] = {}
    answers = []
    kinds = [record_type(number) for number in packet.texts(at.DNS_RECORD_TYPE)[:count]]
    for kind in kinds:
        place = VALUE_PLACES.get(kind)
        values = packet.texts(place) if place is not None else []
        index = taken.get(kind, 0)
        taken[kind] = index + 1
        value = values[index] if index < len(values) else ""
        if kind == "TXT" and kinds.count("TXT") == 1:
            value = " ".join(values)  # one record of several strings
        if kind == "SRV" and index < len(ports := packet.texts(SRV_PORT)):
            value = f"{value}:{ports[index]}"
        answers.append(DnsRecord(kind, value))
    return tuple(answers)
