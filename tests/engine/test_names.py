"""Names on a real engine: two networks, each with its own view; records of all types; and claims that must fail."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

pytestmark = pytest.mark.truth
NODES = """
name: names
title: One name, two networks
domain: shop.lab
networks: {front: {ipv6: true}, back: }
records:
  www: {CNAME: app}
  "@": {MX: 10 app, TXT: 'say "hi", ü'}
  _http._tcp: {SRV: 0 5 80 app}
  many: {A: ["${app}", "${dns}", 192.0.2.1], ttl: 5}
  "*.page": {A: "${app}", AAAA: "${app}"}
nodes:
  dns:    {role: dns, forward_zones: {corp.lab: part}}
  part:
    role: dns
    zones:
      part.shop.lab: {records: {host: {A: "${app}"}}}
      corp.lab: {records: {"*": {A: "${app}"}}}
  cache:  {role: dns, forward: [dns]}
  app:    {role: client}
  client: {role: client, networks: [front], resolvers: [dns]}
  inner:  {role: client, networks: [back], resolvers: [dns]}
  lazy:   {role: client, networks: [front], resolvers: [cache]}
"""
HOLDS = """
checks:
  - {name: front, from: client, resolves: app.shop.lab, to: app, answered_by: dns, authoritative: true, ttl: 60}
  - {name: back, from: inner, resolves: app.shop.lab, to: app, answered_by: dns}
  - {name: front back to its name, from: client, resolves: "${app}", type: PTR, to: app}
  - {name: back back to its name, from: inner, resolves: "${app}", type: PTR, to: app}
  - {name: IPv6, from: client, resolves: app.shop.lab, type: AAAA, to: app}
  - {name: IPv6 back to its name, from: client, resolves: "${app.ipv6}", type: PTR, to: app}
  - {name: no IPv6 on back, from: inner, resolves: inner.shop.lab, type: AAAA, count: 0}
  - {name: alias, from: client, resolves: www.shop.lab, type: CNAME, to: app}
  - {name: alias is followed, from: inner, resolves: www.shop.lab, to: app}
  - {name: mail, from: client, resolves: shop.lab, type: MX, to: app}
  - {name: text, from: client, resolves: shop.lab, type: TXT, to: ['say "hi", ü']}
  - {name: service, from: client, resolves: _http._tcp.shop.lab, type: SRV, to: [0 5 80 app.shop.lab]}
  - {name: any page, from: inner, resolves: "${random}.page.shop.lab", to: app}
  - {name: many turn, from: client, resolves: many.shop.lab, count: 3, order: rotates, ttl: 5}
  - {name: over tcp, from: client, resolves: app.shop.lab, to: app, over: tcp, answered_by: dns}
  - {name: other zone, from: client, asks: part, resolves: host.part.shop.lab, to: app, authoritative: true}
  - {name: not its zone, from: client, asks: part, resolves: app.shop.lab, rcode: REFUSED}
  - {name: handed on, from: lazy, resolves: "${random}.page.shop.lab", to: app, through: [dns], authoritative: false}
  - {name: one domain, from: client, resolves: "${random}.corp.lab", to: app, through: [part], authoritative: false}
  - {name: no other domain, from: client, resolves: "${random}.example.org", rcode: NXDOMAIN, through: []}
  - name: kept
    first: [{name: once, from: lazy, resolves: "${random}.page.shop.lab"}]
    from: lazy
    resolves: ${random}.page.shop.lab
    through: []
  - {name: nothing there, from: inner, resolves: "${random}.shop.lab", rcode: NXDOMAIN, ttl: {at_most: 5}}
