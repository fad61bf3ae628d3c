"""A primary and its replica on a real engine: the stream, the promotion, and what is said when the stream is broken."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from lab_bench import Bench, Engine

PAIR = """\
name: pair
title: A primary with a read replica
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql, settings: {log_statement: all, app.greeting: it's me, work_mem: 3MB}}
  copy:   {role: database, replica_of: db}
  client: {role: client, uses: [db, copy]}
checks:
  - {name: The replica has the rows, from: client, database: copy, sql: select name from items, rows: [[anvil]]}
  - name: It refuses a write
    from: client
    database: copy
    sql: insert into items (name) values ('x')
    fails: cannot execute INSERT in a read-only transaction
  - {name: It is a client of the primary, roles: {copy: {client_of: [db]}}}
  - name: The primary sees it by its own address
    from: client
    database: db
    sql: select application_name, client_addr, state from pg_stat_replication
    rows: [[copy, "${copy}", streaming]]
  - name: The primary has the settings of the file
    from: db
    sql: select current_setting('work_mem'), current_setting('app.greeting'), current_setting('log_statement')
    rows: [[3MB, it's me, all]]
  - name: Without the primary it still answers
    during: {stop: db}
    from: client
    database: copy
    sql: select name from items
    rows: [[anvil]]
  - name: Promoted, it takes writes while the primary is away
    during: [{stop: db}, {promote: copy}]
    from: client
    database: copy
    sql: insert into items (name) values ('x') returning name
    rows: [[x]]
"""
LATE, AT_LAST = "A later row arrives", "In the end it is there"
LATER = f"""\
  - name: {LATE}
    from: client
    database: copy
    within: 2
    sql: select name from items where name = 'late'
    rows: [[late]]
  - name: {AT_LAST}
    from: client
    database: copy
    within: 60
    sql: select name from items where name = 'late'
    rows: [[late]]
"""

pytestmark = pytest.mark.waits


@pytest.fixture(scope="module")
def pair(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One lab for all tests of this file; nothing of it may be left."""
    folder = tmp_path_factory.mktemp("pair") / "pair"
    folder.mkdir()
    (folder / "seed.sql").write_text("create table items (name text); insert into items values ('anvil');")
    (folder / "scenario.yaml").write_text(PAIR)
    bench = Bench(engine, f"pair-{secrets.token_hex(3)}", str(folder))
    bench.up()
    yield bench
    assert bench.cli("down").code == 0
    assert bench.left() == []


def psql(bench: Bench, node: str, *statements: str) -> str:
    """What psql prints inside a node, as the superuser."""
    commands = [word for statement in statements for word in ("-c", statement)]
    ran = bench.cli("exec", node, "--", "psql", "-XAtq", "-U", "postgres", "-d", "app", *commands)
    assert ran.code == 0, ran.err
    return ran.out.strip()


def test_a_replica_follows_can_be_read_and_is_promoted_for_a_check(pair: Bench) -> None:
    """All checks hold, the lab is whole afterwards, and no document of wirelab holds a secret of it."""
    code, found = pair.verdicts()
    assert {name: finding["actual"] for name, finding in found.items() if finding["verdict"] != "pass"} == {}
    assert code == 0
    assert pair.steps() == {}
    told = json.dumps(pair.events()) + pair.cli("inspect").out + pair.cli("logs").out
    assert "insert into items" in told  # the log has the statements
    for node, file in (("copy", "replication-password"), ("db", "password")):
        secret = pair.cli("exec", node, "--", "cat", f"/wirelab/{file}").out.strip()
        assert len(secret) > 20
        assert secret not in told


def test_healing_a_promotion_makes_the_replica_what_it_was_and_says_what_is_lost(pair: Bench) -> None:
    """While it is in, `up` keeps it. What was written to the promoted one is gone, what the primary got is there."""
    loss = "copy is copied anew from its primary, and what was written to copy is lost"
    ran = pair.cli("inject", "promote", "copy")
    assert ran.code == 0, ran.err
    assert f"once it is healed, {loss}" in ran.err
    psql(pair, "copy", "insert into items values ('lost')")
    psql(pair, "db", "insert into items values ('kept')")
    assert pair.steps() == {}
    assert psql(pair, "copy", "select string_agg(name, ' ' order by name) from items") == "anvil lost"
    ran = pair.cli("heal", "promote-copy")
    assert ran.code == 0, ran.err
    assert f"\n{loss}\n" in ran.err
    rows = "select string_agg(name, ' ' order by name) from items"
    assert psql(pair, "copy", rows, "select status from pg_stat_wal_receiver").split("\n") == [
        "anvil kept",
        "streaming",
    ]
    psql(pair, "db", "delete from items where name = 'kept'")
    assert pair.steps() == {}


def test_a_promotion_cannot_be_healed_while_the_primary_is_away(pair: Bench) -> None:
    """It says so in PostgreSQL's words and stays as it is; healed together with the primary, all is well again."""
    for words in (("stop", "db"), ("promote", "copy")):
        assert pair.cli("inject", *words).code == 0
    ran = pair.cli("heal", "promote-copy")
    assert ran.code == 3
    assert "wirelab: replication stays: pg_basebackup: error: connection to server at" in ran.err
    assert psql(pair, "copy", "select pg_is_in_recovery()") == "f"
    ran = pair.cli("heal")
    assert ran.code == 0, ran.err  # it ends once the replica follows again


def test_why_names_the_refused_password_of_the_stream(pair: Bench) -> None:
    """Once the primary takes another password for the replica, a later row does not arrive, and `why` says why."""
    role = '"replication-copy"'
    hashed = psql(pair, "db", "select rolpassword from pg_authid where rolname = 'replication-copy'")
    end = "select pg_terminate_backend(pid, 5000) from pg_stat_replication"
    psql(pair, "db", f"alter role {role} password 'other'", end, "insert into items values ('late')")
    scenario = f"{pair.scenario}/scenario.yaml"
    with open(scenario, "a", encoding="utf-8") as file:
        file.write(LATER)
    try:
        ran = pair.cli("why", LATE)
        assert ran.code == 1, ran.err
        assert "BROKEN   SQL answer" in ran.out
        assert "copy does not follow its primary db, and has not what was written there since" in ran.out
        assert 'password authentication failed for user "replication-copy"' in ran.out
    finally:
        psql(pair, "db", f"alter role {role} password '{hashed}'")
    ran = pair.cli("check", "--only", AT_LAST)
    assert ran.code == 0, ran.out
