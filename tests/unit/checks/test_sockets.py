"""Recorded socket tables of ss(8), and outcomes of bind(2) -> verdict."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest
from check_harness import SHOP, check, conversation, judged, ran

from orchestrator.checks.kinds.binds import BIND
from orchestrator.checks.probes import ProbeResult, RunProgram, Unavailable
from orchestrator.checks.sockets import read_socket_table
from orchestrator.model.checks import BaseCheck

# As recorded in nodes of the roles app, dns and database on Engine 20.10.
ENGINES = """\
udp UNCONN 0      0      127.0.0.11:40732 0.0.0.0:*
tcp LISTEN 0      4096   127.0.0.11:41031 0.0.0.0:*
"""
APP = ran(ENGINES + 'tcp LISTEN 0      2048      0.0.0.0:80    0.0.0.0:* users:(("python3",pid=7,fd=6))\n')
DNS = ran(
    ENGINES
    + """\
udp UNCONN 0      0      192.168.7.10:53    0.0.0.0:* users:(("named",pid=6,fd=15))
udp UNCONN 0      0          127.0.0.1:53    0.0.0.0:* users:(("named",pid=6,fd=12))
tcp LISTEN 0      10     192.168.7.10:53    0.0.0.0:* users:(("named",pid=6,fd=16))
"""
)
DB = ran(
    ENGINES
    + """\
tcp LISTEN 0      100       0.0.0.0:5432  0.0.0.0:* users:(("postgres",pid=16,fd=6))
tcp LISTEN 0      100          [::]:5432     [::]:* users:(("postgres",pid=16,fd=7))
"""
)
NOBODY = ran(ENGINES)
SIX = SHOP.replace("192.168.7.0/24", "192.168.7.0/24, ipv6: true")


def listens(node: str, *sockets: dict[str, object], **keys: object) -> BaseCheck:
    return check(node=node, listens=list(sockets), **keys)


def test_a_socket_passes_with_its_process_and_its_line() -> None:
    judgement = judged(listens("app", {"port": 80, "address": "all", "process": "python3"}), APP)
    assert (judgement.verdict, judgement.actual) == ("pass", "tcp 0.0.0.0:80 by python3")
    assert judgement.expected == "app listens on tcp port 80 on all addresses, by python3"
    assert judgement.evidence == (
        'socket table of app: tcp LISTEN 0 2048 0.0.0.0:80 0.0.0.0:* users:(("python3",pid=7,fd=6))',
    )


V6ONLY = ran('tcp LISTEN 0 5 [::]:80 [::]:* users:(("python3",pid=7,fd=6))\n')
DUAL = ran('tcp LISTEN 0 5 *:80 *:* users:(("python3",pid=7,fd=6))\n')


@pytest.mark.slow
@pytest.mark.parametrize("exactly", [True, False])
def test_all_addresses_are_those_of_each_version_of_ip_that_the_node_has(exactly: bool) -> None:
    """Where a socket takes IPv6 alone, nobody gets in over IPv4, and the other way round (ipv6(7), IPV6_V6ONLY)."""
    one = listens("app", {"port": 80, "address": "all"}, exactly=exactly)
    assert judged(one, V6ONLY).verdict == "fail"
    assert judged(one, DUAL).verdict == "pass"
    assert judged(one, APP).verdict == "pass"
    assert judged(listens("app", lacks=[{"port": 80, "address": "all"}]), V6ONLY).verdict == "fail"
    verdicts = [conversation(one, table, lab=SIX)[0].verdict for table in (V6ONLY, APP, DUAL)]
    assert verdicts == ["fail", "fail", "pass"]
    db = listens("db", {"port": 5432, "address": "all"}, exactly=exactly)
    assert conversation(db, DB, lab=SIX)[0].verdict == "pass"


def test_who_holds_a_socket_is_not_known_where_the_table_does_not_say() -> None:
    """The table names one's own programs only; what it leaves out may be just the one that must not be there."""
    nameless = ran("tcp LISTEN 0 2048 0.0.0.0:80 0.0.0.0:*\n")
    assert judged(listens("app", lacks=[{"port": 80, "process": "python3"}]), nameless).verdict == "unknown"
    assert judged(listens("app", {"port": 80, "process": "python3"}), nameless).verdict == "unknown"
    assert judged(listens("app", lacks=[{"port": 80, "process": "nginx"}]), APP).verdict == "pass"


