"""DNS messages, read from their bytes (RFC 1035): what a server said, and what counts as an answer to a question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    import dns.message
    import dns.name
    import dns.rrset

# Why no message came, as the kernel says it (errno(3)) and as a person reads it.
NO_REPLY = {
    "ETIMEDOUT": "timed out",
    "ECONNREFUSED": "connection refused",
    "ENETUNREACH": "network unreachable",
    "EHOSTUNREACH": "host unreachable",
    "ECONNRESET": "connection reset",
    "EOF": "end of file",
}
# With these codes a server says that it cannot help; then the C library asks the next one (resolv.conf(5)).
PASSED_OVER = ("SERVFAIL", "NOTIMP", "REFUSED")

# Of an answer for people, so many values are shown, each up to so many signs.
MOST_SHOWN, LONGEST = 10, 100


def printable(value: str) -> str:
    """A value for people: what would steer their terminal is escaped."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value)


def values_text(values: Iterable[str], shown: Callable[[str], str] = printable) -> str:
    """The values of an answer as a list for people: of very many the first, of very long ones the beginning."""
    every = list(values)
    listed = [text if len(text) <= LONGEST else f"{text[:LONGEST]}..." for text in map(shown, every[:MOST_SHOWN])]
    rest = len(every) - len(listed)
    return ", ".join(listed) + (f" and {rest} more" if rest else "")


class DnsRecord(NamedTuple):
    """One record. Names are in lower case, since case means nothing in them (RFC 4343), and without their last dot."""

    owner: str
    ttl: int
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.owner} {self.ttl} IN {self.kind} {printable(self.value)}"


