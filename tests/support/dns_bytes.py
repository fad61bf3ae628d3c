"""What the program of `dns_query` prints, made of a text as dig(1) writes it: tests are read more easily so."""

from __future__ import annotations

import re

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rrset

from orchestrator.checks.dns_answer import NO_REPLY
from orchestrator.checks.probes import RunProgram

ERRORS = {words: name for name, words in NO_REPLY.items()}
QUERY = 10  # where the query stands in a call of the program


def printed(text: str, question: str = "app.shop.lab. IN A") -> str:
    """A line for each message in the text, and for each server that did not reply."""
    lines = []
    for part in re.split(r";; Got answer:|(?=;; ->>HEADER<<-)|(?=;; communications error|;; UDP setup)", text):
        if "status: " in part:
            lines.append(_message(part, question))
        elif lost := re.search(r";; (?:communications error to|UDP setup with) ([^#]+)#53.*: ([a-z ]+)", part):
            query = dns.message.make_query("app.shop.lab.", "A").to_wire().hex()
            lines.append(f"{lost[1]} UDP {ERRORS.get(lost[2], 'EADDRINUSE')} {query} -")
    return "".join(f"{line}\n" for line in lines)


def question_of(probe: RunProgram) -> str:
    """What a call of the program asks for, as dig writes it."""
    (asked,) = dns.message.from_wire(bytes.fromhex(probe.argv[QUERY])).question
    return asked.to_text()


def _message(text: str, otherwise: str) -> str:
    asked = re.search(r";; QUESTION SECTION:\n;(\S+)\s+IN\s+(\w+)", text)
    name, kind = asked.groups() if asked else re.split(r" (?:IN )?", otherwise)
    query = dns.message.make_query(name, kind)
    message = dns.message.make_response(query)
    found = re.search(r"flags: ([\w ]+);", text)
    message.flags = dns.flags.from_text(found[1].upper() if found else "QR")
    status = re.search(r"status: (\w+)", text)
    assert status
    message.set_rcode(dns.rcode.from_text(status[1]))
    for section, rows in (
        ("ANSWER", message.answer),
        ("AUTHORITY", message.authority),
        ("ADDITIONAL", message.additional),
    ):
        block = re.search(rf";; {section} SECTION:\n(.*?)(?:\n\n|\n*$)", text, re.DOTALL)
        for line in block[1].splitlines() if block else ():
            owner, ttl, _, type_, value = line.split(None, 4)
            rows.append(dns.rrset.from_text(owner, int(ttl), "IN", type_, value))
    server = re.search(r";; SERVER: ([^#\s]+)#\S+(?: \((\w+)\))?", text)
    at, over = (server[1], server[2] or "UDP") if server else ("192.168.7.10", "UDP")
    return f"{at} {over} answer {query.to_wire().hex()} {message.to_wire().hex()}"
