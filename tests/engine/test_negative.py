"""Each check can fail: the lab is broken by plain Docker calls; what depends on the broken part says so, and why."""

from __future__ import annotations

from typing import Any

import pytest
from lab_bench import Bench

pytestmark = [pytest.mark.truth, pytest.mark.sampled(3)]
RESOLVES = {
    "The client asks the lab's DNS server where the app is",
    "The app asks the same server where the database is",
    "The app's address leads back to its name",
    "A name that nobody has is answered with NXDOMAIN, at once",
    "A name outside the lab is answered with NXDOMAIN, at once",
}
LOOPBACK = {
    "On the app, 127.0.0.1 port 80 is the app",
    "On the client, 127.0.0.1 port 80 is nobody",
}
ROWS = "The app answers the client over HTTP, with rows that only the database has"
DATABASE_ACCEPTS = "The database's address accepts port 5432"


def names(findings: dict[str, dict[str, Any]], verdict: str) -> set[str]:
    return {name for name, finding in findings.items() if finding["verdict"] == verdict}


def seen(finding: dict[str, Any]) -> str:
    return " ".join((finding["actual"], *finding["evidence"]))


def test_all_hold_on_a_lab_that_stands(shared: Bench) -> None:
    """Nothing broken: every check of basic passes, each with evidence, and the exit code is 0."""
    code, findings = shared.verdicts()
    assert code == 0
    assert names(findings, "pass") == set(findings)
    assert len(findings) >= 15
    assert all(finding["evidence"] for finding in findings.values())


def test_dns_stopped(repaired: Bench) -> None:
    """The DNS server stopped: every resolution check fails for want of an answer; what needs no name still holds."""
    repaired.container("dns").stop(timeout=1)
    code, findings = repaired.verdicts()
    assert code == 1
    assert names(findings, "fail") >= RESOLVES
    assert names(findings, "pass") == LOOPBACK
    for name in RESOLVES:
        assert "answer" in seen(findings[name]) or "refused" in seen(findings[name]), findings[name]


def test_names_come_from_the_dns_server_alone(repaired: Bench) -> None:
    """The DNS server stopped: no node resolves a name any more, for nothing else in the lab answers."""
    repaired.container("dns").stop(timeout=1)
    for name in ("app.shop.lab", "app", repaired.container("app").name):
        code, out = repaired.container("client").exec_run(("timeout", "3", "getent", "ahostsv4", f"{name}."))
        assert code in (2, 124)  # not found, or still asking
        assert out == b""


def test_database_stopped(repaired: Bench) -> None:
    """The database stopped: the app answers 503 with a reason, the check says so; DNS does not mind."""
    repaired.container("db").stop(timeout=1)
    code, findings = repaired.verdicts()
    assert code in (1, 3)
    assert findings[ROWS]["verdict"] == "fail"
    assert "503" in seen(findings[ROWS])
    assert findings[DATABASE_ACCEPTS]["verdict"] != "pass"
    assert names(findings, "pass") >= RESOLVES | LOOPBACK


def test_the_app_comes_back_with_its_database(repaired: Bench) -> None:
    """The database stopped and started again by hand: the app serves its rows again, by itself."""
    repaired.container("db").stop(timeout=1)
    ran = repaired.cli("exec", "client", "--", "curl", "-s", "-w", "%{http_code}", "http://app.shop.lab/items")
    assert ran.out.endswith("503")
    repaired.container("db").start()
    ran = repaired.cli("check", "--only", ROWS)
    assert ran.code == 0, ran.out


def test_network_cut(repaired: Bench) -> None:
    """The client cut from the network: whatever it asks over the network fails; the app's own questions hold."""
    repaired.network().disconnect(repaired.container("client"))
    code, findings = repaired.verdicts()
    assert code == 1
    by_client = {name for name, finding in findings.items() if finding["from"] == "client"} - LOOPBACK
    assert not by_client & names(findings, "pass")
    assert names(findings, "fail") >= {ROWS, "The client asks the lab's DNS server where the app is"}
    assert names(findings, "pass") >= {"The app asks the same server where the database is", *LOOPBACK}


def test_node_removed(repaired: Bench) -> None:
    """A node removed: what it should have asked is unknown, never a pass or a fail, and the exit code is 3."""
    repaired.container("client").remove(force=True)
    code, findings = repaired.verdicts()
    assert code == 3
    asked = {name for name, finding in findings.items() if finding["from"] == "client"}
    assert asked <= names(findings, "unknown")
    assert "client" in seen(findings["On the client, 127.0.0.1 port 80 is nobody"])
    assert names(findings, "pass") >= {"The app asks the same server where the database is"}


def test_node_paused(repaired: Bench) -> None:
    """A paused node cannot be asked: unknown, although its kernel would still accept connections."""
    repaired.container("client").pause()
    code, findings = repaired.verdicts()
    assert code == 3
    assert findings["On the client, 127.0.0.1 port 80 is nobody"]["verdict"] == "unknown"


def test_silence_is_not_proof(repaired: Bench) -> None:
    """cannot_connect to a machine that is gone is unknown: nobody refused."""
    repaired.container("app").stop(timeout=1)
    _, findings = repaired.verdicts()
    assert findings["The app's address refuses port 5432, for the database is another machine"]["verdict"] != "pass"
