"""`why` says that a server asks for a certificate of the client, by what nginx answers without one that it accepts."""

from __future__ import annotations

import json

import pytest
from check_harness import check, conversation
from walk_harness import far, program, walked

from orchestrator.checks.probes import ProgramResult, RunProgram

ASKS = "app-1 asks for a certificate of the client (mutual TLS), and"
ENDS = {"remote_port": 443, "local_ip": "192.168.7.13", "local_port": 41234, "time_total": 0.3}


def answer(status: int, title: str) -> ProgramResult:
    """What curl prints of an answer over TLS."""
    facts = {"http_code": status, "time_connect": 0.1, "time_appconnect": 0.2, "remote_ip": "192.168.7.12"}
    return ProgramResult(0, f"<center>{title}</center>", json.dumps({**facts, **ENDS}))


@pytest.mark.parametrize(
    ("status", "title", "says"),
    [
        (400, "No required SSL certificate was sent", f"{ASKS} client presents none."),
        (400, "The SSL certificate error", f"{ASKS} does not accept the one of client: no authority that it trusts"),
        (400, "Bad Request", "app-1 answers with status 400, but"),
        (403, "No required SSL certificate was sent", "app-1 answers with status 403, but"),
    ],
)
def test_a_server_that_wants_a_certificate_is_named(status: int, title: str, says: str) -> None:
    world = far()
    world.rules.append(program("curl", answer(status, title)))
    walk = walked(world, from_="client", http="https://app-1.shop.lab:80/")
    assert walk.broken
    assert (walk.broken.name, walk.sentence.startswith(says)) == ("answer", True), walk.sentence


@pytest.mark.parametrize("presents", [True, False])
def test_curl_presents_the_certificate_of_its_node_where_the_check_says_so(presents: bool) -> None:
    made = check(from_="client", http="https://app.shop.lab/", client_certificate=presents)
    _, probes = conversation(made, answer(200, "hello"))
    assert isinstance(probes[0], RunProgram)
    assert ("/wirelab/client.pem" in probes[0].argv, "/wirelab/client.key" in probes[0].argv) == (presents, presents)