@pytest.mark.parametrize(
    ("node", "socket", "table", "actual"),
    [
        ("app", {"port": 81}, APP, "nothing is bound to tcp port 81"),
        (
            "app",
            {"port": 80, "address": "loopback"},
            APP,
            "nothing is bound to tcp port 80 on loopback (there is tcp 0.0.0.0:80 by python3)",
        ),
        (
            "app",
            {"port": 80, "process": "nginx"},
            APP,
            "nothing is bound to tcp port 80, by nginx (there is tcp 0.0.0.0:80 by python3)",
        ),
        (
            "app",
            {"port": 80, "protocol": "udp"},
            APP,
            "nothing is bound to udp port 80 (there is tcp 0.0.0.0:80 by python3)",
        ),
        (
            "dns",
            {"port": 53, "address": "loopback"},
            DNS,
            "nothing is bound to tcp port 53 on loopback (there is udp 192.168.7.10:53 by named, "
            "udp 127.0.0.1:53 by named, tcp 192.168.7.10:53 by named)",
        ),
    ],
)
def test_protocol_port_address_and_process_are_compared(
    node: str, socket: dict[str, object], table: ProbeResult, actual: str
) -> None:
    """tcp 53 and udp 53 are two; the message says what is there instead."""
    judgement = judged(listens(node, socket), table)
    assert (judgement.verdict, judgement.actual) == ("fail", actual)


@pytest.mark.parametrize("place", ["lab", "192.168.7.10"])
def test_a_network_of_the_node_means_its_address_there(place: str) -> None:
    assert judged(listens("dns", {"port": 53, "address": place}), DNS).verdict == "pass"
    assert judged(listens("app", {"port": 80, "address": place}), APP).verdict == "fail"


def test_exactly_these_and_not_that_one() -> None:
    assert judged(listens("db", {"port": 5432}, exactly=True), DB).verdict == "pass"
    judgement = judged(listens("dns", {"port": 53, "protocol": "udp"}, exactly=True), DNS)
    assert (judgement.verdict, judgement.actual) == ("fail", "tcp 192.168.7.10:53 by named is there")
    judgement = judged(listens("db", lacks=[{"port": 5432, "address": "all"}]), DB)
    assert judgement.actual == "tcp 0.0.0.0:5432 by postgres is there; tcp [::]:5432 by postgres is there"
    assert judgement.verdict == "fail"
    assert judged(listens("db", lacks=[{"port": 5432, "address": "loopback"}]), DB).verdict == "pass"


def test_the_engines_own_sockets_do_not_count() -> None:
    """Docker's name server for the node listens on 127.0.0.11, also where the node runs nothing."""
    judgement = judged(listens("client", exactly=True), NOBODY)
    assert (judgement.verdict, judgement.expected) == ("pass", "client listens on nothing")
    assert judged(listens("client", {"port": 41031}), NOBODY).verdict == "fail"


def test_an_address_of_one_interface_is_read_without_it() -> None:
    """A link-local IPv6 address bears its interface behind the brackets, and is no loopback (RFC 4007, section 11)."""
    line = 'tcp LISTEN 0 10 [fe80::42:c0ff:fea8:ac0a]%eth0:53 [::]:* users:(("named",pid=6,fd=16))\n'
    (found,) = read_socket_table(ran(line))
    assert (found.address, found.port, found.loopback) == ("fe80::42:c0ff:fea8:ac0a", 53, False)


@pytest.mark.parametrize(
    ("place", "address", "verdict"),
    [
        ("0.0.0.0%eth1", "all", "fail"),  # in from eth1 alone
        ("0.0.0.0%eth1", "loopback", "fail"),
        ("0.0.0.0%lo", "all", "fail"),
        ("0.0.0.0%lo", "loopback", "pass"),
        ("127.0.0.53%lo", "loopback", "pass"),
        ("0.0.0.0", "all", "pass"),
    ],
)
def test_a_socket_of_one_interface_is_not_on_all_addresses(place: str, address: str, verdict: str) -> None:
    """socket(7), SO_BINDTODEVICE"""
    line = f'tcp LISTEN 0 10 {place}:53 0.0.0.0:* users:(("named",pid=6,fd=16))\n'
    found = judged(listens("dns", {"port": 53, "address": address}), ran(line))
    assert found.verdict == verdict
    assert place in found.actual


def test_a_table_that_could_not_be_read_is_unknown() -> None:
    """An empty table proves that nothing listens; no table proves nothing."""
    for answer in (Unavailable("the node app is stopped"), ran("", "bash: ss: command not found\n", 127)):
        assert judged(listens("app", exactly=True), answer).verdict == "unknown"


SETTINGS = {"privileged": ["0"], "range": ["32768", "60999"]}


def bound(address: str, port: int) -> ProbeResult:
    return ran(json.dumps({**SETTINGS, "bound": [address, port]}))


def refused(error: str, message: str, **settings: object) -> ProbeResult:
    return ran(json.dumps({**SETTINGS, **settings, "error": error, "said": message}))


IN_USE = refused("EADDRINUSE", "Address already in use")


def cannot(error: str = "EADDRINUSE", **keys: str) -> BaseCheck:
    return check(from_="app", cannot_bind=keys.pop("place", "0.0.0.0:80"), error=error, **keys)


def test_a_taken_port_passes_with_the_socket_that_has_it() -> None:
    judgement = judged(cannot(), IN_USE, APP)
    assert (judgement.verdict, judgement.actual) == ("pass", "EADDRINUSE: Address already in use")
    assert judgement.expected == "a program on app cannot bind tcp 0.0.0.0:80: EADDRINUSE"
    assert judgement.evidence[1].startswith("socket table of app: tcp LISTEN 0 2048 0.0.0.0:80")