"""
# Each claim is wrong: what is said must be the reason.
WRONG = {
    "resolves: app.shop.lab, to: dns": "; that is not ",
    "resolves: app.shop.lab, ttl: 59": "it may be kept for 60 s, not for 59 s",
    "resolves: many.shop.lab, count: 2": "there are 3 A records, not 2",
    "resolves: many.shop.lab, order: fixed": "the order changes",
    "resolves: www.shop.lab, order: rotates": "one value alone has no order",
    "resolves: app.shop.lab, authoritative: false": "the AA flag is set",
    "resolves: app.shop.lab, answered_by: part": "which is not part",
    "resolves: app.shop.lab, answered: false": "; dns answered",
    "resolves: app.shop.lab, asks: dns, refers_to: part": "that is an answer, and does not lead on to another server",
    "resolves: '${random}.page.shop.lab', through: [part]": "asked on the way: nobody, not part",
    "resolves: '${random}.page.shop.lab', asks: cache, through: []": "asked on the way: dns, not nobody",
    "resolves: '${random}.corp.lab', through: []": "asked on the way: part, not nobody",
    "resolves: app.shop.lab, type: AAAA, asks: part": "the response code is REFUSED, not NOERROR",
}


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    """A lab of the scenario above; nothing of it may be left."""
    folder = tmp_path / "names"
    folder.mkdir()
    wrong = [f'  - {{name: "wrong {at}", from: client, within: 0.2, {claim}}}' for at, claim in enumerate(WRONG)]
    (folder / "scenario.yaml").write_text(NODES + HOLDS + "\n".join(wrong) + "\n")
    one = Bench(engine, f"t{secrets.token_hex(4)}", str(folder), seconds=180)
    yield one
    assert one.cli("down").code == 0
    assert one.left() == []


@pytest.mark.waits
def test_names_lead_where_they_should_and_wrong_claims_fail(bench: Bench) -> None:
    """On each network a name leads to the address there, and each address back; a record can be changed and healed."""
    bench.up()
    _, found = bench.verdicts()
    calm = {name: one["actual"] for name, one in found.items() if not name.startswith("wrong")}
    assert {name: seen for name, seen in calm.items() if found[name]["verdict"] != "pass"} == {}
    wrong = {claim: found[f"wrong {at}"] for at, claim in enumerate(WRONG)}
    told = {claim: f"{one['verdict']}: {one['actual']}" for claim, one in wrong.items()}
    assert {c: t for c, t in told.items() if not t.startswith("fail") or WRONG[c] not in t} == {}
    ends = bench.container("app").attrs["NetworkSettings"]["Networks"]
    by_engine = {name.rpartition("_")[2]: end for name, end in ends.items()}
    assert calm["front"] == f"NOERROR {by_engine['front']['IPAddress']}"
    assert calm["back"] == f"NOERROR {by_engine['back']['IPAddress']}"
    assert calm["IPv6"] == f"NOERROR {by_engine['front']['GlobalIPv6Address']}"
    _changed_and_healed(bench)
    _forwarded_in_vain(bench)


def _changed_and_healed(bench: Bench) -> None:
    """The fault `record` on the command line: the next answer is another one, in both views, until `heal`."""
    assert bench.cli("inject", "record", "dns", "app.shop.lab", "A", "192.0.2.7").code == 0
    _, found = bench.verdicts()
    assert [found[one]["actual"].partition(";")[0] for one in ("front", "back")] == ["NOERROR 192.0.2.7"] * 2
    assert found["IPv6"]["verdict"] == "pass"
    again = bench.cli("inject", "record", "dns", "app.shop.lab", "A", "192.0.2.7")
    assert "that fault is in already" in again.err
    assert bench.cli("inject", "record", "part", "app.shop.lab", "A", "192.0.2.7").code == 2
    assert bench.cli("heal").code == 0
    _, found = bench.verdicts()
    assert [found[one]["verdict"] for one in ("front", "back")] == ["pass", "pass"]


def _forwarded_in_vain(bench: Bench) -> None:
    """Where the server of one domain is stopped, its names alone are not found, and `why` names it."""
    assert bench.cli("inject", "stop", "part").code == 0
    only = ("--only", "one domain", "--only", "no other domain")
    found = {finding["check"]: finding for finding in bench.cli("check", *only, "--json").document["findings"]}
    assert found["one domain"]["actual"].startswith("SERVFAIL")
    assert found["one domain"]["why"]["sentence"].startswith("The DNS server part is stopped, so dns does not get")
    assert found["no other domain"]["actual"].startswith("NXDOMAIN")
