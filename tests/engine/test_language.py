"""What authors can say, in one lab on a real engine: each claim beside one that is asked in the same way and false."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

GET = r'"GET / HTTP/1.1\r\nHost: web.shop.lab\r\n\r\n"'
BESIDE = {
    "nginx.conf": """
pid /tmp/nginx.pid;
events {}
http {
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    access_log /dev/stdout;
    server { listen 80; location / { return 418 "by the author"; } }
}
""",
    "pg_hba.conf": "local all all peer map=node\nhost all all 127.0.0.1/32 trust\n",
    "motd": "first\n",
}
NODES = """
name: language
title: What authors can say
domain: shop.lab
nodes:
  dns:    {role: dns}
  app:    {role: app, replicas: 2}
  web:    {role: proxy, uses: [app]}
  client:
    role: client
    client_certificate: lab
    uses: [web, echo, db]
    search: [nothing.lab, shop.lab]
    resolv_options: {ndots: 3, rotate: true}
    hosts: {app-1.shop.lab: "${app-2}", old.shop.lab: ["${echo}", "${app-1.lab}"]}
  # Its configuration is the author's.
  safe:
    role: proxy
    listens:
      - {port: 443, tls: {intermediate: sent}}
      - {port: 8443, tls: {intermediate: not_sent}}
      - {port: 9443, tls: {client_certificate: true}}
  conf: {role: proxy, files: {/wirelab/nginx.conf: nginx.conf, /etc/motd: motd}}
  db: {role: database, files: {/usr/lib/wirelab/pg_hba.conf: pg_hba.conf}}
  # Its replies leave from another port.
  echo:
    role: service
    client_certificate: unknown
    listens: [{port: 5000, protocol: udp}]
    command:
      - python3
      - -c
      - |
        import socket
        asked, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        asked.bind(("", 5000)), other.bind(("", 5001))
        while True:
            text, sender = asked.recvfrom(100)
            (other if text == b"other" else asked).sendto(b"got " + text, sender)
"""
TRUE = """
checks:
  - {name: both apps, from: client, http: "http://web.shop.lab/", requests: 8, succeed: {at_least: 6}, servers: [app]}
  - {name: a header, from: client, http: "http://app-1.shop.lab/", response_headers: {Content-Type: {contains: json}}}
  - {name: a status, from: client, http: "http://app-1.shop.lab/nothing", status: [2xx, 404]}
  - {name: a reply, from: client, udp: "echo.shop.lab:5000", send: "${random}", contains: "got ${random}"}
  - {name: another port, from: client, udp: "echo.shop.lab:5000", send: other, answered_from: "${echo}:5001"}
  - {name: refused, from: client, udp: "echo.shop.lab:5002", answered: false}
  - {name: of the author, from: client, http: "http://conf.shop.lab/", status: 418, contains: the author}
  - {name: refused by address, from: client, sql: select 1, fails: no pg_hba.conf entry}
  - {name: let in by address, from: db, sql: select 1, rows: [[1]], host: "${loopback}:5432"}
  - {name: by the second family, from: client, cannot_connect: "app-2.shop.lab:81", family: ipv4}
  - {name: from loopback, from: app-1, connects: "${app-1}:80", from_address: "${loopback}"}
  - {name: from its address, from: client, connects: "app-2.shop.lab:80", from_address: "${client.lab}"}
  - {name: refused from there, from: client, cannot_connect: "app-2.shop.lab:81", from_address: "${client}"}
  - {name: held, from: client, holds_open: "web:80", send: $GET, contains: "200", idle: 1}
  - {name: unanswered, during: {pause: web}, from: client, holds_open: "web:80", send: $GET, state: unanswered}
  - {name: a chain, from: client, tls: "safe:443", issuer: Intermediate authority}
  - {name: half a chain, from: client, tls: "safe:8443", verify: missing intermediate}
  - {name: the rest is known, from: client, tls: "safe:8443", knows_intermediate: true}
  - {name: presents, from: client, http: "https://safe:9443/", client_certificate: true}
  - {name: presents none, from: client, http: "https://safe:9443/", status: 400, contains: No required SSL certificate}
  - {name: a stranger, from: echo, http: "https://safe:9443/", client_certificate: true, status: 400}
  - {name: by the hosts file, from: client, http: "http://app-1.shop.lab/", servers: [app-2]}
  - {name: by the second address, from: client, connects: "OLD.shop.lab:80"}
  - {name: completed, from: client, connects: "web:80"}
  - {name: options, from: client, runs: [cat, /etc/resolv.conf], contains: "options ndots:3 timeout:1"}
