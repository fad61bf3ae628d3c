"""Recorded outcomes of connect(2) and of ss(8) -> verdict. That nothing connects needs positive evidence."""

from __future__ import annotations

import socket
import subprocess

import pytest
from check_harness import SHOP, check, conversation, judged, ran, shop

from orchestrator.checks.kinds.connections import CONNECT
from orchestrator.checks.probes import ProbeResult, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck

SIX = SHOP.replace("192.168.7.0/24", "192.168.7.0/24, ipv6: true")
ACCEPTED = ran("192.168.7.12\naccepted\nESTAB 0 0 192.168.7.13:41234 192.168.7.12:80\n")
REFUSED = ran(
    "192.168.7.12\nbash: connect: Connection refused\nbash: line 3: /dev/tcp/192.168.7.12/80: Connection refused\n",
    "",
    1,
)
LOOPBACK_REFUSED = ran("127.0.0.1\nbash: connect: Connection refused\n", "", 1)
SILENT = ran("192.168.7.12\nsilent 3\n", "", 1)
UNREACHABLE = ran("192.168.7.12\nbash: connect: No route to host\n", "", 1)
REJECTED = ran(f"{REFUSED.out}ICMP\n", "", 1)
FORBIDDEN = ran("192.168.7.12\nbash: connect: Protocol not available\nICMP\n", "", 1)
NO_PORT = ran("192.168.7.12\nbash: connect: Cannot assign requested address\n", "", 1)
NO_ADDRESS = ran("", "no address for app.shop.lab\n", 68)
LISTENS = ran("LISTEN 0 128 0.0.0.0:80 0.0.0.0:*\n")
LISTENS_ELSEWHERE = ran("LISTEN 0 128 127.0.0.1:80 0.0.0.0:*\nLISTEN 0 128 0.0.0.0:8080 0.0.0.0:*\n")


def connects(host: str = "app.shop.lab:80") -> BaseCheck:
    return check(from_="client", connects=host)


def cannot(host: str = "app.shop.lab:80") -> BaseCheck:
    return check(from_="client", cannot_connect=host)


def test_an_accepted_connection_passes_with_both_ends() -> None:
    judgement = judged(connects(), ACCEPTED)
    assert (judgement.verdict, judgement.actual) == ("pass", "accepted: 192.168.7.13:41234 -> 192.168.7.12:80")
    assert judgement.expected == "client connects to app.shop.lab:80"
    assert judgement.evidence


@pytest.mark.parametrize(
    ("answer", "actual"),
    [
        (REFUSED, "refused: Connection refused"),
        (SILENT, "silent: no answer to 3 SYN packets"),
        (UNREACHABLE, "unreachable: No route to host"),
        (REJECTED, "unreachable: refused by an ICMP message, as firewalls do"),
        (FORBIDDEN, "unreachable: Protocol not available"),
        (NO_ADDRESS, "no address: no address for app.shop.lab"),
    ],
)
def test_every_other_outcome_fails(answer: ProbeResult, actual: str) -> None:
    judgement = judged(connects(), answer)
    assert (judgement.verdict, judgement.actual) == ("fail", actual)


@pytest.mark.parametrize(
    "answer",
    [
        ran("", "timeout: fork system call failed: Resource temporarily unavailable\n", 125),
        ran("", "bash: fork: retry: Resource temporarily unavailable\n", 254),
        ran("192.168.7.12\nbash: fork: Resource temporarily unavailable\n", "", 1),
        ran("192.168.7.12\nsomething else\n", "", 1),
    ],
)
def test_an_asker_that_cannot_start_a_program_learns_nothing(answer: ProbeResult) -> None:
    """Of processes there is a limit in each node; only the kernel's own word on the connection counts."""
    assert (judged(connects(), answer).verdict, judged(cannot(), answer).verdict) == ("unknown", "unknown")


@pytest.mark.slow
def test_a_line_that_comes_in_two_parts_is_read_whole() -> None:
    """On a busy machine the reader gives up in the middle of the word, and goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = CONNECT.replace("echo accepted", "printf acc; sleep 0.7; echo epted")
        argv = ("bash", "-c", script, "127.0.0.1", str(server.getsockname()[1]))
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines()[:2] == ["127.0.0.1", "accepted"], done.stdout


def test_a_connection_to_another_machine_than_meant_fails() -> None:
    """The name led to the database: that something accepted there proves nothing about the app."""
    judgement = judged(connects(), ran("192.168.7.11\naccepted\nESTAB 0 0 192.168.7.13:4 192.168.7.11:80\n"))
    assert judgement.verdict == "fail"
    assert judgement.actual == "app.shop.lab led to 192.168.7.11, which is db and not app"


@pytest.mark.parametrize("host", ["app", "APP.Shop.Lab", "app.shop.lab."])
def test_a_name_is_the_same_however_a_person_writes_it(host: str) -> None:
    """One label is completed, capitals are small letters: what another machine answers is not the app's answer."""
    led = ran("192.168.7.11\naccepted\nESTAB 0 0 192.168.7.13:4 192.168.7.11:80\n")
    assert judged(connects(f"{host}:80"), led).actual == f"{host} led to 192.168.7.11, which is db and not app"
    refused = ran("192.168.7.11\nbash: connect: Connection refused\n", "", 1)
    assert judged(cannot(f"{host}:80"), refused).verdict == "unknown"
    assert judged(cannot(f"{host}:80"), SILENT, LISTENS).verdict == "pass"


