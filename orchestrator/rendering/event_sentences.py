"""What an event says to a person: one sentence, for a student who does not know the protocol's numbers."""

from __future__ import annotations

from typing import assert_never

from orchestrator.rendering.quantities import counted
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    Flow,
    HttpExchange,
    IcmpError,
    SqlSession,
    SqlStatement,
    SshGreeting,
    TcpClose,
    TcpHandshake,
    TlsHandshake,
    UnansweredArp,
)
from orchestrator.traffic.story import EarlierConnection, Span

Words = tuple[str, str]
"""What was asked, and what came of it; the second may be empty."""

LONGEST = 400  # characters: seven lines of a terminal

ENDS = {
    "closed": "no answer: the connection was closed",
    "reset": "no answer: the connection was reset",
    "pending": "no answer while packets were captured",
}
CUT = {
    "closed": "the connection was closed",
    "reset": "the connection was reset",
    "pending": "the rest was not captured",
}


def words(span: Span, began: float) -> Words:
    """The two halves of the sentence; `began` is when the story began, for times that it mentions."""
    event = span.event
    if isinstance(event, EarlierConnection):
        return earlier(event, began), ""
    if isinstance(event, DnsExchange):
        request, result = query_sentence(event), answered(event, span)
    else:
        request, result = event_words(event)
    return readable(request), readable(result)


def readable(text: str) -> str:
    """On one line, and not so long that it hides the rest of the story; JSON has the whole."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def event_words(event: CompletedEvent) -> Words:
    """The two halves for an event that needs nothing but itself."""
    match event:
        case TcpHandshake():
            return connects(event.flow), opening(event)
        case TcpClose():
            return closing(event), ""
        case HttpExchange():
            return http(event), http_answer(event)
        case SqlSession():
            return f"PostgreSQL session as {event.user}, database {event.database}", sql_start(event)
        case SqlStatement():
            return statement(event), sql_answer(event)
        case TlsHandshake():
            return (f"TLS for {event.server_name}" if event.server_name else "TLS"), tls_answer(event)
        case SshGreeting():
            return f"SSH: {event.client_says or 'nothing'}", event.server_says or "no greeting"
        case DatagramFlow():
            return datagrams(event)
        case IcmpError():
            return f"{event.reporter} tells {event.flow.client.node}", _unreachable(event)
        case UnansweredArp():
            return unclaimed(event)
        case DnsExchange():
            return query_sentence(event), answered(event, None)
        case _:
            assert_never(event)


def start_words(kind: str, client: str, server: str, subject: str) -> str:
    """What an exchange that has just begun asks; what came of it is not known yet."""
    match kind:
        case "opening":
            return f"{client} connects to {subject}"
        case "dns":
            return f"{client} asks {server} for {subject}"
        case "http" | "sql":
            return subject
        case "icmp":
            return f"{client} pings {server}"
        case "arp" | "ndp":
            return f"{client} looks for {server} on its network ({kind.upper()})"
        case "udp":
            return f"{client} sends UDP to {subject}"
        case _:
            return " ".join(filter(None, (f"{client} begins {kind.upper()} with {server}", subject)))


def end_of(flow: Flow) -> str:
    """The server's end, such as `app:80`."""
    return f"{flow.server.node}:{flow.server.port}"


def connects(flow: Flow) -> str:
    """The name that it asked for is said where it does not begin with the node's own."""
    other = flow.name and not f"{flow.name}.".startswith(f"{flow.server.node}.")
    name = f", found as {flow.name}," if other else ""
    return f"{flow.client.node} connects to {end_of(flow)}{over(flow)}{name}"


def over(flow: Flow) -> str:
    """A name may lead to addresses of two kinds; that it is the newer one is said, or the two would look the same."""
    return " over IPv6" if ":" in flow.server.address and flow.server.node != flow.server.address else ""