""".replace("{name:", "{within: 60, name:").replace("$GET", GET)  # on a busy machine, too
FALSE = """
checks:
  - {name: the proxy answers, from: client, http: "http://web.shop.lab/", requests: 8, servers: [web], within: 1}
  - {name: no header, from: client, http: "http://app-1.shop.lab/", response_headers: {Content-Type: null}, within: 1}
  - {name: no status, from: client, http: "http://app-1.shop.lab/nothing", status: [2xx, 410], within: 1}
  - {name: another reply, from: client, udp: "echo.shop.lab:5000", send: x, contains: got y, within: 1}
  - {name: the port asked, from: client, udp: "echo.shop.lab:5000", send: other, within: 1}
  - {name: not refused, from: client, udp: "echo.shop.lab:5000", answered: false, within: 1}
  - {name: another port, from: db, sql: select 1, host: "${loopback}:5433", within: 1}
  - {name: no IPv6, from: client, connects: "app-2.shop.lab:80", family: ipv6, within: 1}
  - {name: refused, from: client, connects: "app-2.shop.lab:81", from_address: "${client}", within: 1}
  - {name: accepted, from: app-1, cannot_connect: "${app-1}:80", from_address: "${loopback}", within: 1}
  - {name: silent, from: client, holds_open: "web:80", send: $GET, state: silent, within: 1}
  - {name: answered, during: {pause: web}, from: client, holds_open: "web:80", send: $GET, within: 1}
  - {name: not whole, from: client, tls: "safe:8443", within: 1}
  - {name: whole, from: client, tls: "safe:443", verify: missing intermediate, within: 1}
  - {name: no certificate, from: client, http: "https://safe:9443/", within: 1}
  - {name: another authority, from: echo, http: "https://safe:9443/", client_certificate: true, within: 1}
  - {name: by DNS, from: client, http: "http://app-1.shop.lab/", servers: [app-1], within: 1}
""".replace("$GET", GET)


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("language")
    path = folder / "scenario.yaml"
    path.write_text(NODES + TRUE, encoding="utf-8")
    for name, text in BESIDE.items():
        (folder / name).write_text(text)
    bench = Bench(engine, f"language-{secrets.token_hex(3)}", str(path))
    try:
        up = bench.cli("up")
        assert up.code == 0, up.err
        yield bench
    finally:
        assert bench.cli("down").code == 0
    assert bench.left() == []


def verdicts(lab: Bench, checks: str) -> dict[str, tuple[str, str]]:
    """Check -> verdict, and what was seen."""
    Path(lab.scenario).write_text(NODES + checks)
    document = lab.cli("check", "--json").document
    return {found["check"]: (found["verdict"], found["actual"]) for found in document["findings"]}


def test_what_is_true_holds(lab: Bench) -> None:
    wrong = {name: found for name, found in verdicts(lab, TRUE).items() if found[0] != "pass"}
    assert not wrong


def test_what_is_false_does_not_hold(lab: Bench) -> None:
    """On a machine that is too busy to tell, a claim may be unknown; that each of them fails is a unit test's."""
    found = verdicts(lab, FALSE)
    assert {name: seen for name, seen in found.items() if seen[0] == "pass"} == {}
    assert "fail" in {verdict for verdict, _ in found.values()}


def test_a_file_that_changes_makes_its_node_anew(lab: Bench) -> None:
    """And no other one: a program reads its file when it starts."""
    before = lab.ids()
    motd = Path(lab.scenario).with_name("motd")
    motd.write_text("second\n")
    assert lab.cli("up").code == 0
    changed = [name for name, container in lab.ids().items() if container != before[name]]
    assert changed == ["conf"]
    assert lab.cli("exec", "conf", "--", "cat", "/etc/motd").out == "second\n"
    assert lab.cli("exec", "conf", "--", "bash", "-c", "echo x >/etc/motd").code != 0
