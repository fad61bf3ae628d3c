"""The events that packets show, as values.

Every exchange has a number. `ExchangeStart` says that it began; one event of another kind with the same number says how
it ended. Times are seconds since 1970. `ended` is None if no packet ended it. `TcpClose` and `IcmpError` are points in
time: they have a number of their own and no `ExchangeStart`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a flow: the node's name (or the address if no node has it), the address, the port."""

    node: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Flow:
    """A TCP connection or a UDP flow. `opened` is None where it was opened before the capture began.

    `name` is what the client had asked DNS for to learn this address, and `asked` when; empty and None where no
    such question was captured.
    """

    number: int
    protocol: str
    client: Endpoint
    server: Endpoint
    opened: float | None
    name: str = ""
    asked: float | None = None


@dataclass(frozen=True, slots=True)
class ExchangeStart:
    """An exchange began: `subject` is its topic, `port` the server's, 0 where there is none.

    `client_port` is the client's, `server_address` that of a server of TCP, `wants_ad` as in a DnsExchange.
    `kind` is opening, dns, http, sql-start, sql, tls, ssh, udp, icmp (a ping), arp or ndp.
    """

    exchange: int
    kind: str
    at: float
    client: str
    server: str
    flow: int
    subject: str
    port: int = 0
    client_port: int = 0
    server_address: str = ""
    wants_ad: bool = False


@dataclass(frozen=True, slots=True)
class TcpHandshake:
    """An attempt to open a TCP connection.

    `outcome` is accepted (SYN, ACK), refused (RST from the server's side), abandoned (RST from the client), unreachable
    (ICMP) or silent. An RST comes from a kernel without a listener, or from a filter: packets do not tell which.
    `lost` says where the packets were lost on their way, empty where that is not known.
    """

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    outcome: str
    tries: int
    last_try: float
    reason: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class TcpClose:
    """A connection ended: `how` is closed (FIN from both), half-closed (FIN from one), reset (RST) or open at the end.

    `by` is the node that began it. `sent` are payload bytes from client to server, `received` the other way.
    `understood` says that some protocol's exchange was read from it; `reason` is what the server said last, unasked.
    """

    exchange: int
    flow: Flow
    at: float
    how: str
    by: str
    sent: int
    received: int
    understood: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One resource record of an answer: its type as text, its value, and the node that bears it if it is an address."""

    type: str
    value: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class DnsExchange:
    """A DNS question and what came of it; `rcode` is empty where nothing was answered.

    `operation` is query, notify (the zone `name` has changed) or update (change the zone `name`).

    `referred` are the servers that know more, where the one that was asked does not know the answer and names them.
    `lost` says where the packets were lost on their way, and `astray_from` from where an answer came that was not the
    server's address (ADDRESS:PORT), each empty where that is not known.
    `wants_ad`: the question sets the AD bit (RFC 6840, section 5.7) and has no EDNS part, as those of glibc with the
    option `trust-ad` (resolv.conf(5)).
    """

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    name: str
    type: str
    rcode: str
    answers: tuple[DnsRecord, ...]
    authoritative: bool
    recursive: bool
    truncated: bool
    tries: int
    last_try: float
    reason: str = ""
    referred: tuple[str, ...] = ()
    operation: str = "query"
    lost: str = ""
    astray_from: str = ""
    wants_ad: bool = False


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """An HTTP request and its answer; `method` is empty where no whole request that can be read was captured.

    `size` is the length of the answer's body in bytes, None where the answer does not say it. `outcome` is answered,
    closed or reset (the connection ended first), or pending (the capture ended first); then `size` is how much of the
    answer had come by then, its head included, and `ended_by` is the node that closed or reset the connection.
    """

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    method: str
    target: str
    host: str
    status: int | None
    phrase: str
    size: int | None
    outcome: str
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class SqlSession:
    """A PostgreSQL session began: as whom, for which database, by which authentication; `error` where refused."""

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    user: str
    database: str
    authentication: str
    version: str
    error: str
    outcome: str


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """A statement and its result. `rows` is None where it gives none; `transaction` numbers those of a connection.

    `last` says that the transaction was over after it. `known` is False where the statement's text was prepared
    before the capture began; `sql` is then its name.
    """

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    sql: str
    known: bool
    extended: bool
    tag: str
    rows: int | None
    error: str
    outcome: str
    transaction: int
    last: bool


@dataclass(frozen=True, slots=True)
class TlsHandshake:
    """What was agreed when TLS began: the name asked for, the version, the certificate where it is readable."""

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    server_name: str
    version: str
    subject: str
    names: tuple[str, ...]
    alert: str
    alert_by: str
    outcome: str


@dataclass(frozen=True, slots=True)
class SshGreeting:
    """The two lines by which SSH programs introduce themselves (RFC 4253, section 4.2)."""

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    client_says: str
    server_says: str


@dataclass(frozen=True, slots=True)
class DatagramFlow:
    """UDP that no protocol here understands, or pings (the flow's protocol is icmp): how many packets each way.

    `lost` says where the packets were lost on their way, and `astray_from` from where packets came back that was not
    the server's address (ADDRESS:PORT), each empty where that is not known; `received` does not count these.
    """

    exchange: int
    flow: Flow
    started: float
    ended: float | None
    sent: int
    received: int
    last_try: float
    reason: str = ""
    lost: str = ""
    astray_from: str = ""


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP message that could not be tied to an open question: `reporter` says why `flow` does not work."""

    exchange: int
    flow: Flow
    at: float
    reporter: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnansweredArp:
    """ARP requests, or IPv6's neighbour solicitations, that nobody answered: no machine on the network has the
    address (RFC 826, RFC 4861).

    `target` is the node that should have it, or the address again where no node should. `ended` is when somebody did
    answer, late. An answer within the first second is no news and gives no event.
    """

    exchange: int
    sender: str
    target: str
    address: str
    started: float
    ended: float | None
    last_try: float
    tries: int


Exchange = (
    TcpHandshake
    | DnsExchange
    | HttpExchange
    | SqlSession
    | SqlStatement
    | TlsHandshake
    | SshGreeting
    | DatagramFlow
    | UnansweredArp
)
PointEvent = TcpClose | IcmpError
CompletedEvent = Exchange | PointEvent
TrafficEvent = ExchangeStart | CompletedEvent


def start_time(event: CompletedEvent) -> float:
    """When an event began."""
    return event.at if isinstance(event, TcpClose | IcmpError) else event.started


def end_time(event: CompletedEvent) -> float | None:
    """When an event was over; None where no packet ended it."""
    match event:
        case TcpClose() | IcmpError():
            return event.at
        case _:
            return event.ended


def client_node(event: CompletedEvent) -> str:
    """The node that began it."""
    return event.sender if isinstance(event, UnansweredArp) else event.flow.client.node


def server_node(event: CompletedEvent) -> str:
    """The node that was asked; for an address that nobody answers for, the node that should have it."""
    return event.target if isinstance(event, UnansweredArp) else event.flow.server.node