def earlier(event: EarlierConnection, began: float) -> str:
    flow = event.flow
    if flow.opened is None:
        return f"{flow.client.node}'s connection to {end_of(flow)}, opened before the capture began"
    name = f" after asking for {flow.name}" if flow.name else ""
    before = flow.opened - began
    when = f"earlier, at {ms(before)}" if before >= 0 else f"{ms(-before)} before this story begins"
    return f"{flow.client.node}'s connection to {end_of(flow)}, opened {when}{name}"


def opening(event: TcpHandshake) -> str:
    match event.outcome:
        case "accepted":
            return "accepted" if event.tries == 1 else f"accepted, at try {event.tries}"
        case "refused":
            return "refused (RST)"  # by a kernel without a listener or by a filter: packets do not tell which
        case "abandoned":
            return "given up by the client"
        case "unreachable":
            return f"{event.reason} (ICMP)"
        case _:
            return unheard(silence(event.tries, "SYN", event.last_try - event.started), event.lost)


def silence(tries: int, what: str, seconds: float) -> str:
    """Why we say `no answer`: how often it was asked, over how long."""
    if tries == 1:
        return f"no answer to the {what}"
    return f"no answer to {tries} {what}s over {seconds:.1f} s"


def unheard(text: str, lost: str, astray_from: str = "", flow: Flow | None = None) -> str:
    """Why nothing was heard, as far as the packets tell it: lost on the way, or sent from another address."""
    if astray_from and flow:
        server = f"{flow.server.address}:{flow.server.port}"
        return f"{text} from {server}; {flow.server.node} answered from {astray_from} instead"
    return f"{text}; {lost}" if lost else text


def closing(event: TcpClose) -> str:
    match event.how:
        case "reset":
            text = f"reset by {event.by} (RST)"
        case "half-closed":
            text = f"closed by {event.by}; the other side has not closed"
        case "open":
            text = "still open when the capture ended"
        case _:
            text = f"closed by {event.by}"
    if not event.understood and (event.sent or event.received):
        text += f"; {event.sent} bytes from the client, {event.received} from the server"
    return f"{text}; {event.reason}" if event.reason else text


def query_sentence(event: DnsExchange) -> str:
    tcp = " over TCP" if event.flow.protocol == "tcp" else ""
    port = event.flow.server.port
    server = event.flow.server.node if port == 53 else f"{event.flow.server.node}:{port}"
    if event.operation == "notify":
        return f"{event.flow.client.node} tells {server}{tcp} that the zone {event.name} has changed (NOTIFY)"
    if event.operation == "update":
        return f"{event.flow.client.node} asks {server}{tcp} to change the zone {event.name} (UPDATE)"
    return f"{event.flow.client.node} asks {server}{tcp} for {event.name} {event.type}"


def answered(event: DnsExchange, span: Span | None) -> str:
    if event.reason:
        return f"{event.reason} (ICMP)"
    if not event.rcode:
        text = silence(event.tries, "question", event.last_try - event.started)
        return unheard(text, event.lost, event.astray_from, event.flow)
    source = authority(event, span)
    again = f"asked {times_word(event.tries)}; " if event.tries > 1 else ""
    return f"{again}{answer(event)} ({source})" if source else f"{again}{answer(event)}"


