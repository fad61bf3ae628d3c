"""Who was client and who was server: by the capture where one runs, otherwise by the servers; never by `uses`."""

from __future__ import annotations

import pytest
from check_harness import BEGAN, check, conversation, judged, ran

from orchestrator.checks.probes import Flows, LogText, ReadLog, TrafficQuery, Unavailable
from orchestrator.model.checks import BaseCheck
from orchestrator.traffic.roles import Proof

NO_CAPTURE = Flows(None)
QUERY = "client @0x7f 192.168.7.12#40000 (db.shop.lab): query: db.shop.lab IN A + (192.168.7.10)\n"
ACCESS = 'access 192.168.7.13:40000 "GET /items HTTP/1.1" 200\n'
SESSION = "192.168.7.12,40000\n"


def whole() -> BaseCheck:
    return check(roles={"app": {"server_to": ["client"], "client_of": ["db", "dns"]}})


def proof(client: str, server: str, *, sure: bool = True) -> Proof:
    return Proof(client, server, sure, f"{client} -> {server}")


def test_packets_prove_every_part() -> None:
    """With a capture nobody else is asked, and each relation has its packet as evidence."""
    proofs = (proof("app", "db"), proof("app", "dns"), proof("client", "app"))
    judgement, probes = conversation(whole(), Flows(proofs))
    assert probes == [TrafficQuery(BEGAN)]
    assert judgement.verdict == "pass"
    assert judgement.expected == "app is a server to client and a client of db, dns"
    assert judgement.evidence == ("capture: client -> app", "capture: app -> db", "capture: app -> dns")


def test_a_relation_without_a_packet_fails_although_it_is_declared() -> None:
    """`uses` says that the app uses the database; no packet does, and no log is asked to help."""
    judgement = judged(whole(), Flows((proof("app", "dns"), proof("client", "app"))))
    assert (judgement.verdict, judgement.actual) == ("fail", "no packet shows app as a client of db")


def test_a_relation_that_is_not_declared_passes_where_packets_show_it() -> None:
    """The file does not say that the client uses the database."""
    one = check(roles={"client": {"client_of": ["db"]}})
    assert judged(one, Flows((proof("client", "db"),))).verdict == "pass"


def test_the_wrong_direction_proves_nothing() -> None:
    one = check(roles={"db": {"client_of": ["app"]}})
    assert judged(one, Flows((proof("app", "db"),))).verdict == "fail"


def test_without_a_capture_each_server_is_asked() -> None:
    judgement, probes = conversation(whole(), NO_CAPTURE, LogText(ACCESS), ran(SESSION), LogText(""), LogText(QUERY))
    assert judgement.verdict == "pass"
    assert [line.partition(":")[0] for line in judgement.evidence] == [
        "access log of app",
        "sessions of db",
        "query log of dns",
    ]
    assert ReadLog("app", BEGAN) in probes


@pytest.mark.parametrize(
    ("access", "sessions", "queries", "missing"),
    [
        ("", SESSION, QUERY, "app did not see client, by its access log"),
        (ACCESS, "", QUERY, "db did not see app, by its sessions"),
        (ACCESS, SESSION, "", "dns did not see app, by its query log"),
        (ACCESS, SESSION, QUERY.replace("7.12#", "7.13#"), "dns did not see app, by its query log"),
    ],
)
def test_a_server_that_did_not_see_its_client_fails(access: str, sessions: str, queries: str, missing: str) -> None:
    judgement = judged(whole(), NO_CAPTURE, LogText(access), ran(sessions), LogText(""), LogText(queries))
    assert (judgement.verdict, judgement.actual) == ("fail", missing)


def test_a_connection_opened_before_the_capture_is_proved_by_the_server() -> None:
    """Who opened it was not captured, so its packets alone do not do."""
    one = check(roles={"app": {"client_of": ["db"]}})
    crossed = Flows((proof("app", "db", sure=False),))
    judgement = judged(one, crossed, ran(SESSION), LogText(""))
    assert judgement.evidence == ("sessions of db: pg_stat_activity: client_addr 192.168.7.12, client_port 40000",)
    judgement = judged(one, crossed, ran(""), LogText(""))
    assert judgement.verdict == "fail"
    assert "whose opening was not captured" in judgement.actual


PAIR = """\
name: shop
title: A primary with a read replica
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  dns:  {role: dns}
  db:   {role: database}
  copy: {role: database, replica_of: db}
"""


def test_a_replica_that_follows_is_proved_by_its_primary_also_beside_a_capture() -> None:
    """Its connection was opened long before the check, and stays: what tells is that it has replied since."""
    one = check(roles={"copy": {"client_of": ["db"]}})
    judgement, probes = conversation(one, Flows(()), ran(SESSION), LogText(""), lab=PAIR)
    assert judgement.verdict == "pass"
    assert f"reply_time >= to_timestamp({BEGAN:.3f})" in " ".join(getattr(probes[1], "argv", ()))
    judgement = judged(one, Flows(()), ran(""), LogText(""), lab=PAIR)
    assert (judgement.verdict, judgement.actual) == ("fail", "no packet shows copy as a client of db")


def test_what_cannot_be_asked_is_unknown() -> None:
    """A capture that cannot be read, or a server that is gone, proves nothing."""
    assert judged(whole(), Unavailable("the capture is gone")).verdict == "unknown"
    one = check(roles={"app": {"server_to": ["client"]}})
    assert judged(one, NO_CAPTURE, Unavailable("the node app is paused")).verdict == "unknown"
