"""Where the DNS servers of an asker do not run, a lookup is asked once, and the check is judged by it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from check_harness import PORT, TREE, WORD, check, own_interfaces, ran, shop
from dns_bytes import printed

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult, RunProgram, Unavailable
from orchestrator.checks.steps import run_steps
from orchestrator.model.checks import BaseCheck

DNS = "192.168.7.10"
TIMED_OUT = ran(f"{DNS} UDP ETIMEDOUT 0000 -\n")
# The second server, which somebody has put in by hand, answers.
FOUND = """;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1
;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0

;; ANSWER SECTION:
app.shop.lab. 60 IN A 192.168.7.12

;; SERVER: 192.168.7.16#53(192.168.7.16) (UDP)
"""
ANSWERED = ran(f"{DNS} UDP ETIMEDOUT 0000 -\n{printed(FOUND)}")
ACCEPTED = ran("192.168.7.12\naccepted\nESTAB 0 0 192.168.7.13:40000 192.168.7.12:80\n")


def is_lookup(probe: Probe) -> bool:
    return isinstance(probe, RunProgram) and ASK in probe.argv


def judged(
    one: BaseCheck, lookup: ProbeResult, halted: Collection[str] = ("dns",), lab: str | None = None
) -> tuple[Judgement, list[bool]]:
    """The judgement, and of each probe whether it was a lookup; connections are accepted."""
    topology = shop(lab) if lab else shop()
    lookups: list[bool] = []

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        lookups.extend(map(is_lookup, probes))
        return [
            lookup
            if is_lookup(probe)
            else own_interfaces(topology, probe)
            if isinstance(probe, RunProgram) and probe.argv[:2] == ("ip", "-j")
            else ACCEPTED
            for probe in probes
        ]

    context = CheckContext(topology, WORD, PORT, 0.0, halted=frozenset(halted))
    return run_steps(check_steps(one, context), run_probes), lookups


CONNECTS = check(from_="client", connects="app.shop.lab:80")
HTTP = check(from_="client", http="http://app.shop.lab/items")


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (CONNECTS, "fail"),
        (HTTP, "fail"),
        (check(from_="client", tls="app.shop.lab:443"), "fail"),
        (check(from_="app", sql="select 1"), "fail"),
        (check(from_="client", cannot_connect="app.shop.lab:81"), "unknown"),
        (check(from_="app", sql="select 1", password="wrong", fails="password"), "unknown"),
        (check(from_="client", connects="192.168.7.12:80", first=[HTTP.model_copy(update={"name": "First"})]), "fail"),
    ],
)
def test_without_a_dns_server_a_lookup_decides(one: BaseCheck, verdict: str) -> None:
    """What failed for want of an address proves nothing of the connection that is forbidden."""
    judgement, lookups = judged(one, TIMED_OUT)
    assert (judgement.verdict, lookups) == (verdict, [True])
    assert "no DNS server answered, timed out" in judgement.actual
    assert judgement.evidence == (f"{DNS} over UDP: timed out",)


@pytest.mark.parametrize("lookup", [ANSWERED, Unavailable("the node client is stopped"), ran("", "no file", 1)])
def test_where_a_lookup_proves_nothing_the_check_itself_is_tried(lookup: ProbeResult) -> None:
    """Somebody has given the asker another server by hand, or nothing is known of the lookup."""
    judgement, lookups = judged(CONNECTS, lookup)
    assert judgement.verdict == "pass"
    assert lookups[:2] == [True, False]


@pytest.mark.parametrize(
    ("one", "halted", "lab"),
    [
        (CONNECTS, (), None),
        (CONNECTS, ("db",), None),
        (check(from_="client", connects="192.168.7.12:80"), ("dns",), None),
        (check(from_="app", connects="localhost:80"), ("dns",), None),
        (check(from_="client", connects="app.shop.lab:80"), ("resolver",), TREE),  # a second server stands by
    ],
)
def test_nothing_is_looked_up_where_a_server_runs_or_no_name_is_needed(
    one: BaseCheck, halted: tuple[str, ...], lab: str | None
) -> None:
    assert not any(judged(one, TIMED_OUT, halted, lab)[1])


def test_both_servers_of_an_asker_must_be_away() -> None:
    judgement, lookups = judged(
        check(from_="client", connects="app.shop.lab:80"), TIMED_OUT, ("resolver", "second"), TREE
    )
    assert (judgement.verdict, lookups) == ("fail", [True])