@dataclass(frozen=True)
class DnsAnswer:
    """The parts of one DNS message that a check looks at (RFC 1035, section 4.1).

    `records` answer the question: they are of its type, and belong to its name or to the name at the end of its
    `aliases`. `results` is the whole answer section. Two equal records are one (RFC 2181, section 5.2).
    """

    rcode: str
    flags: tuple[str, ...]
    server: str
    protocol: str = "UDP"
    records: tuple[DnsRecord, ...] = ()
    results: tuple[DnsRecord, ...] = ()
    authority: tuple[DnsRecord, ...] = ()
    additional: tuple[DnsRecord, ...] = ()
    aliases: tuple[DnsRecord, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """What the records that answer the question say, in the order in which they came."""
        return tuple(record.value for record in self.records)

    @property
    def truncated(self) -> bool:
        """Whether the server left out what did not fit (RFC 2181, section 9)."""
        return "tc" in self.flags

    @property
    def ttl(self) -> int | None:
        """How many seconds a cache may keep the answer: the shortest TTL of its records and aliases. For "no such
        name" the SOA says it (RFC 2308, section 5)."""
        rows = (*self.aliases, *self.records) or self.results
        if rows:
            return min(row.ttl for row in rows)
        soa = next((row for row in self.authority if row.kind == "SOA"), None)
        return min(soa.ttl, int(soa.value.split()[-1])) if soa else None


@dataclass(frozen=True)
class DnsAttempt:
    """One question to one server, and what came of it: an answer, or why there is none.

    `strayed`: a message came that is no answer to the question.
    """

    server: str
    protocol: str
    answer: DnsAnswer | None = None
    reason: str = ""
    strayed: bool = False
    in_vain: bool = False

    def __str__(self) -> str:
        outcome = f"answered {self.answer.rcode}" if self.answer else self.reason
        return f"{self.server} over {self.protocol}: {outcome}"


def read_attempts(out: str) -> tuple[DnsAttempt, ...]:
    """From what the program of `dns_query` printed; a line that it did not finish is left out."""
    rows = [line.split(" ") for line in out.splitlines()]
    return tuple(_attempt(*row) for row in rows if len(row) == 5)


def answers_in(attempts: Sequence[DnsAttempt]) -> tuple[DnsAnswer, ...]:
    """The answers in their order. Leaves out a truncated answer if TCP brought the whole one, and the answer of a
    server that could not help if another server has answered later."""
    pairs = zip_longest(attempts, attempts[1:])
    return tuple(
        attempt.answer
        for at, (attempt, following) in enumerate(pairs)
        if attempt.answer
        and not (attempt.answer.truncated and following and following.protocol == "TCP" and following.answer)
        and not is_passed_over(attempt, attempts[at + 1 :])
    )


def is_passed_over(attempt: DnsAttempt, later: Iterable[DnsAttempt]) -> bool:
    """Whether a server said that it cannot help, and another one has answered later."""
    cannot = attempt.answer is not None and attempt.answer.rcode in PASSED_OVER
    return cannot and any(other.answer and other.server != attempt.server for other in later)


def read_answer(out: str) -> DnsAnswer | None:
    """The last answer; None if none came."""
    answers = answers_in(read_attempts(out))
    return answers[-1] if answers else None


def _attempt(server: str, protocol: str, outcome: str, query: str, message: str) -> DnsAttempt:
    if outcome not in ("answer", "other"):
        return DnsAttempt(server, protocol, reason=NO_REPLY.get(outcome, outcome), in_vain=outcome in NO_REPLY)
    try:
        answer = _read(bytes.fromhex(query), bytes.fromhex(message.strip("-")), server, protocol)
    except ValueError as error:
        return DnsAttempt(server, protocol, reason=str(error), strayed=True)
    return DnsAttempt(server, protocol, answer)


def _read(question: bytes, wire: bytes, server: str, protocol: str) -> DnsAnswer:
    """The answer; raises ValueError, with the reason, where the message is none to what was asked."""
    # Imported where an answer is judged: it takes as long as the command line needs for its help.
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rcode

    query = dns.message.from_wire(question)
    try:
        message = dns.message.from_wire(wire)
    except dns.exception.DNSException as error:
        raise ValueError(f"a malformed message came ({type(error).__name__})") from None
    if not query.is_response(message):
        raise ValueError(f"a message came that is no answer: {_difference(query, message)}")
    records, aliases = _answering(message)
    return DnsAnswer(
        dns.rcode.to_text(message.rcode()),
        tuple(dns.flags.to_text(message.flags).lower().split()),
        server,
        protocol,
        records,
        _records(message.answer),
        _records(message.authority),
        _records(message.additional),
        aliases,
    )


def _difference(query: dns.message.Message, message: dns.message.Message) -> str:
    import dns.flags

    if not message.flags & dns.flags.QR:
        return "the QR flag is missing"
    if message.id != query.id:
        return "its id is another one"
    questions = [f"{_text(question.name)} {_kind(question)}" for question in message.question]
    return f"its question is {', '.join(questions)}" if questions else "its question section is empty"


def _answering(message: dns.message.Message) -> tuple[tuple[DnsRecord, ...], tuple[DnsRecord, ...]]:
    """The records at the end of the chain of aliases that begins at the question, and these aliases; none where the
    chain is a loop or breaks off."""
    import dns.exception
    import dns.message

    if not isinstance(message, dns.message.QueryMessage) or len(message.question) != 1:
        return (), ()
    try:
        chain = message.resolve_chaining()
    except dns.exception.DNSException:  # aliases in a circle, or records of a name that does not exist
        return (), ()
    return (_records([chain.answer]), _records(chain.cnames)) if chain.answer else ((), ())


def _records(rrsets: Sequence[dns.rrset.RRset]) -> tuple[DnsRecord, ...]:
    return tuple(
        DnsRecord(_text(rrset.name), rrset.ttl, _kind(rrset), _value(rdata)) for rrset in rrsets for rdata in rrset
    )


def _kind(rrset: dns.rrset.RRset) -> str:
    import dns.rdatatype

    return dns.rdatatype.to_text(rrset.rdtype)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _value(rdata: object) -> str:
    """The value as its author wrote it: a text joined and without quotes (RFC 1035, section 3.3.14)."""
    import dns.rdata
    import dns.rdatatype
    import dns.rdtypes.txtbase

    if isinstance(rdata, dns.rdtypes.txtbase.TXTBase):
        return b"".join(rdata.strings).decode("utf-8", "replace")
    assert isinstance(rdata, dns.rdata.Rdata)
    text = rdata.to_text()
    return (text.removesuffix(".") or ".").lower() if text.endswith(".") or rdata.rdtype == dns.rdatatype.SOA else text
