"""TLS on a real engine: certificates by name, a proxy as a client of its servers, and certificates of clients."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

NODES = """\
name: tls
title: A proxy is a TLS client of the servers behind it
domain: shop.lab
records: {www: {CNAME: edge}, old: {CNAME: edge}, wrong: {CNAME: edge}, half: {CNAME: edge}}
nodes:
  dns: {role: dns}
  vault: {role: app, listens: [{port: 443, tls: {client_certificate: true}}]}
  stale: {role: proxy, listens: [{port: 443, tls: {expired: true}}]}
  alien: {role: proxy, listens: [{port: 443, tls: {authority: unknown}}]}
  edge:
    role: proxy
    uses: [vault]
    client_certificate: lab
    upstream_tls: {client_certificate: true}
    listens:
      - port: 443
        tls:
          server_names:
            www.shop.lab: {}
            old.shop.lab: {expired: true}
            wrong.shop.lab: {name: other.lab}
            half.shop.lab: {intermediate: not_sent}
      - {port: 80}
  bare: {role: proxy, uses: [vault], upstream_tls: true}
  misled: {role: proxy, uses: [vault], client_certificate: lab,
    upstream_tls: {name: other.lab, client_certificate: true}}
  strict: {role: proxy, uses: [stale], upstream_tls: true}
  easy: {role: proxy, uses: [stale], upstream_tls: {verify: false}}
  wary: {role: proxy, uses: [alien], upstream_tls: true}
  client: {role: client, client_certificate: lab, uses: [edge]}
  stranger: {role: client, client_certificate: unknown}
"""
TRUE = """
checks:
  - {name: by its own name, from: client, tls: "edge.shop.lab:443", subject: CN=edge.shop.lab}
  - {name: by www, from: client, tls: "www.shop.lab:443", subject: CN=www.shop.lab}
  - {name: www by https, from: client, http: "https://www.shop.lab/whoami"}
  - {name: by old, from: client, tls: "old.shop.lab:443", verify: expired}
  - {name: by wrong, from: client, tls: "wrong.shop.lab:443", verify: hostname mismatch, subject: CN=other.lab}
  - {name: by half, from: client, tls: "half.shop.lab:443", verify: missing intermediate}
  - {name: by an unknown name, from: client, tls: "edge.shop.lab:443", server_name: nobody.shop.lab,
     verify: hostname mismatch, subject: CN=edge.shop.lab}
  - {name: vault takes the client, from: client, tls: "vault.shop.lab:443", client_certificate: true}
  - {name: vault refuses a stranger, from: stranger, tls: "vault.shop.lab:443", client_certificate: true,
     accepted: false}
  - {name: vault refuses who shows none, from: client, tls: "vault.shop.lab:443", accepted: false}
  - {name: edge takes all, from: client, tls: "edge.shop.lab:443", accepted: true}
  - {name: through edge, from: client, http: "http://edge.shop.lab/whoami", servers: [vault]}
  - {name: through bare, from: client, http: "http://bare.shop.lab/", status: 502}
  - {name: through misled, from: client, http: "http://misled.shop.lab/", status: 502}
  - {name: through strict, from: client, http: "http://strict.shop.lab/", status: 502}
  - {name: through easy, from: client, http: "http://easy.shop.lab/", contains: over https}
  - {name: through wary, from: client, http: "http://wary.shop.lab/", status: 502}
  - {name: vault by https, from: client, http: "https://vault.shop.lab/whoami", client_certificate: true}
""".replace("{name:", "{within: 60, name:")  # on a busy machine, too
FALSE = """
checks:
  - {name: old is good, from: client, tls: "old.shop.lab:443", within: 1}
  - {name: wrong is good, from: client, http: "https://wrong.shop.lab/", within: 1}
  - {name: half is whole, from: client, http: "https://half.shop.lab/", within: 1}
  - {name: www is shown by edge, from: client, tls: "edge.shop.lab:443", subject: CN=www, within: 1}
  - {name: the stranger is taken, from: stranger, tls: "vault.shop.lab:443", client_certificate: true, within: 1}
  - {name: who shows none is taken, from: client, tls: "vault.shop.lab:443", accepted: true, within: 1}
  - {name: edge refuses, from: client, tls: "edge.shop.lab:443", accepted: false, within: 1}
  - {name: without one by https, from: client, http: "https://vault.shop.lab/whoami", within: 1}
  - {name: the stranger by https, from: stranger, http: "https://vault.shop.lab/whoami", client_certificate: true,
     within: 1}
  - {name: through bare, from: client, http: "http://bare.shop.lab/", within: 1}
  - {name: through misled, from: client, http: "http://misled.shop.lab/", within: 1}
  - {name: through strict, from: client, http: "http://strict.shop.lab/", within: 1}
  - {name: through wary, from: client, http: "http://wary.shop.lab/", within: 1}
"""
# Check -> how the sentence on its cause begins. The first broken layer is TLS, between whom the sentence says.
CAUSES = {
    "old is good": "The certificate of edge, port 443, is not valid today: it has expired.",
    "wrong is good": "The certificate of edge is not for wrong.shop.lab, but for other.lab.",
    "half is whole": "edge does not send the certificate of O=wirelab, CN=Intermediate authority of the lab",
    "www is shown by edge": "client finds another certificate at edge than the check says: ok",
    "the stranger is taken": "vault asks for a certificate of the client (mutual TLS), and does not accept the one",
    "who shows none is taken": "vault asks for a certificate of the client (mutual TLS), and client presents none.",
    "edge refuses": "The check says that edge refuses client, but it does not.",
    "without one by https": "vault asks for a certificate of the client (mutual TLS), and client presents none.",
    "the stranger by https": "vault asks for a certificate of the client (mutual TLS), and does not accept the one",
    "through bare": "vault asks for a certificate of the client (mutual TLS), and bare presents none.",
    "through misled": "The certificate of vault is not for other.lab, the name that misled looks for",
    "through strict": "The certificate of stale is not valid today: certificate has expired.",
    "through wary": "wary does not trust whoever signed the certificate of alien",
}


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = tmp_path_factory.mktemp("tls") / "scenario.yaml"
    path.write_text(NODES + TRUE, encoding="utf-8")
    bench = Bench(engine, f"tls-{secrets.token_hex(3)}", str(path))
    try:
        up = bench.cli("up")
        assert up.code == 0, up.err
        yield bench
    finally:
        assert bench.cli("down").code == 0
    assert bench.left() == []


def test_what_is_true_holds(lab: Bench) -> None:
    findings = lab.cli("check", "--json").document["findings"]
    assert not [(found["check"], found["actual"]) for found in findings if found["verdict"] != "pass"]


def test_what_is_false_fails_and_why_names_the_certificate_and_whose_it_is(lab: Bench) -> None:
    Path(lab.scenario).write_text(NODES + FALSE)
    findings = lab.cli("check", "--json").document["findings"]
    assert {found["check"]: found["verdict"] for found in findings} == dict.fromkeys(CAUSES, "fail")
    why = {found["check"]: found["why"] for found in findings}
    assert {check: walk["broken"] for check, walk in why.items()} == dict.fromkeys(CAUSES, "tls")
    assert {check: walk["sentence"][: len(CAUSES[check])] for check, walk in why.items()} == CAUSES