def times_word(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def answer(event: DnsExchange) -> str:
    """The records of an answer, or what its absence means."""
    if event.rcode == "NXDOMAIN":
        return "NXDOMAIN, no such name"
    if event.rcode != "NOERROR":
        return event.rcode
    if event.operation != "query":
        return "accepted"
    if event.truncated:
        return "too long for UDP (TC)"
    if event.referred:
        return f"does not know, and refers to {', '.join(event.referred)}"
    if not event.answers:
        return f"no {event.type} record"
    texts = []
    for record in event.answers:
        prefix = f"{record.type} " if record.type != event.type else ""
        node = f" = {record.node}" if record.node else ""
        texts.append(f"{prefix}{record.value}{node}")
    return ", ".join(texts)


def authority(event: DnsExchange, span: Span | None) -> str:
    """Whose word it is: the server's own, another's whom it asked now, or one that it had kept."""
    if event.operation != "query":
        return ""
    if event.authoritative:
        return "authoritative"
    if event.rcode not in ("NOERROR", "NXDOMAIN") or event.referred or span is None:
        return ""
    others = dict.fromkeys(
        child.event.flow.server.node for child in span.children if isinstance(child.event, DnsExchange)
    )
    if others:
        return f"from {', '.join(others)}"
    return "not authoritative" if span.possible_children else "from its cache"


def http(event: HttpExchange) -> str:
    if event.method:
        return f"{event.method} {event.target}"
    return "a request that was not captured" if event.flow.opened is None else "no whole HTTP request"


def http_answer(event: HttpExchange) -> str:
    if event.status is None:
        return f"{event.size} bytes, no whole answer: {CUT[event.outcome]}" if event.size else ENDS[event.outcome]
    size = f", {event.size} bytes" if event.size is not None else ""
    return f"{event.status} {event.phrase}".rstrip() + size


def sql_start(event: SqlSession) -> str:
    if event.outcome == "ready":
        return f"ready ({event.authentication})" if event.authentication else "ready"
    if event.authentication and event.outcome in CUT and not event.error:
        return f"asked to authenticate ({event.authentication}); then {CUT[event.outcome]}"
    return event.error or ENDS.get(event.outcome, event.outcome)


def statement(event: SqlStatement) -> str:
    if not event.known:
        name = event.sql or "without a name"
        return f"prepared statement {name} (its text was sent before the capture began)"
    return event.sql


def sql_answer(event: SqlStatement) -> str:
    match event.outcome:
        case "failed":
            return event.error
        case "skipped":
            return "not run: an earlier statement failed"
        case "closed" | "reset" | "pending":
            return ENDS[event.outcome]
    if event.rows is not None:
        return counted(event.rows, "row")
    # BEGIN is answered with BEGIN: that says nothing new
    return "" if event.tag.casefold() == event.sql.strip(" ;").casefold() else event.tag


def tls_answer(event: TlsHandshake) -> str:
    parts = [event.version] if event.version else []
    if event.subject:
        parts.append(f"certificate {event.subject}")
    if event.names:
        parts.append(f"for {', '.join(event.names)}")
    if event.alert:
        parts.append(f'{event.alert_by} ends it with the alert "{event.alert}"')
    elif event.outcome != "agreed":
        parts.append(ENDS[event.outcome])
    return ", ".join(parts)


def datagrams(event: DatagramFlow) -> Words:
    if event.flow.protocol == "icmp":
        return _pings(event)
    packets = counted(event.sent, "UDP packet")
    text = f"{event.flow.client.node} sends {packets} to {end_of(event.flow)}{over(event.flow)}"
    if event.reason:
        return text, f"{event.reason} (ICMP)"
    if event.received:
        return text, f"{event.received} back"
    return text, unheard("no answer", event.lost, event.astray_from, event.flow)


def _pings(event: DatagramFlow) -> Words:
    times = "" if event.sent == 1 else f", {event.sent} times"
    came = "answered" if event.received == event.sent else f"{event.received} of {event.sent} answered"
    text = f"{event.flow.client.node} pings {event.flow.server.node}{over(event.flow)}{times}"
    return text, came if event.received else unheard("no answer", event.lost)


def _unreachable(event: IcmpError) -> str:
    return f"{end_of(event.flow)}, {event.flow.protocol.upper()}: {event.reason} (ICMP)"


def unclaimed(event: UnansweredArp) -> Words:
    target = event.address if event.target == event.address else f"{event.address} ({event.target})"
    times = times_word(event.tries)
    text = f"{event.sender} looks for {target} on its network ({search(event).upper()}, {times})"
    return text, "nobody has this address" if event.ended is None else "answered late"


def search(event: UnansweredArp) -> str:
    """By which protocol: IPv6 has one of its own."""
    return "ndp" if ":" in event.address else "arp"


def ms(seconds: float) -> str:
    """A time in milliseconds: three digits where it is short."""
    digits = 2 if seconds < 0.01 else 1
    return f"{seconds * 1000:.{digits}f} ms"
