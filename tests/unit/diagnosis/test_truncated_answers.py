"""A DNS answer that is too long for a datagram, and whose whole never comes over TCP (RFC 7766, section 5)."""

from __future__ import annotations

import pytest
from dns_bytes import printed, question_of
from walk_harness import CONNECTS, FOUND, SimulatedLab, far, walked

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram


def truncated(rows: str, over_tcp: str) -> SimulatedLab:
    """A lab whose resolver answers with the flag TC and these rows; what becomes of the question over TCP."""
    world = far()
    server = world.topology.address_for("client", "resolver")
    answer = FOUND.replace("qr rd", "qr tc rd").format(rows=rows, server=server)

    def rule(probe: Probe) -> ProgramResult | None:
        if not isinstance(probe, RunProgram) or ASK not in probe.argv or probe.node != "client":
            return None
        question = question_of(probe)
        whole = FOUND.format(rows=rows, server=server).replace("(UDP)", "(TCP)")
        second = printed(whole, question) if over_tcp == "answer" else f"{server} TCP {over_tcp} 00 -\n"
        return ProgramResult(0, printed(answer, question) + second, "")

    world.rules.append(rule)
    return world


@pytest.mark.parametrize("rows", ["", "app-1.shop.lab. 60 IN A 192.168.1.3"])
def test_an_answer_whose_whole_does_not_come_over_tcp_is_named(rows: str) -> None:
    """Not a record that is missing: the server has it. Also where a part of it fits."""
    walk = walked(truncated(rows, "ETIMEDOUT"), **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "dns"
    assert walk.sentence == (
        "The DNS server resolver has an answer for app-1.shop.lab that is too long for one datagram (TC), and over "
        "TCP, where the whole answer is asked for, none came."
    )
    assert any("over TCP: timed out" in line for layer in walk.layers for line in layer.evidence)


def test_an_answer_that_comes_whole_over_tcp_breaks_nothing() -> None:
    world = far()
    own = world.topology.address_for("client", "app-1")
    walk = walked(truncated(f"app-1.shop.lab. 60 IN A {own}", "answer"), **CONNECTS)
    assert [layer.verdict for layer in walk.layers if layer.name == "dns"] == ["pass"]