def test_behind_an_alias_the_machine_to_which_it_led_has_to_listen() -> None:
    judgement, probes = conversation(cannot("www.shop.lab:80"), SILENT, LISTENS)
    assert (judgement.verdict, probes[1].node) == ("pass", "app")
    assert judged(cannot("www.shop.lab:80"), SILENT, LISTENS_ELSEWHERE).verdict == "unknown"


def test_a_refusal_is_evidence() -> None:
    judgement = judged(cannot(), REFUSED)
    assert (judgement.verdict, judgement.actual) == ("pass", "refused with an RST from 192.168.7.12")


def test_the_loopback_of_the_asker_is_the_asker() -> None:
    judgement = judged(cannot("127.0.0.1:80"), LOOPBACK_REFUSED)
    assert (judgement.verdict, judgement.expected) == ("pass", "client cannot connect to 127.0.0.1:80 (client)")


def test_what_is_accepted_is_not_prevented() -> None:
    judgement = judged(cannot(), ACCEPTED)
    assert (judgement.verdict, judgement.actual) == ("fail", "accepted: 192.168.7.13:41234 -> 192.168.7.12:80")


GROUP = SHOP.replace("{role: app,", "{role: app, replicas: 2,").replace("[app]", "[app-1]")
FIRST_SILENT = "192.168.7.12\nsilent 3\n192.168.7.13\n"
SECOND = ran(f"{FIRST_SILENT}accepted\nESTAB 0 0 192.168.7.14:41234 192.168.7.13:80\n")
BOTH_END = ran(f"{FIRST_SILENT}bash: connect: Connection refused\n", "", 1)
SECOND_LATE = ran(FIRST_SILENT, "", 124)


@pytest.mark.slow
def test_of_a_name_with_several_addresses_none_may_accept() -> None:
    """A client goes from one address to the next: that the first one is silent keeps nobody out."""
    judgement = conversation(cannot(), SECOND, lab=GROUP)[0]
    assert (judgement.verdict, judgement.actual) == ("fail", "accepted: 192.168.7.14:41234 -> 192.168.7.13:80")
    judgement = conversation(cannot(), BOTH_END, LISTENS, lab=GROUP)[0]
    assert (judgement.verdict, len(judgement.evidence)) == ("pass", 3)
    both_silent = ran("192.168.7.12\nsilent 3\n192.168.7.13\nsilent 3\n", "", 1)
    assert conversation(cannot(), both_silent, LISTENS, ran(""), lab=GROUP)[0].verdict == "unknown"
    assert conversation(cannot(), SECOND_LATE, LISTENS, lab=GROUP)[0].verdict == "unknown"


def test_of_a_name_with_several_addresses_one_that_accepts_is_enough() -> None:
    """As curl does, and as every program that follows getaddrinfo(3); the finding says which address it was."""
    judgement = conversation(connects(), SECOND, lab=GROUP)[0]
    assert (judgement.verdict, judgement.actual) == ("pass", "accepted: 192.168.7.14:41234 -> 192.168.7.13:80")
    assert judgement.evidence[0] == "connect to 192.168.7.12: silent: no answer to 3 SYN packets"
    assert conversation(connects(), BOTH_END, lab=GROUP)[0].verdict == "fail"
    assert conversation(connects(), SECOND_LATE, lab=GROUP)[0].verdict == "unknown"


