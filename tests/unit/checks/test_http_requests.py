"""`http` with several requests, classes of status, response headers and the servers that answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from check_harness import check, conversation, judged, ran

from orchestrator.checks.probes import LogText, ProgramResult, ReadLog, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck

GROUP = """\
name: shop
title: Several servers
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  dns:    {role: dns}
  app:    {role: app, replicas: 2}
  web:    {role: proxy, uses: [app]}
  own:    {role: proxy, uses: [app], command: [nginx]}
  client: {role: client, uses: [web]}
"""
# dns .10, app-1 .11, app-2 .12, web .13, own .14, client .15
WEB, OWN = "192.168.7.13", "192.168.7.14"


def get(url: str = "http://app.shop.lab/", **keys: object) -> BaseCheck:
    return check(from_="client", http=url, **keys)


def answer(
    address: str = "192.168.7.11", status: int = 200, port: int = 40000, headers: dict[str, Any] | None = None
) -> ProgramResult:
    """What curl 7.88 writes."""
    facts = {
        "http_code": status,
        "local_ip": "192.168.7.15",
        "local_port": port,
        "remote_ip": address,
        "remote_port": 80,
        "time_total": 0.0042,
    }
    before = json.dumps(headers).replace('],"', '],\n"') + "\n" if headers is not None else ""
    return ran("", before + json.dumps(facts) + "\n")


REFUSED = ran("", "curl: (7) Failed to connect\n" + json.dumps({"http_code": 0}), 7)
LATE = ran("", "curl: (28) Operation timed out\n" + json.dumps({"http_code": 0}), 28)


@pytest.mark.parametrize(
    ("wanted", "status", "verdict"),
    [
        ("2xx", 204, "pass"),
        ("2xx", 302, "fail"),
        ("5xx", 503, "pass"),
        ([200, 204], 204, "pass"),
        ([200, 204], 201, "fail"),
        (["3xx", 404], 404, "pass"),
        (["3xx", 404], 301, "pass"),
        (["3xx", 404], 410, "fail"),
    ],
)
def test_a_status_may_be_one_of_several_or_of_a_class(wanted: object, status: int, verdict: str) -> None:
    assert judged(get(status=wanted), answer(status=status), lab=GROUP).verdict == verdict


def test_a_wrong_status_is_told_with_all_that_may_come() -> None:
    found = judged(get(status=["3xx", 404]), answer(status=410), lab=GROUP)
    assert found.expected == "GET http://app.shop.lab/ is answered with 3xx or 404"
    assert found.actual == "status 410 from 192.168.7.11:80; that is not 3xx or 404"


SENT = {"server": ["nginx/1.22"], "set-cookie": ["a=1", "b=2"], "content-type": ["application/json"]}


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ({"Content-Type": "application/json"}, ""),
        ({"Content-Type": "text/html"}, "the header Content-Type is 'application/json', and not 'text/html'"),
        ({"Server": {"contains": "nginx"}}, ""),
        ({"Server": {"contains": "Apache"}}, "the header Server is 'nginx/1.22', and does not hold 'Apache'"),
        ({"set-cookie": "b=2"}, ""),
        ({"set-cookie": "a=1, b=2"}, ""),
        ({"Location": "/"}, "it has no header Location"),
        ({"Location": None}, ""),
        ({"SERVER": None}, "it has the header SERVER: nginx/1.22"),
    ],
)
def test_a_header_of_the_response_is_compared(wanted: dict[str, object], wrong: str) -> None:
    found, probes = conversation(get(response_headers=wanted), answer(headers=SENT), lab=GROUP)
    assert found.verdict == ("fail" if wrong else "pass")
    assert found.actual.endswith(wrong)
    assert isinstance(probes[0], RunProgram)
    assert "%{stderr}%{header_json}\n%{json}\n" in probes[0].argv


def test_headers_that_curl_does_not_tell_are_unknown() -> None:
    """curl knows the variable since version 7.83."""
    found = judged(get(response_headers={"Location": None}), answer(), lab=GROUP)
    assert found.verdict == "unknown"


def test_a_time_out_is_curls_own() -> None:
    _, probes = conversation(get(timeout=2), answer(), lab=GROUP)
    assert isinstance(probes[0], RunProgram)
    argv = probes[0].argv
    assert argv[argv.index("--max-time") + 1] == "2"
    assert probes[0].seconds == 3


@pytest.mark.parametrize(
    ("succeed", "answers", "verdict"),
    [
        (None, (answer(), answer(), answer()), "pass"),
        (None, (answer(), answer(), REFUSED), "fail"),
        (2, (answer(), answer(), REFUSED), "pass"),
        (2, (answer(), answer(), answer()), "fail"),
        ({"at_least": 1}, (answer(), answer(status=503), REFUSED), "pass"),
        ({"at_least": 2}, (answer(), answer(status=503), REFUSED), "fail"),
        ({"at_most": 1}, (answer(), answer(status=503), REFUSED), "pass"),
        ({"at_most": 1}, (answer(), answer(), REFUSED), "fail"),
        ({"at_most": 1}, (answer(), LATE, REFUSED), "unknown"),
        ({"at_least": 1}, (answer(), LATE, REFUSED), "pass"),
        ({"at_least": 2}, (answer(), LATE, REFUSED), "fail"),
        ({"at_least": 2}, (answer(), Unavailable("no"), REFUSED), "unknown"),
        (0, (REFUSED, REFUSED, answer(status=502)), "pass"),
        (0, (LATE, REFUSED, REFUSED), "unknown"),
    ],
)
def test_so_many_of_the_requests_succeed(succeed: object, answers: tuple[ProgramResult, ...], verdict: str) -> None:
    """A request that nobody answered in time proves no failure: the client may have been busy."""
    assert judged(get(requests=3, succeed=succeed), *answers, lab=GROUP).verdict == verdict


def test_several_requests_are_told_by_their_number_and_by_what_else_came() -> None:
    found = judged(
        get(requests=3, succeed={"at_least": 2}), answer(), answer(status=503), answer(status=503), lab=GROUP
    )
    assert found.expected.endswith("with success, at least 2 of 3 requests")
    assert found.actual == (
        "1 of 3 requests are answered so; 2 not: status 503 from 192.168.7.11:80; that is no success"
    )
    assert len(found.evidence) == 3


def test_the_servers_that_answered_are_those_that_took_the_connections() -> None:
    both = (answer("192.168.7.11"), answer("192.168.7.12"))
    found = judged(get(requests=2, servers=["app-1", "app-2"]), *both, lab=GROUP)
    assert found.verdict == "pass"
    assert found.actual == "2 of 2 requests are answered so; answered by app-1 (1), app-2 (1)"
    assert judged(get(requests=2, servers=["app"]), *both, lab=GROUP).verdict == "pass"
    assert judged(get(requests=2, servers=["app-1"]), *both, lab=GROUP).verdict == "fail"
    found = judged(get(requests=2, servers=["app"]), both[0], both[0], lab=GROUP)
    assert found.verdict == "fail"
    assert found.actual.endswith("answered by app-1 (2), not by app-2")


def line(upstream: str, port: int = 40000) -> str:
    return f'access 192.168.7.15:{port} "GET / HTTP/1.1" 200 5B 0.001 passed to {upstream}\n'


@pytest.mark.parametrize(
    ("log", "verdict", "says"),
    [
        (line("192.168.7.11:8000"), "pass", "answered by app-1"),
        (line("192.168.7.12:8000, 192.168.7.11:8000"), "pass", "answered by app-1"),
        (line("192.168.7.11:8000, 192.168.7.12:8000"), "fail", "answered by app-2, not by app-1"),
        (line("-"), "fail", "answered by web, not by app-1"),
        (line("192.168.7.11:8000", 40001), "unknown", "has no line about the request from 192.168.7.15:40000"),
    ],
)
def test_behind_a_proxy_its_own_log_says_whom_it_asked(log: str, verdict: str, says: str) -> None:
    found, probes = conversation(get("http://web.shop.lab/", servers=["app-1"]), answer(WEB), LogText(log), lab=GROUP)
    assert found.verdict == verdict
    assert found.actual.endswith(says)
    assert isinstance(probes[1], ReadLog)


def test_of_a_proxy_with_a_program_of_the_authors_the_proxy_is_the_server() -> None:
    assert judged(get("http://own.shop.lab/", servers=["own"]), answer(OWN), lab=GROUP).verdict == "pass"
