"""Of a name with several addresses the one is walked to that the check itself has met; the others were not needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from walk_harness import SimulatedLab, far, state, walked

from orchestrator.checks.kinds.connections import CONNECT
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram
from orchestrator.diagnosis.earlier_answers import met_address

ASKER, HOST = "client", "app.shop.lab"


def fetched(address: str, status: int = 500) -> tuple[Probe, ProgramResult]:
    probe = RunProgram(ASKER, ("curl", "-sS", f"http://{HOST}/"))
    return probe, ProgramResult(0, "", json.dumps({"http_code": status, "remote_ip": address}))


def connected(out: str, code: int) -> tuple[Probe, ProgramResult]:
    return RunProgram(ASKER, ("bash", "-c", CONNECT, HOST, "80")), ProgramResult(code, out, "")


@pytest.mark.parametrize(
    ("exchange", "met"),
    [
        (fetched("192.168.1.7"), "192.168.1.7"),
        (fetched("192.168.1.7", 0), ""),  # it connected, and had no answer
        (connected("192.168.1.6\nsilent 3\n192.168.1.7\naccepted\n", 0), "192.168.1.7"),
        (connected("192.168.1.6\nsilent 3\n", 1), ""),
    ],
)
def test_the_address_is_known_by_what_the_checks_program_tells(exchange: tuple[Probe, ProgramResult], met: str) -> None:
    assert met_address(ASKER, HOST, dict([exchange])) == met
    assert met_address("clerk", HOST, dict([exchange])) == ""
    assert met_address(ASKER, "other.shop.lab", dict([exchange])) == ""


GATE: dict[str, Any] = {"from_": "client", "http": "http://gate.shop.lab/items", "requests": 4, "servers": ["app"]}


def behind_a_proxy() -> SimulatedLab:
    world = far()
    facts = {"http_code": 200, "time_connect": 0.1, "remote_ip": "x", "remote_port": 80, "time_total": 0.1}
    answer = ProgramResult(0, "", json.dumps({**facts, "local_ip": "y", "local_port": 1}))
    world.rules.append(lambda probe: answer if isinstance(probe, RunProgram) and probe.argv[0] == "curl" else None)
    return world


def test_a_server_that_a_proxy_leaves_out_is_looked_at() -> None:
    world = behind_a_proxy()
    world.rules.insert(0, state("app-2", "stopped"))
    walk = walked(world, actual="4 of 4 requests are answered so; answered by app-1 (4), not by app-2", **GATE)
    assert walk.sentence == "The node app-2 is stopped, so nobody can reach it."


def test_where_all_servers_work_the_check_itself_is_named() -> None:
    walk = walked(behind_a_proxy(), actual="4 of 4 requests; answered by app-1 (4), not by app-2", **GATE)
    assert walk.sentence.startswith("A request is answered, but the check says more: ")