@pytest.mark.parametrize(("accepted", "verdict"), [("[::1]:8080", "pass"), ("127.0.0.1:8080", "pass")])
def test_localhost_is_both_loopback_addresses(accepted: str, verdict: str) -> None:
    """A server on ::1 alone answers `localhost`, and one on 127.0.0.1 alone does after ::1 has refused."""
    ends = f"accepted\nESTAB 0 0 {accepted.rpartition(':')[0]}:40000 {accepted}\n"
    out = f"::1\n{ends}" if "::1" in accepted else f"::1\nbash: connect: Connection refused\n127.0.0.1\n{ends}"
    assert judged(connects("localhost:8080"), ran(out)).verdict == verdict
    assert judged(cannot("localhost:8080"), ran(out)).verdict == "fail"


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("192.168.7.12\n", "the attempt had not ended after 12 s"),
        ("", "the name had not been looked up after 12 s"),
    ],
)
def test_a_machine_that_is_too_busy_proves_nothing(out: str, reason: str) -> None:
    """Its own slowness is no silence: only three SYNs without an answer are, by the kernel's count.

    Without evidence, `why` does not look into the target for the reason.
    """
    late = ran(out, "", 124)
    assert judged(connects(), late).actual == f"could not be asked: {reason}"
    assert [judged(check, late).verdict for check in (connects(), cannot())] == ["unknown", "unknown"]
    assert judged(cannot(), late).evidence == ()


def test_what_was_accepted_counts_also_where_the_rest_came_too_late() -> None:
    late = ran("192.168.7.12\naccepted\n", "", 124)
    assert (judged(connects(), late).verdict, judged(cannot(), late).verdict) == ("pass", "fail")


@pytest.mark.parametrize("answer", [SILENT, UNREACHABLE, REJECTED])
def test_silence_is_evidence_only_while_the_target_listens(answer: ProbeResult) -> None:
    judgement, probes = conversation(cannot(), answer, LISTENS)
    assert judgement.verdict == "pass"
    assert judgement.actual.endswith("although app listens on 0.0.0.0:80")
    assert probes[1] == RunProgram("app", ("ss", "-Htln"), frozenset({"ss"}))


NO_ROUTE = ran("192.168.7.12\nbash: connect: Network is unreachable\n", "", 1)
OWN_NETWORK = ran("10.1.1.0/24 dev eth0 proto kernel scope link src 10.1.1.10\nunreachable 192.168.0.0/16\n")


def test_no_way_at_all_is_evidence_by_the_askers_own_routing_table() -> None:
    """ENETUNREACH comes at once and from the asker's own kernel: whether the target listens plays no part."""
    judgement, probes = conversation(cannot(), NO_ROUTE, OWN_NETWORK)
    assert judgement.verdict == "pass"
    assert judgement.actual == "Network is unreachable at once: client has no route to 192.168.7.12"
    assert judgement.evidence[1].startswith("routing table of client: 10.1.1.0/24 dev eth0")
    assert probes[1] == RunProgram("client", ("ip", "-4", "route"), frozenset({"ss"}))


@pytest.mark.parametrize("message", ["Invalid argument", "Permission denied"])
def test_a_route_that_drops_or_forbids_is_as_good_as_none(message: str) -> None:
    """The kernel's words for a blackhole and a prohibition (ip-route(8)); the target has to listen, as for silence."""
    answer = ran(f"192.168.7.12\nbash: connect: {message}\nbash: line 6: /dev/tcp/192.168.7.12/80: {message}\n", "", 1)
    assert judged(connects(), answer).actual == f"unreachable: {message}"
    assert judged(cannot(), answer, LISTENS).verdict == "pass"
    assert judged(cannot(), answer, LISTENS_ELSEWHERE).verdict == "unknown"


@pytest.mark.parametrize("way", ["default via 10.1.1.1 dev eth0", "192.168.7.0/24 via 10.1.1.1 dev eth0"])
def test_the_same_word_with_a_way_in_the_table_proves_nothing_by_itself(way: str) -> None:
    """A router on the way may say it too: then the target has to listen, as for silence."""
    assert judged(cannot(), NO_ROUTE, ran(f"{way}\n"), LISTENS).actual.endswith("app listens on 0.0.0.0:80")
    assert judged(cannot(), NO_ROUTE, ran(f"{way}\n"), ran("")).verdict == "unknown"


def test_who_cannot_show_its_routing_table_proves_nothing() -> None:
    assert judged(cannot(), NO_ROUTE, Unavailable("the node client is stopped")).verdict == "unknown"


def test_a_stranger_to_whom_no_way_leads_cannot_be_reached() -> None:
    """What leaves the lab: no node has the address, and none has to."""
    answer = ran("203.0.113.9\nbash: connect: Network is unreachable\n", "", 1)
    assert judged(cannot("203.0.113.9:80"), answer, OWN_NETWORK).verdict == "pass"


