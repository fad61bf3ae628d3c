"""A DNS server on loopback that answers as no server should: the first label of a name says how."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

ADDRESS = "10.0.0.1"
MOST_TRIES = 50
TEXTS = (
    '"it\'s \\"quoted\\""',
    '"line\\010feed" "semi;colon"',
    '"back\\\\slash"',
    '"\\027[31mred\\027[0m"',
    f'"{"x" * 255}" "y"',
    '";; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 1"',
    '"- type: MESSAGE"',
    '"\\195\\188"',
    '"\\255"',
    '""',
)
MANY = [f"10.{at >> 8}.{at & 255}.1" for at in range(600)]
STRANGE = "we\\.ird\\032na\\\\me\\007\\'.shop.lab."
# the first label -> the lines of the answer section; @ is the name in question
ANSWERS = {
    "plain": ("@ 60 A 10.0.0.1",),
    "owner": ("evil.example. 60 A 10.0.0.1",),
    "wildcard": ("*.shop.lab. 60 A 10.0.0.1",),
    "chain": ("@ 60 CNAME b.shop.lab.", "b.shop.lab. 30 CNAME c.shop.lab.", "c.shop.lab. 20 A 10.0.0.1"),
    "backwards": ("c.shop.lab. 20 A 10.0.0.1", "b.shop.lab. 30 CNAME c.shop.lab.", "@ 60 CNAME b.shop.lab."),
    "broken": ("@ 60 CNAME b.shop.lab.", "c.shop.lab. 20 A 10.0.0.1"),
    "loop": ("@ 60 CNAME b.shop.lab.", "b.shop.lab. 30 CNAME @", "c.shop.lab. 20 A 10.0.0.1"),
    "strange": (f"@ 60 CNAME {STRANGE}", f"{STRANGE} 60 A 10.0.0.1"),
    "unknown": ("@ 60 TYPE65280 \\# 4 0a000001",),
    "texts": tuple(f"@ 60 TXT {text}" for text in TEXTS),
    "many": tuple(f"@ 60 A {address}" for address in MANY),
}
Change = Callable[[dns.message.QueryMessage, bytes], bytes]


def _twice(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
    """Two equal records, which dnspython itself would make one."""
    reply.use_edns(-1)
    reply.answer.append(dns.rrset.from_text(reply.question[0].name, 60, "IN", "A", ADDRESS))
    wire = bytearray(reply.to_wire())
    wire[7] = 2
    return bytes(wire) + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(ADDRESS)


def _question(name: str | None) -> Change:
    def change(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
        asked = reply.question[0].name
        reply.answer.append(dns.rrset.from_text(asked, 60, "IN", "A", ADDRESS))
        reply.question = [dns.rrset.from_text(name, 0, "IN", "A")] if name else []
        return reply.to_wire()

    return change


def _servfail(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
    reply.set_rcode(dns.rcode.SERVFAIL)
    reply.use_edns(
        0,
        options=[
            dns.edns.EDEOption(
                dns.edns.EDECode.NO_REACHABLE_AUTHORITY, "it's: 'no' \"reach\"\n; status: NOERROR \x1b[31m"
            )
        ],
    )
    return reply.to_wire()


def _refused_bare(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
    reply.set_rcode(dns.rcode.REFUSED)
    reply.question = []
    return reply.to_wire()


def _flags(clear: int, put: int) -> Change:
    def change(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
        reply.answer.append(dns.rrset.from_text(reply.question[0].name, 60, "IN", "A", ADDRESS))
        reply.flags = dns.flags.Flag((reply.flags & ~clear) | put)
        return reply.to_wire()

    return change


def _mixed_case(reply: dns.message.QueryMessage, _wire: bytes) -> bytes:
    reply.answer.append(dns.rrset.from_text("mIxEd.shop.LAB.", 60, "IN", "A", ADDRESS))
    wire = reply.to_wire(max_size=65535)
    return wire[:12] + wire[12:28].swapcase() + wire[28:]


CHANGES: dict[str, Change] = {
    "twice": _twice,
    "noquestion": _question(None),
    "otherquestion": _question("other.shop.lab."),
    "servfail": _servfail,
    "refused": _refused_bare,
    "qr0": _flags(dns.flags.QR, 0),
    "cut": _flags(0, dns.flags.TC),
    "mixed": _mixed_case,
    "otherid": lambda _reply, wire: bytes([wire[0] ^ 255]) + wire[1:],
    "short": lambda _reply, wire: wire[:10],
    "empty": lambda _reply, _wire: b"",
    "garbage": lambda _reply, wire: wire[:2] + b"\xff" * 40,
    # The header and the question are right, and the record points at itself.
    "pointer": lambda _reply, wire: wire[:6] + b"\0\1\0\0\0\0" + wire[12:34] + b"\xc0\x22" * 9,
}


@cache
def _records(how: str, name: str) -> tuple[dns.rrset.RRset, ...]:
    rows: dict[tuple[str, int, str], list[str]] = {}
    for line in ANSWERS.get(how, ()):
        owner, ttl, kind, value = line.replace("@", name).split(None, 3)
        rows.setdefault((owner, int(ttl), kind), []).append(value)
    return tuple(dns.rrset.from_text_list(owner, ttl, "IN", kind, rows[owner, ttl, kind]) for owner, ttl, kind in rows)


def answer(query: bytes, over: str) -> bytes:
    """The bytes that this server sends back."""
    message = dns.message.from_wire(query)
    assert isinstance(message, dns.message.QueryMessage)
    reply = dns.message.make_response(message)
    assert isinstance(reply, dns.message.QueryMessage)
    name = message.question[0].name
    how = name.labels[0].decode().lower()
    reply.answer = list(_records(how, name.to_text()))
    if over == "udp" and len(ANSWERS.get(how, ())) > 100:
        reply.answer, reply.flags = [], reply.flags | dns.flags.TC
    wire = reply.to_wire(max_size=65535)
    return CHANGES[how](reply, wire) if how in CHANGES else wire


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, link = self.request
        link.sendto(answer(query, "udp"), self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        wire = answer(self.rfile.read(int.from_bytes(self.rfile.read(2), "big")), "tcp")
        self.wfile.write(len(wire).to_bytes(2, "big") + wire)


def _bound() -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """Servers of one port. A port that is free for UDP may belong to any TCP connection of this machine."""
    for _ in range(MOST_TRIES):
        datagrams = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Udp)
        try:
            return datagrams, socketserver.ThreadingTCPServer(("127.0.0.1", datagrams.server_address[1]), _Tcp)
        except OSError:
            datagrams.server_close()
    raise AssertionError(f"of {MOST_TRIES} ports none was free for both UDP and TCP")


@contextmanager
def serving() -> Iterator[int]:
    """The server's port on 127.0.0.1, for UDP and TCP."""
    servers = _bound()
    datagrams, streams = servers
    with datagrams, streams:
        threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
        for thread in threads:
            thread.start()
        try:
            yield int(datagrams.server_address[1])
        finally:
            for server in servers:
                server.shutdown()
            for thread in threads:
                thread.join()