def test_a_privileged_port_passes_with_the_kernels_setting() -> None:
    answer = refused("EACCES", "Permission denied", privileged=["1024"])
    judgement = judged(cannot("EACCES"), answer, NOBODY)
    assert (judgement.verdict, judgement.actual) == ("pass", "EACCES: Permission denied")
    assert judgement.evidence[1] == "ports below 1024 need a privilege there (ip_unprivileged_port_start)"


def test_another_reason_than_claimed_fails() -> None:
    judgement = judged(cannot("EACCES"), IN_USE, APP)
    assert (judgement.verdict, judgement.actual) == ("fail", "EADDRINUSE: Address already in use")


def test_what_can_be_bound_is_not_prevented() -> None:
    judgement = judged(cannot(), bound("0.0.0.0", 80), NOBODY)
    assert (judgement.verdict, judgement.actual) == ("fail", "it was bound, nothing was in the way")


def test_port_0_says_which_port_was_picked() -> None:
    judgement = judged(check(from_="client", binds="127.0.0.1:0"), bound("127.0.0.1", 40099), NOBODY)
    assert (judgement.verdict, judgement.actual) == ("pass", "port 0: the kernel picked tcp port 40099")
    assert judgement.evidence == ("bound to 127.0.0.1:40099, picked from 32768-60999",)
    judgement = judged(check(from_="app", binds="0.0.0.0:80"), IN_USE, APP)
    assert (judgement.verdict, judgement.actual) == ("fail", "EADDRINUSE: Address already in use")


@pytest.mark.parametrize("answer", [Unavailable("gone"), ran("", "python3: not found", 127), ran("", "Traceback", 1)])
def test_a_bind_that_was_not_tried_is_unknown(answer: ProbeResult) -> None:
    assert judged(cannot(), answer, APP).verdict == "unknown"
    assert judged(check(from_="app", binds="0.0.0.0:81"), answer, APP).verdict == "unknown"


@pytest.mark.parametrize("one", [cannot(), check(from_="app", binds="0.0.0.0:80")])
def test_what_only_some_programs_can_bind_is_unknown(one: BaseCheck) -> None:
    """Ended connections (TIME_WAIT) are in the way of a program that does not set SO_REUSEADDR, and of no other."""
    answer = ran(json.dumps({**SETTINGS, "error": "EADDRINUSE", "said": "in use", "with_reuse": {"bound": ["::", 80]}}))
    judgement = judged(one, answer, NOBODY)
    assert judgement.verdict == "unknown"
    assert "without SO_REUSEADDR: EADDRINUSE: in use; with it: it is bound" in judgement.actual


def test_an_author_says_which_program_is_meant() -> None:
    for reuse, way in ((True, "1"), (False, "0")):
        one = check(from_="app", binds="0.0.0.0:80", reuse_address=reuse)
        judgement, probes = conversation(one, bound("0.0.0.0", 80), NOBODY)
        assert isinstance(probes[0], RunProgram)
        assert (judgement.verdict, probes[0].argv[-2:]) == ("pass", ("tcp", way))


def test_the_address_may_be_another_machines() -> None:
    answer = refused("EADDRNOTAVAIL", "Cannot assign requested address")
    judgement, probes = conversation(cannot("EADDRNOTAVAIL", place="${db}:80", protocol="udp"), answer, APP)
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[-4:] == ("192.168.7.11", "80", "udp", "0")
    assert judgement.verdict == "pass"


@pytest.mark.slow
def test_the_program_says_what_the_kernel_says() -> None:
    """The real program on the real kernel: a port that it was given can be had once only."""

    def run(place: str, port: int, protocol: str = "tcp", *reuse: str) -> dict[str, object]:
        argv = (sys.executable, "-I", "-c", BIND, place, str(port), protocol, *reuse)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        return dict(json.loads(done.stdout))

    holder = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
    argv = (sys.executable, "-I", "-c", holder + "sys.stdin.read()")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout
        assert held.stdin
        port = int(held.stdout.readline())
        assert run("127.0.0.1", port)["error"] == "EADDRINUSE"
        assert run("0.0.0.0", port)["error"] == "EADDRINUSE"
        assert "bound" in run("127.0.0.1", port, "udp")
        held.stdin.close()
    assert run("192.0.2.1", 0)["error"] == "EADDRNOTAVAIL"


@pytest.mark.slow
def test_an_ended_connection_is_in_the_way_of_a_plain_bind_alone() -> None:
    """The side that closes first keeps the port in TIME_WAIT; the program tells both ways apart on the real kernel."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as client:
        port = int(server.getsockname()[1])
        accepted = server.accept()[0]
        accepted.close()
        assert client.recv(1) == b""
    argv = (sys.executable, "-I", "-c", BIND, "127.0.0.1", str(port), "tcp", "0", "1")
    document = json.loads(subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout)
    assert (document["error"], "bound" in document["with_reuse"]) == ("EADDRINUSE", True)