def test_an_ipv6_address_is_connected_to_and_has_an_owner() -> None:
    """In brackets, as in a URL (RFC 3986, section 3.2.2), or as ${NODE.ipv6} puts it in."""
    six = str(shop(SIX).attachments_of("app")[0].address6)
    answer = ran(f"{six}\naccepted\nESTAB 0 0 [fd00::13]:41234 [{six}]:80\n")
    for host in (f"[{six}]:80", "[${app.ipv6}]:80", "${app.ipv6}:80"):
        judgement = conversation(connects(host), answer, lab=SIX)[0]
        assert (judgement.verdict, judgement.actual) == ("pass", f"accepted: [fd00::13]:41234 -> [{six}]:80")
        assert judgement.expected == f"client connects to {six}:80 (app)"
    assert conversation(cannot("[::1]:80"), ran("::1\nConnection refused\n", "", 1), lab=SIX)[0].verdict == "pass"


@pytest.mark.parametrize(
    ("local", "verdict"), [("*:80", "pass"), ("[::]:80", "pass"), ("0.0.0.0:80", "unknown"), ("[::1]:80", "unknown")]
)
def test_who_listens_on_ipv4_alone_proves_nothing_about_ipv6(local: str, verdict: str) -> None:
    six = str(shop(SIX).attachments_of("app")[0].address6)
    table = ran(f"LISTEN 0 128 {local} *:*\n")
    assert (
        conversation(cannot("[${app.ipv6}]:80"), ran(f"{six}\nsilent 3\n", "", 1), table, lab=SIX)[0].verdict == verdict
    )


@pytest.mark.parametrize(("family", "database"), [(None, None), ("ipv4", "ahostsv4"), ("ipv6", "ahostsv6")])
def test_of_a_name_one_version_of_ip_may_be_meant(family: str | None, database: str | None) -> None:
    more = {"family": family} if family else {}
    found, probes = conversation(check(from_="client", connects="app.shop.lab:80", **more), ACCEPTED)
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[3:] == ("app.shop.lab", "80", *((database,) if database else ()))
    assert found.expected.endswith({None: "lab:80", "ipv4": "lab:80 over IPv4", "ipv6": "lab:80 over IPv6"}[family])


@pytest.mark.parametrize("table", [ran(""), LISTENS_ELSEWHERE, ran("LISTEN 0 128 [::]:80 *:*\n")])
def test_silence_of_a_target_that_does_not_listen_proves_nothing(table: ProbeResult) -> None:
    """A server that is down is silent too."""
    assert judged(cannot(), SILENT, table).verdict == "unknown"


@pytest.mark.parametrize(
    "answers",
    [
        (NO_ADDRESS,),
        (ran("", "bash: ss: command not found\n", 127),),
        (Unavailable("the node client is stopped"),),
        (SILENT, Unavailable("the node app is stopped")),
        (ran("192.168.7.11\nbash: connect: Connection refused\n", "", 1),),
    ],
)
def test_what_was_not_seen_is_unknown_and_never_a_pass(answers: tuple[ProbeResult, ...]) -> None:
    """No address, a missing tool, a node that is gone, another machine that refused."""
    assert judged(cannot(), *answers).verdict == "unknown"


def test_a_silent_stranger_proves_nothing() -> None:
    assert judged(cannot("10.9.9.9:80"), ran("10.9.9.9\nsilent 3\n", "", 1)).verdict == "unknown"


def test_an_attempt_that_never_left_proves_nothing() -> None:
    """The asker has no free port, or not the address from which the connection should leave."""
    judgement = judged(cannot(), NO_PORT)
    assert (judgement.verdict, judgement.actual) == ("unknown", "unreachable: Cannot assign requested address")
    assert judged(connects(), NO_PORT).verdict == "fail"


def test_an_icmp_message_that_no_server_sends_proves_that_nobody_connects() -> None:
    judgement = judged(cannot(), FORBIDDEN, LISTENS)
    assert (judgement.verdict, judgement.actual) == (
        "pass",
        "Protocol not available, although app listens on 0.0.0.0:80",
    )


def test_a_program_that_listens_over_ipv4_alone_lets_nobody_in_over_ipv6() -> None:
    """It runs: that it does not listen over IPv6 is no accident of the moment."""
    six = shop(SIX).address6_for("client", "app")
    both = ran(f"{six}\nsilent 3\n192.168.7.12\nsilent 3\n", "", 1)
    judgement = conversation(cannot(), both, LISTENS, LISTENS, lab=SIX)[0]
    assert (judgement.verdict, judgement.actual) == (
        "pass",
        "no answer to 3 SYN packets, although app listens on 0.0.0.0:80",
    )


def test_that_one_machine_of_a_name_listens_says_nothing_about_another_one() -> None:
    both = ran("192.168.7.12\nsilent 3\n192.168.7.14\nsilent 3\n", "", 1)
    judgement = judged(cannot("two.shop.lab:80"), both, LISTENS, LISTENS_ELSEWHERE)
    assert judgement.verdict == "unknown"
    assert "web does not listen there" in judgement.actual
