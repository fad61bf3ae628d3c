"""A check with `takes` holds only if its question took that long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from check_harness import check, judged, ran

from orchestrator.checks.probes import Unavailable
from orchestrator.model.checks import BaseCheck

REFUSED = ran("192.168.7.12\nbash: connect: Connection refused\n", "", 1)
SILENT = ran("192.168.7.12\nsilent 3\n", "", 1)
LISTENS = ran("LISTEN 0 128 0.0.0.0:80 0.0.0.0:*\n")


def cannot(**takes: float) -> BaseCheck:
    return check(from_="client", cannot_connect="${app}:80", takes=takes)


@pytest.mark.parametrize("takes", [{"at_least": 0.5}, {"at_most": 8}, {"at_least": 0.5, "at_most": 8}])
def test_a_time_in_the_range_passes_and_is_evidence(takes: dict[str, float]) -> None:
    judgement = judged(cannot(**takes), replace(REFUSED, seconds=1.25))
    assert judgement.verdict == "pass"
    assert judgement.evidence[-1] == "the question took 1.250 s"


def test_too_soon_and_too_late_fail_though_the_rest_holds() -> None:
    judgement = judged(cannot(at_least=0.5, at_most=8), replace(REFUSED, seconds=0.004))
    assert (judgement.verdict, judgement.actual) == (
        "fail",
        "refused with an RST from 192.168.7.12, but it took 0.004 s, not 0.5 to 8 s",
    )
    assert judgement.expected == "client cannot connect to 192.168.7.12:80 (app), in 0.5 to 8 s"
    assert judged(cannot(at_most=8), replace(REFUSED, seconds=8.5)).actual.endswith("it took 8.500 s, not at most 8 s")


def test_the_time_is_that_of_the_askers_own_question() -> None:
    """That the server's socket table was read afterwards, slowly, does not count."""
    judgement = judged(cannot(at_most=3), replace(SILENT, seconds=2.0), replace(LISTENS, seconds=4.0))
    assert (judgement.verdict, judgement.evidence[-1]) == ("pass", "the question took 2.000 s")


def test_in_time_is_not_enough() -> None:
    """What does not hold, or could not be asked, keeps its own verdict and reason."""
    accepted = replace(ran("192.168.7.12\naccepted\nESTAB 0 0 192.168.7.13:4 192.168.7.12:80\n"), seconds=1.0)
    judgement = judged(cannot(at_least=0.5), accepted)
    assert (judgement.verdict, judgement.actual) == ("fail", "accepted: 192.168.7.13:4 -> 192.168.7.12:80")
    assert judged(cannot(at_least=0.5), Unavailable("the node client is stopped")).verdict == "unknown"
