"""PostgreSQL's protocol (PostgreSQL documentation, "Frontend/Backend Protocol"), version 3: simple and extended."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import ExchangeStart, Flow, SqlSession, SqlStatement, TrafficEvent
from orchestrator.traffic.packets.packet import Packet

AUTHENTICATIONS = {"2": "Kerberos", "3": "password in clear", "5": "MD5", "7": "GSSAPI", "9": "SSPI", "10": "SCRAM"}
ROWS = re.compile(r"(?:INSERT \d+|[A-Z ]+) (\d{1,18})$")
IDLE = "73"  # 'I': not in a transaction


class OpenStatement:
    """A statement that waits for its result."""

    __slots__ = ("error", "exchange", "extended", "known", "sql", "started", "tags", "transaction")

    def __init__(self, exchange: int, sql: str, known: bool, extended: bool, at: float, transaction: int) -> None:
        self.exchange = exchange
        self.sql = sql
        self.known = known
        self.extended = extended
        self.started = at
        self.transaction = transaction
        self.tags: list[str] = []
        self.error = ""


class Sync:
    """The end of a group of extended messages."""

    __slots__ = ()


class SqlReader:
    """Pair statements with results, which come in order; after an error the server skips the rest of a group."""

    def __init__(self, context: TrafficContext, flow: Flow) -> None:
        self._context = context
        self._flow = flow
        self._start: SqlSession | None = None
        self._prepared: dict[str, str] = {}
        self._portals: dict[str, tuple[str, bool]] = {}
        self._waiting: deque[OpenStatement | Sync] = deque()
        self._done: list[tuple[OpenStatement, float, str]] = []
        self._transaction = 0
        self._parsed: tuple[str, float] | None = None  # what was sent to be prepared, and not run yet, and when
        self.farewell = ""  # the reason for the close: an error that answers nothing, or that this was a cancel request

    def read(self, packet: Packet, from_client: bool) -> Iterator[TrafficEvent]:
        if from_client:
            yield from self._client_messages(packet)
        elif self._start is not None:
            yield from self._greeted(packet)
        else:
            yield from self._answered(packet)

    # from the client

    def _client_messages(self, packet: Packet) -> Iterator[TrafficEvent]:
        kinds = packet.texts(at.SQL_TYPE)
        queries = iter(packet.texts(at.SQL_QUERY))
        names, portals = _Names(packet, kinds), iter(packet.texts(at.SQL_PORTAL))
        for kind in kinds:
            match kind:
                case "Startup message":
                    yield self._begin(packet)
                case "Cancel request":
                    self.farewell = "this was a request to cancel the statement of another session"
                case "Simple query":
                    yield self._send(next(queries, ""), True, False, packet)
                case "Parse":
                    sql = self._prepared[names.take()] = next(queries, "")
                    self._parsed = (sql, packet.time)
                case "Bind":
                    portal, name = next(portals, ""), names.take()
                    prepared = self._prepared.get(name)
                    self._portals[portal] = (name, False) if prepared is None else (prepared, True)
                case "Describe" | "Close":
                    names.describe(portals)
                case "Execute":
                    sql, known = self._portals.get(next(portals, ""), ("", False))
                    self._parsed = None
                    yield self._send(sql, known, True, packet)
                case "Sync":
                    self._waiting.append(Sync())

    def _begin(self, packet: Packet) -> ExchangeStart:
        parameters = dict(zip(packet.texts(at.SQL_NAMES), packet.texts(at.SQL_VALUES), strict=False))
        user = parameters.get("user", "")
        database = parameters.get("database", user)
        exchange = self._context.exchange_number()
        self._start = SqlSession(exchange, self._flow, packet.time, None, user, database, "", "", "", "pending")
        return self._began(exchange, "sql-start", packet.time, f"session as {user}")

    def _send(self, sql: str, known: bool, extended: bool, packet: Packet) -> ExchangeStart:
        statement = OpenStatement(self._context.exchange_number(), sql, known, extended, packet.time, self._transaction)
        self._waiting.append(statement)
        return self._began(statement.exchange, "sql", packet.time, sql)

    def _began(self, exchange: int, kind: str, when: float, subject: str) -> ExchangeStart:
        client, server, number = self._flow.client, self._flow.server, self._flow.number
        return ExchangeStart(exchange, kind, when, client.node, server.node, number, subject, server.port, client.port)

    # from the server

    def _greeted(self, packet: Packet) -> Iterator[TrafficEvent]:
        start = self._start
        assert start is not None
        method = AUTHENTICATIONS.get(packet.text(at.SQL_AUTH), start.authentication)
        parameters = dict(zip(packet.texts(at.SQL_NAMES), packet.texts(at.SQL_VALUES), strict=False))
        version = parameters.get("server_version", start.version)
        kinds = packet.texts(at.SQL_TYPE)
        error = _error(packet) if "Error" in kinds else ""
        over = bool(error) or "Ready for query" in kinds
        outcome = "refused" if error else "ready" if over else "pending"
        self._start = SqlSession(
            start.exchange,
            self._flow,
            start.started,
            packet.time if over else None,
            start.user,
            start.database,
            method,
            version,
            error,
            outcome,
        )
        if over:
            yield self._start
            self._start = None

    def _answered(self, packet: Packet) -> Iterator[TrafficEvent]:
        tags, statuses = iter(packet.texts(at.SQL_TAG)), iter(packet.texts(at.SQL_STATUS))
        errors = 0
        for kind in packet.texts(at.SQL_TYPE):
            match kind:
                case "Command completion":
                    self._completed(next(tags, ""), packet.time)
                case "Empty query" | "Portal suspended":
                    self._completed("", packet.time)
                case "Error":
                    if self._parsed is not None and not self._running:
                        yield self._refused(*self._parsed)
                    self._failed(_error(packet, errors), packet.time)
                    errors += 1
                case "Ready for query":
                    yield from self._ready(next(statuses, IDLE), packet.time)

    def _completed(self, tag: str, when: float) -> None:
        if not self._waiting or isinstance(head := self._waiting[0], Sync):
            return
        head.tags.append(tag)
        if head.extended:
            self._waiting.popleft()
            self._done.append((head, when, "done"))

    @property
    def _running(self) -> bool:
        """Whether the next answer is that of a statement."""
        return bool(self._waiting) and isinstance(self._waiting[0], OpenStatement)

    def _refused(self, sql: str, when: float) -> ExchangeStart:
        """A text that the server would not even prepare: counts as a statement, because nobody runs it later."""
        self._parsed = None
        statement = OpenStatement(self._context.exchange_number(), sql, True, True, when, self._transaction)
        self._waiting.appendleft(statement)
        return self._began(statement.exchange, "sql", when, sql)

    def _failed(self, error: str, when: float) -> None:
        if not self._waiting or isinstance(head := self._waiting[0], Sync):
            self.farewell = error
            return
        head.error = error
        if not head.extended:
            return
        self._waiting.popleft()
        self._done.append((head, when, "failed"))
        while self._waiting and isinstance(skipped := self._waiting[0], OpenStatement) and skipped.extended:
            self._waiting.popleft()
            self._done.append((skipped, when, "skipped"))

    def _ready(self, status: str, when: float) -> Iterator[TrafficEvent]:
        """The end of a group: only now it is known whether the transaction is over as well."""
        if not self._waiting or isinstance(self._waiting[0], Sync):
            self._parsed = None
        head = self._waiting.popleft() if self._waiting else None
        if isinstance(head, OpenStatement):
            self._done.append((head, when, "failed" if head.error else "done"))
        done, self._done = self._done, []
        for index, (statement, ended, outcome) in enumerate(done, 1):
            yield self._ended(statement, ended, outcome, status == IDLE and index == len(done))
        if status == IDLE:
            self._transaction += 1

    def _ended(self, statement: OpenStatement, ended: float | None, outcome: str, last: bool = False) -> SqlStatement:
        rows = [int(match[1]) for tag in statement.tags if (match := ROWS.match(tag))]
        return SqlStatement(
            statement.exchange,
            self._flow,
            statement.started,
            ended,
            statement.sql,
            statement.known,
            statement.extended,
            "; ".join(statement.tags),
            sum(rows) if rows else None,
            statement.error,
            outcome,
            statement.transaction,
            last,
        )

    def end(self, outcome: str) -> Iterator[TrafficEvent]:
        if self._start is not None:
            start, self._start = self._start, None
            yield SqlSession(
                start.exchange, self._flow, start.started, None, start.user, start.database,
                start.authentication, start.version, "", outcome,
            )  # fmt: skip
        for done in self._done:
            yield self._ended(*done)
        self._done.clear()
        for statement in self._waiting:
            if isinstance(statement, OpenStatement):
                yield self._ended(statement, None, outcome)
        self._waiting.clear()


class _Names:
    """The names of prepared statements in one packet, in order.

    Describe and Close name either a statement or a portal, and tshark does not list which; the number of names left
    over shows it, if all of them are of one kind, as drivers send them.
    """

    def __init__(self, packet: Packet, kinds: list[str]) -> None:
        names = packet.texts(at.SQL_STATEMENT)
        self._names = iter(names)
        self._spare = len(names) - kinds.count("Parse") - kinds.count("Bind")

    def take(self) -> str:
        return next(self._names, "")

    def describe(self, portals: Iterator[str]) -> None:
        if self._spare > 0:
            self._spare -= 1
            self.take()
        else:
            next(portals, "")


def _error(packet: Packet, index: int = 0) -> str:
    """`ERROR 42P01: relation "x" does not exist`."""
    parts = []
    for place in (at.SQL_SEVERITY, at.SQL_CODE, at.SQL_MESSAGE):
        texts = packet.texts(place)
        parts.append(texts[index] if index < len(texts) else "")
    return f"{parts[0]} {parts[1]}: {parts[2]}"
