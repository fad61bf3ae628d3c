"""dig(1): how a question is put with it, and what its usual output says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

NO_ANSWER = 9  # dig's exit code when no server replied
SECONDS = 2  # for which one server is waited


class DnsRecord(NamedTuple):
    """One record as dig prints it."""

    owner: str
    ttl: int
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.owner} {self.ttl} IN {self.kind} {self.value}"


@dataclass(frozen=True)
class DnsAnswer:
    """The parts of one DNS message that a check looks at (RFC 1035, section 4.1).

    `values` are those of the type that was asked for, in the order in which they came, without a name's last dot.
    """

    rcode: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    server: str
    protocol: str = "UDP"
    results: tuple[DnsRecord, ...] = ()
    authority: tuple[DnsRecord, ...] = ()
    additional: tuple[DnsRecord, ...] = ()

    def ttl(self, kind: str) -> int | None:
        """For how long the answer may still be kept; of "no such name" by the SOA (RFC 2308, section 5)."""
        rows = [row for row in self.results if row.kind == kind] or list(self.results)
        if rows:
            return min(row.ttl for row in rows)
        soa = next((row for row in self.authority if row.kind == "SOA"), None)
        return min(soa.ttl, int(soa.value.split()[-1])) if soa else None


def read_dig(out: str, kind: str) -> DnsAnswer | None:
    """From dig's usual output; None if no message came."""
    header = re.search(r"status: (\w+)", out)
    if not header:
        return None
    flags = re.search(r"flags: ([\w ]+);", out)
    server = re.search(r";; SERVER: ([^#\s]+)#\S+(?: \((\w+)\))?", out)
    results = _section(out, "ANSWER")
    return DnsAnswer(
        header[1],
        tuple(flags[1].split()) if flags else (),
        tuple(row.value for row in results if row.kind == kind),
        server[1] if server else "?",
        (server[2] if server else None) or "UDP",
        results,
        _section(out, "AUTHORITY"),
        _section(out, "ADDITIONAL"),
    )


def read_all(out: str, kind: str) -> tuple[DnsAnswer, ...]:
    """The answers to several questions of one call, in their order."""
    messages = out.split(";; Got answer:")[1:]
    return tuple(answer for message in messages if (answer := read_dig(message, kind)))


def _section(out: str, name: str) -> tuple[DnsRecord, ...]:
    text = re.search(rf";; {name} SECTION:\n(.*?)\n(?:\n|$)", out, re.DOTALL)
    rows = [line.split(None, 4) for line in text[1].splitlines()] if text else []
    return tuple(_row(row) for row in rows if len(row) == 5 and row[1].isdigit())


def _row(parts: list[str]) -> DnsRecord:
    owner, ttl, _, kind, value = parts
    return DnsRecord(
        owner.rstrip(".") or ".", int(ttl), kind, plain_text(value) if kind == "TXT" else value.rstrip(".")
    )


def plain_text(value: str) -> str:
    """A TXT value as its author wrote it: its strings joined, without quotes (RFC 1035, section 5.1)."""
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', value) or [value]
    raw = b"".join(_unescaped(string) for string in strings)
    return raw.decode("utf-8", "replace")


def _unescaped(string: str) -> bytes:
    parts = re.split(r"\\([0-9]{3}|.)", string)
    read = [part.encode() if at % 2 == 0 else _escaped(part) for at, part in enumerate(parts)]
    return b"".join(read)


def _escaped(part: str) -> bytes:
    return bytes([int(part)]) if part.isdigit() and len(part) == 3 and int(part) < 256 else part.encode()


def question_words(name: str, kind: str) -> tuple[str, ...]:
    """The words that ask for a name, or for the name of an address. Names are whole: no search list is tried."""
    try:
        ip_address(name)
    except ValueError:
        return ("-t", kind, name.rstrip(".") + ".")
    return ("-x", name)


def query_name(name: str) -> str:
    """The name that the server sees: of an address, that below in-addr.arpa or ip6.arpa."""
    try:
        return ip_address(name).reverse_pointer
    except ValueError:
        return name.rstrip(".") or "."


# dig itself cannot go on to the second server from a chosen source port: that port is in use still. $0 is the first
# port, the words are dig's.
IN_ORDER = """\
port=$0 code=9
while read -r word server _; do
  [[ $word == nameserver ]] || continue
  dig -b "0.0.0.0#$port" "$@" "@$server" </dev/null; code=$?
  ((code == 9)) || break
  ((port++))
done </etc/resolv.conf
exit $code
"""
# Errors by which dig says that a server was asked in vain.
NO_REPLY_ERRORS = ("timed out", "unreachable", "refused", "reset", "end of file")


def dig_each_server(port: int, *words: str, tcp: bool = False, recursive: bool = True) -> tuple[str, ...]:
    """One question to the servers of resolv.conf, one after the other, each from a source port of its own."""
    return ("bash", "-c", IN_ORDER, str(port), *dig(0, *words, tcp=tcp, recursive=recursive)[1:])


def dig(port: int, *words: str, server: str = "", tcp: bool = False, recursive: bool = True) -> tuple[str, ...]:
    """A call of dig from this source port, by which the question is found again in a server's log; 0: from any port."""
    source = f"{'::' if ':' in server else '0.0.0.0'}#{port}"
    settings = {
        ("-b", source): port > 0,
        ("+tries=1", f"+timeout={SECONDS}", "+nocookie"): True,
        ("+tcp",): tcp,
        ("+norecurse",): not recursive,
        (f"@{server}",): bool(server),
    }
    return ("dig", *(word for some, wanted in settings.items() if wanted for word in some), *words)
