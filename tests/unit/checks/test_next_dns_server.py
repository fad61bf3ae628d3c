"""A server that cannot help is passed over for the next one, as the C library does (resolv.conf(5)); and how long an
answer may be kept whose name is an alias."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from check_harness import check, judged, ran
from dns_bytes import printed

from orchestrator.checks.dns_answer import answers_in, read_answer, read_attempts
from orchestrator.checks.dns_query import DnsQuestion

FIRST, SECOND = "127.0.0.1", "127.0.0.2"


def _answer(link: socket.socket, code: str, done: threading.Event) -> None:
    while not done.is_set():
        with suppress(TimeoutError):
            query, client = link.recvfrom(4096)
            reply = dns.message.make_response(dns.message.from_wire(query))
            reply.set_rcode(dns.rcode.from_text(code))
            if code == "NOERROR":
                reply.answer.append(dns.rrset.from_text("app.shop.lab.", 60, "IN", "A", "192.168.7.12"))
            link.sendto(reply.to_wire(), client)


@contextmanager
def servers(*codes: str) -> Iterator[int]:
    """DNS servers on 127.0.0.1, 127.0.0.2 and so on, on one port; each answers every question with its code."""
    done = threading.Event()
    with ExitStack() as stack:
        links = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in codes]
        port = 0
        for at, link in enumerate(links):
            link.settimeout(0.05)
            link.bind((f"127.0.0.{at + 1}", port))
            port = link.getsockname()[1]
        threads = [
            threading.Thread(target=_answer, args=(link, code, done)) for link, code in zip(links, codes, strict=True)
        ]
        for thread in threads:
            thread.start()
        yield port
        done.set()
        for thread in threads:
            thread.join()


def asked(*codes: str) -> str:
    """What the program prints that asks these servers in their order."""
    with servers(*codes) as port:
        argv = (*DnsQuestion("app.shop.lab", "A", port=port).argv(), *(f"127.0.0.{at + 1}" for at in range(len(codes))))
        return subprocess.run((sys.executable, *argv[1:]), capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("code", ["SERVFAIL", "NOTIMP", "REFUSED"])
def test_the_next_server_is_asked_where_one_cannot_help(code: str) -> None:
    out = asked(code, "NOERROR")
    answer = read_answer(out)
    assert answer
    assert (answer.server, answer.rcode, answer.values) == (SECOND, "NOERROR", ("192.168.7.12",))
    judgement = judged(check(from_="client", resolves="app.shop.lab", to="app"), ran(out))
    assert judgement.verdict == "pass"
    assert f"{FIRST} over UDP: answered {code}" in judgement.evidence


@pytest.mark.parametrize("code", ["NOERROR", "NXDOMAIN", "FORMERR"])
def test_no_other_server_is_asked_where_one_has_an_answer(code: str) -> None:
    attempts = read_attempts(asked(code, "NOERROR"))
    assert [attempt.server for attempt in attempts] == [FIRST]


def test_where_no_server_can_help_the_last_one_has_answered() -> None:
    answers = answers_in(read_attempts(asked("SERVFAIL", "REFUSED")))
    assert [(answer.server, answer.rcode) for answer in answers] == [(SECOND, "REFUSED")]


CHAIN = """\
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1
;; flags: qr rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1

;; QUESTION SECTION:
;www.shop.lab.			IN	A

;; ANSWER SECTION:
www.shop.lab.		5	IN	CNAME	app.shop.lab.
app.shop.lab.		60	IN	A	192.168.7.12

;; SERVER: 192.168.7.10#53(192.168.7.10) (UDP)
"""


@pytest.mark.parametrize(("ttl", "verdict"), [(5, "pass"), (60, "fail")])
def test_an_answer_is_kept_no_longer_than_the_aliases_that_lead_to_it(ttl: int, verdict: str) -> None:
    out = printed(CHAIN, "www.shop.lab. IN A")
    assert judged(check(from_="client", resolves="www.shop.lab", ttl=ttl), ran(out)).verdict == verdict
