"""Claims that look true on a real engine and are not; each beside a claim that is, asked in the same way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine

pytestmark = pytest.mark.truth
NODES = """
name: false-claims
title: What looks true
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  copy:   {role: database}
  app:    {role: app}
  twin:   {role: app}
  client: {role: client, uses: [db, copy]}
  long:   {role: service, command: [python3, -m, http.server, "8000", -d, /tmp], listens: [{port: 8000}]}
  odd:
    role: service
    listens: [{port: 8000}]
    command:
      - python3
      - -c
      - |
        import gzip, http.server
        text = "no error is here"
        bodies = {
            "/gzip": (gzip.compress(text.encode()), {"Content-Encoding": "gzip", "Content-Type": "text/plain"}),
            "/utf-16": (text.encode("utf-16"), {"Content-Type": "text/plain"}),
            "/latin-1": ("kein \u00e9rror".encode("latin-1"), {"Content-Type": "text/plain"}),
            "/strange": (text.encode(), {"Content-Encoding": "strange", "Content-Type": "text/plain"}),
            "/nan": (b'{"a": 1, "b": NaN}', {"Content-Type": "application/json"}),
        }
        class Odd(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body, headers = bodies[self.path]
                self.send_response(200)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
        http.server.ThreadingHTTPServer(("", 8000), Odd).serve_forever()
  caller:
    role: service
    uses: [long]
    command:
      - bash
      - -c
      - |  # a connection that stays, with a byte now and then: only one that is in use counts as a caller
        nc -lk 7000 &
        until exec 3<>/dev/tcp/long.shop.lab/8000; do sleep 0.1; done
        while printf a >&3; do sleep 0.05; done
    listens: [{port: 7000}]
checks:
  - {name: each database is asked, from: client, database: copy, sql: select 1, rows: [[1]]}
  - {name: null or empty, from: client, database: db, sql: "select note from items order by id", rows: [[null], [""]]}
  - {name: no tag, from: db, sql: "update items set note = note where id = 2 returning id", rows: [[2]]}
  - {name: a code, from: client, database: db, sql: select nothing, fails: "42703"}
  - {name: a body of another kind, from: client, http: "http://odd.shop.lab:8000/gzip", contains: no error}
  - {name: who called, node: long, sees: caller}
  - {name: its own name, from: client, http: "http://app.shop.lab/health"}
  - {name: a free port, from: client, binds: "0.0.0.0:4444"}
  - {name: knocks 1, from: client, connects: "app.shop.lab:80"}
  - {name: knocks 2, from: client, connects: "app.shop.lab:80"}
  - {name: knocks 3, from: client, connects: "app.shop.lab:80"}
"""
SEED = "create table items (id int, note text); insert into items values (1, null), (2, '');\n"
LED = "during: {record: {server: dns, name: %s.shop.lab, value: '${%s}'}}, "
LONG = "runs: [bash, -c, 'yes | head -c 2000000; echo end']"
# Each claim is wrong: what is said must be the reason.
WRONG = {
    LED % ("app", "twin") + "from: client, http: 'http://app.shop.lab/health'": "which is twin and not app",
    LED % ("app", "twin") + "from: client, connects: 'app:80'": "app led to",
    LED % ("app", "client") + "from: client, cannot_connect: 'APP.shop.lab:80'": "APP.shop.lab led to",
    "from: client, http: 'http://app.shop.lab/{health,whoami}', contains: asked_by": "status 404",
    "from: client, http: 'http://app.shop.lab/health', method: HEAD, contains: HTTP/1.1": "does not hold 'HTTP/1.1'",
    LED % ("copy", "db")
    + "from: client, database: copy, sql: select 1, password: wrong, fails: FATAL": "which is db and not copy",
    "from: client, database: db, sql: select note from items where id = 2, rows: [[null]]": "1 row: [['']]",
    "from: client, database: db, sql: select note from items where id = 1, rows: [['']]": "1 row: [[None]]",
    "from: client, database: db, sql: \"delete from nothere where x = 'violates key'\", fails: violates key": (
        'ERROR:  relation "nothere" does not exist'
    ),
    "from: client, database: db, sql: begin; update items set note = note; commit, rows: [[COMMIT]]": "0 rows: []",
    "from: client, http: 'http://odd.shop.lab:8000/gzip', lacks: error": "the body holds 'error'",
    "from: client, http: 'http://odd.shop.lab:8000/utf-16', lacks: error": "the body holds 'error'",
    "from: client, http: 'http://odd.shop.lab:8000/latin-1', lacks: error": "cannot be read as utf-8",
    "from: client, http: 'http://odd.shop.lab:8000/strange', lacks: error": "that curl cannot decode",
    "from: client, http: 'http://odd.shop.lab:8000/nan', json: {a: 1}": "NaN is no JSON value",
    "from: client, runs: [bash, -c, 'printf ab; printf cde >&2'], contains: bcd": "does not hold 'bcd'",
    "node: caller, sees: long": "by its socket table it saw nobody",
    "roles: {caller: {server_to: [long]}}": "caller did not see long, by its socket table",
    "from: client, cannot_bind: '0.0.0.0:4444', error: EADDRINUSE": "nothing was in the way",
    "from: client, runs: [sleep, '9'], exit: 124": "it had not ended after 0.5 s",
    "from: client, runs: [bash, -c, 'trap \"\" TERM; while sleep 0.1; do :; done'], exit: 137": "was ended",
    f"from: client, {LONG}, lacks: end": "only its first megabyte was read",
}


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    """A lab of the scenario above; nothing of it may be left."""
    folder = tmp_path / "false-claims"
    folder.mkdir()
    wrong = [f'  - {{name: "wrong {at}", within: 0.5, {claim}}}' for at, claim in enumerate(WRONG)]
    (folder / "scenario.yaml").write_text(NODES + "\n".join(wrong) + "\n")
    (folder / "seed.sql").write_text(SEED)
    one = Bench(engine, f"t{secrets.token_hex(4)}", str(folder), seconds=180)
    yield one
    assert one.cli("down").code == 0
    assert one.left() == []


def test_what_looks_true_and_is_not_does_not_pass(bench: Bench) -> None:
    """Another machine answers as well as the right one would; a client is no server; a null is no text."""
    bench.up()
    _, found = bench.verdicts()
    calm = {name: one["actual"] for name, one in found.items() if not name.startswith("wrong")}
    assert {name: seen for name, seen in calm.items() if found[name]["verdict"] != "pass"} == {}
    knocks = {one["actual"] for name, one in found.items() if name.startswith("knocks")}
    assert len(knocks) == 3, "each attempt shows the socket of its own, whoever else knocks there"
    told = {
        claim: f"{found[f'wrong {at}']['verdict']}: {found[f'wrong {at}']['actual']}" for at, claim in enumerate(WRONG)
    }
    assert {claim: said for claim, said in told.items() if said.startswith("pass") or WRONG[claim] not in said} == {}
