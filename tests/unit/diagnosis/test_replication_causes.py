"""`why` of a replica that answers without the rows of its primary: in PostgreSQL's own words where it said any."""

from __future__ import annotations

import pytest
from check_harness import check, shop

from orchestrator.checks.probes import CheckContext, LogText, ProbeResult, ProgramResult, Unavailable
from orchestrator.diagnosis.check_attempts import sql_attempt
from orchestrator.diagnosis.check_layers.replication import replication_cause, replication_probes
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.model.checks import Sql

PAIR = """\
name: shop
title: A primary with a read replica
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database}
  copy:   {role: database, replica_of: db}
  client: {role: client, uses: [db, copy]}
"""
AWAY = """\
2026-11-27 21:29:01.101 UTC [31] FATAL:  could not receive data from WAL stream: server closed the connection
2026-11-27 21:29:02.101 UTC [35] FATAL:  could not connect to the primary server: connection to server at \
"db.shop.lab." (192.168.7.11), port 5432 failed: Connection refused
2026-11-27 21:29:02.101 UTC [35] HINT:  nothing
"""
REFUSED = """\
2026-11-27 21:29:02.101 UTC [35] FATAL:  could not connect to the primary server: connection to server at \
"db.shop.lab." (192.168.7.11), port 5432 failed: FATAL:  password authentication failed for user "replication-copy"
"""
SILENT = "2026-11-27 21:29:02.101 UTC [35] FATAL:  terminating walreceiver due to timeout\n"
BEHIND = "copy does not follow its primary db, and has not what was written there since"


def cause(state: ProbeResult, log: ProbeResult, database: str = "copy") -> str:
    """The sentence; empty where nothing is to be blamed."""
    topology = shop(PAIR)
    context = CheckContext(topology, "w", 20123, 1000.0)
    asked = check(from_="client", sql="select 1", database=database)
    assert isinstance(asked, Sql)
    attempt = sql_attempt(asked, context, Commands(topology, "shop", False)).attempt
    results = dict(zip(replication_probes(asked, attempt), (state, log), strict=False))
    found = replication_cause(asked, attempt, results)
    return found.sentence if found else ""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (AWAY, "could not connect to the primary server: connection to server at"),
        (REFUSED, 'port 5432 failed: FATAL:  password authentication failed for user "replication-copy".'),
        (SILENT, ": terminating walreceiver due to timeout."),
        ("", f"{BEHIND}."),
    ],
)
def test_a_replica_that_does_not_follow_says_why(log: str, reason: str) -> None:
    """The last word of its log; without one, that it does not follow."""
    sentence = cause(ProgramResult(0, "t,\n", ""), LogText(log))
    assert sentence.startswith(BEHIND)
    assert reason in sentence


def test_a_promoted_replica_is_named_as_such() -> None:
    assert cause(ProgramResult(0, "f,\n", ""), LogText(AWAY)).startswith("copy was promoted: it does not follow db")


@pytest.mark.parametrize(
    "state", [ProgramResult(0, "t,streaming\n", ""), ProgramResult(2, "", "no"), Unavailable("copy is stopped")]
)
def test_a_replica_that_follows_or_cannot_be_asked_is_not_blamed(state: ProbeResult) -> None:
    """An old line of the log proves nothing about now."""
    assert cause(state, LogText(AWAY)) == ""


def test_a_database_that_is_no_replica_is_not_asked() -> None:
    assert cause(ProgramResult(0, "f,\n", ""), LogText(AWAY), database="db") == ""
