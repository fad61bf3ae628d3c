"""Walks in a lab where all is well but for what a test breaks: what is named, what is not, and what is unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from check_harness import refused
from walk_harness import (
    CONNECTS,
    FAR,
    FOUND,
    LOST,
    Rule,
    SimulatedLab,
    dns_reply,
    far,
    out_of_memory,
    program,
    state,
    tcp,
    walked,
)

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult, RunProgram, Unavailable
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.diagnosis_runner import DiagnosisRunner
from orchestrator.model.checks import KINDS
from orchestrator.planning.desired import resolver_text

pytestmark = pytest.mark.slow


def test_where_each_layer_holds_nothing_is_named() -> None:
    """A failure that is over when we look is told as just that."""
    walk = walked(far(), **CONNECTS)
    assert (walk.broken, walk.also) == (None, ())
    assert walk.sentence == "Each layer held when it was asked once more; the check itself had seen: it is not so."
    assert [layer.name for layer in walk.layers] == ["node", "listen", "route", "resolver", "dns", "tcp"]


def test_of_a_check_that_holds_each_layer_held() -> None:
    walk = walked(far(), verdict="pass", **CONNECTS)
    assert (walk.sentence, walk.command) == ("Each layer held.", "")


@pytest.mark.parametrize("tool", ["ss", "ip", "cat", "python3", "bash"])
def test_a_layer_that_cannot_be_asked_is_unknown_and_said_so(tool: str) -> None:
    """Nothing is named on the strength of an answer that did not come; nor is it taken for a layer that holds."""
    world = far()
    world.rules.append(program(tool, Unavailable("the engine did not answer")))
    walk = walked(world, **CONNECTS)
    assert walk.broken is None
    unknown = [layer for layer in walk.layers if layer.verdict == "unknown"]
    assert unknown
    assert all("the engine did not answer" in layer.summary for layer in unknown)
    assert "not all could be asked" in walk.sentence
    assert unknown[0].title in walk.sentence
    assert walk.sentence.endswith("(the engine did not answer).")
    held = walked(world, "pass", **CONNECTS)
    assert held.sentence.startswith("The check holds; of its layers not all could be asked: ")
    assert held.sentence.endswith("(the engine did not answer).")
    assert held.command == ""


def test_a_broken_layer_of_a_check_that_holds_is_told_as_such() -> None:
    world = far()
    moved = [{"ifname": "eth0", "flags": ["UP"], "addr_info": [{"local": "192.168.9.9", "family": "inet"}]}]
    world.rules.append(
        lambda probe: (
            ProgramResult(0, json.dumps(moved), "")
            if isinstance(probe, RunProgram) and (probe.node, probe.argv[-1]) == ("client", "addr")
            else None
        )
    )
    walk = walked(world, "pass", **CONNECTS)
    assert walk.sentence.startswith("The check holds, but a layer does not: The node client ")


@pytest.mark.parametrize(("table", "says"), [("1 0", "1 waits in its queue"), ("6 5", "6 wait in its queue")])
def test_a_program_whose_queue_is_full_is_named_and_not_the_way_to_it(table: str, says: str) -> None:
    """The kernel drops what it has no room for (listen(2)); from outside that looks like a lost packet."""
    world = far()
    pending_connections = f"tcp LISTEN {table} 0.0.0.0:80 0.0.0.0:*\n"
    world.rules += [tcp("silent 3"), program("ss", ProgramResult(0, pending_connections, ""), "app-1")]
    walk = walked(world, **CONNECTS)
    assert walk.broken is not None
    assert walk.broken.name == "tcp"
    assert says in walk.sentence
    assert walk.also == ()


def test_a_program_that_is_missing_has_seen_nothing() -> None:
    world = far()
    world.rules.append(
        program("ss", ProgramResult(127, "", "timeout: failed to run command 'ss': No such file or directory"))
    )
    assert [x.name for x in walked(world, **CONNECTS).layers if x.verdict == "unknown"] == ["listen"]


def test_a_node_that_has_ended_for_lack_of_memory_says_so() -> None:
    """`heal` would start it, and it would end again: the limit in the file is the cause."""
    world = far()
    world.rules.append(out_of_memory("app-1"))
    walk = walked(world, **CONNECTS)
    assert walk.sentence == (
        "The node app-1 has ended because its program wanted more than its 192 MiB of memory (limits: memory)."
    )
    assert walk.command == "wirelab logs far app-1"


@pytest.mark.parametrize(
    ("word", "code", "says", "tries"),
    [
        ("stopped", 137, "The node app-1 is stopped, so nobody can reach it.", "wirelab up far"),
        ("stopped", 1, "The node app-1 has ended by itself, with exit code 1.", "wirelab logs far app-1"),
        ("missing", 0, "The node app-1 is not there: it has no container.", "wirelab up far"),
        ("restarting", 0, "The node app-1 is restarting, so nobody can reach it.", "wirelab up far"),
    ],
)
def test_a_node_that_does_not_run_is_named_by_its_state(word: str, code: int, says: str, tries: str) -> None:
    world = far()
    world.rules.append(state("app-1", word, code))
    walk = walked(world, **CONNECTS)
    assert (walk.sentence, walk.command, walk.also) == (says, tries, ())


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        ("bash: connect: Connection refused", "refused at once"),
        ("silent 3", "Nothing comes back from port 80 of app-1"),
        ("bash: connect: No route to host", "cannot reach port 80 of app-1: No route to host"),
    ],
)
def test_what_only_the_connection_shows_is_named_there(ended: str, says: str) -> None:
    """The server listens and the routes are right: something on the way drops or refuses."""
    world = far()
    world.rules.append(tcp(ended))
    walk = walked(world, **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "tcp"
    assert says in walk.sentence


def test_a_socket_of_ipv6_alone_does_not_take_what_is_sent_to_an_ipv4_address() -> None:
    """ss(8) prints * for both versions, and [::] for IPv6 alone."""
    world = far()
    world.rules += [
        program("ss", ProgramResult(0, "tcp LISTEN 0 9 [::]:80 [::]:*\n", ""), "app-1"),
        tcp("connect: Connection refused"),
    ]
    walk = walked(world, **CONNECTS)
    address = world.topology.address_for("client", "app-1")
    assert walk.sentence == f"app-1 waits on port 80 over IPv6 alone, and {address} is no IPv6 address."
    world.rules[0] = program("ss", ProgramResult(0, "tcp LISTEN 0 9 *:80 *:*\n", ""), "app-1")
    assert walked(world, **CONNECTS).sentence.startswith("The connection to port 80 of app-1 is refused")


# curl's exit code, its words, the status that it had seen -> the sentence
UNFINISHED = (
    (52, "Empty reply from server", 0, "closes it without an answer"),
    (56, "Recv failure: Connection reset by peer", 0, "breaks it off with an RST"),
    (1, "Received HTTP/0.9 when not allowed", 0, "its answer is no HTTP: Received HTTP/0.9 when not allowed"),
    (28, "Operation timed out", 0, "gives no answer within 4 seconds"),
    (28, "Operation timed out with 3 out of 9 bytes", 200, "does not end its answer with status 200 within 4 seconds"),
    (18, "9 bytes missing", 200, "ends it in the middle of its answer with status 200: 9 bytes missing"),
)


@pytest.mark.parametrize(("code", "message", "status", "says"), UNFINISHED)
def test_what_a_server_does_instead_of_a_whole_answer_is_named(code: int, message: str, status: int, says: str) -> None:
    world = far()
    facts = json.dumps({"http_code": status, "time_connect": 0.1})
    world.rules.append(program("curl", ProgramResult(code, "", f"curl: ({code}) {message}\n{facts}")))
    walk = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert walk.sentence == f"app-1 accepts the connection, but {says}."


def test_a_connection_that_is_reset_before_curl_looks_at_it_was_made_all_the_same() -> None:
    world = far()
    facts = json.dumps({"http_code": 0, "time_connect": 0})
    world.rules.append(
        program("curl", ProgramResult(56, "", f"curl: (56) Recv failure: Connection reset by peer\n{facts}"))
    )
    walk = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert walk.sentence == "app-1 accepts the connection, but breaks it off with an RST."


def test_of_a_server_that_cannot_answer_all_are_walked_to_that_it_needs() -> None:
    """The proxy hands on the app's 503; the app's database drops what comes."""
    world = far()
    facts = json.dumps({"http_code": 503, "time_connect": 0.1})
    dropped = ProgramResult(1, f"{world.topology.address_for('app-1', 'db')}\nsilent 3\n", "")
    world.rules += [program("curl", ProgramResult(0, "away", facts), "client"), program("bash", dropped, "app-1")]
    walk = walked(world, from_="client", http="http://gate.shop.lab/items")
    assert walk.sentence.startswith("Nothing comes back from port 5432 of db")
    ends = list(dict.fromkeys((layer.asker, layer.target) for layer in walk.layers))
    assert ends[:3] == [("client", "gate"), ("gate", "app-1"), ("gate", "app-2")]
    assert ends[3:] == [("app-1", "db"), ("app-2", "db")]


def test_a_resolv_conf_that_cannot_be_read_is_not_taken_for_an_empty_one() -> None:
    world = far()
    world.rules.append(program("cat", ProgramResult(1, "", "cat: /etc/resolv.conf: Permission denied\n"), "client"))
    walk = walked(world, **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "resolver"
    assert "of client cannot be read (Permission denied)" in walk.sentence


def test_a_dns_server_that_is_away_while_another_answered_is_not_blamed() -> None:
    world = far(FAR.replace("resolvers: [resolver], uses: [app]}", "resolvers: [resolver, auth], uses: [app]}", 1))
    world.rules.append(state("resolver", "stopped"))
    walk = walked(world, **CONNECTS)
    assert walk.broken is None
    assert walk.layers[0].evidence == ("resolver is stopped; another DNS server answered",)


def test_a_router_that_is_away_is_named_and_not_the_networks() -> None:
    world = far()
    world.rules += [state("router", "stopped"), tcp("connect: Network is unreachable")]
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence == "The router router is stopped, so clerk reaches nobody on another network."
    assert walk.also == ()


def test_without_a_common_network_and_a_router_just_that_is_named() -> None:
    world = far(FAR.replace("  router:   {role: router, networks: [near, office]}\n", ""))
    world.rules.append(tcp("silent 3"))
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence.startswith("clerk and app-1 have no network in common: clerk stands on office, app-1 on near")


def test_a_router_in_which_forwarding_is_off_is_named() -> None:
    """Where nothing comes through, be it to the target or to the DNS server alone."""
    world = far()
    off = program("cat", ProgramResult(0, "0\n", ""), "router")
    world.rules += [tcp("silent 3"), off]
    assert "router router passes nothing on" in walked(world, **{**CONNECTS, "from_": "clerk"}).sentence
    world.rules[:] = [off, dns_reply(ProgramResult(9, LOST.format(server="192.168.1.1"), ""))]
    walk = walked(world, from_="clerk", resolves="app-1.shop.lab", to="app-1")
    assert "router router passes nothing on" in walk.sentence
    assert walk.also == ()


def test_a_router_that_passes_nothing_on_is_named_where_all_behind_it_is_lost() -> None:
    """Where only the target is lost the router does its work, and the packets are lost elsewhere."""
    world = far()
    world.rules.append(tcp("silent 3"))
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence.startswith("Nothing comes back from port 80 of app-1")
    world.rules.append(dns_reply(ProgramResult(9, LOST.format(server="192.168.1.1"), "")))
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence == "Nothing comes through the router router: clerk reaches neither app-1 nor resolver."
    assert walk.also == ()
    world.rules.append(program("ip", ProgramResult(0, json.dumps([{"ifname": "lo", "flags": ["UP"]}]), ""), "router"))
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence.startswith("The node router is cut off")
    assert walk.also == ()


def test_a_way_over_a_machine_that_is_no_router_is_named() -> None:
    world = far()
    gateway = str(world.topology.address_for("app-1", "db"))
    astray = ProgramResult(0, json.dumps([{"dev": "eth0", "gateway": gateway}]), "")
    back = str(world.topology.address_for("app-1", "clerk"))
    world.rules += [
        lambda probe: astray if isinstance(probe, RunProgram) and probe.argv[-1] == back else None,
        tcp("silent 3"),
    ]
    walk = walked(world, **{**CONNECTS, "from_": "clerk"})
    assert walk.sentence == f"app-1 sends what is for clerk through {gateway} (db), which is no router."
    world.rules.pop()
    assert walked(world, **{**CONNECTS, "from_": "clerk"}).broken is None


def test_a_lost_way_to_the_dns_server_is_named_where_a_node_connects_to_itself() -> None:
    """That the node reaches itself says nothing of its way to the DNS server."""
    world = far()
    server = str(world.topology.address_for("app-1", "resolver"))
    gateway = str(world.topology.address_for("app-1", "db"))
    astray = ProgramResult(0, json.dumps([{"dev": "eth0", "gateway": gateway}]), "")
    world.rules += [
        lambda probe: astray if isinstance(probe, RunProgram) and probe.argv[-1] == server else None,
        dns_reply(ProgramResult(9, LOST.format(server=server), ""), "app-1"),
    ]
    walk = walked(world, from_="app-1", connects="app-1.shop.lab:80")
    assert walk.broken
    assert walk.broken.name == "route"
    assert walk.sentence.startswith(f"app-1 sends what is for resolver through {gateway} (db), though")
    world.rules.pop()
    assert walked(world, from_="app-1", connects="app-1.shop.lab:80").broken is None


def test_of_a_group_each_machine_is_walked_to() -> None:
    """One of several machines behind a name is away."""
    world = far()
    world.rules.append(state("app-2", "stopped", 137))
    walk = walked(world, from_="client", http="http://app.shop.lab/items")
    assert {layer.target for layer in walk.layers} == {"app-1", "app-2"}
    assert walk.sentence == "The node app-2 is stopped, so nobody can reach it."


def test_a_program_is_walked_to_where_its_words_lead() -> None:
    """A URL and a name inside a shell script; what the program printed is explained by what is broken there."""
    world = far()
    world.rules.append(state("app-2", "stopped", 137))
    script = ["bash", "-c", "curl -s http://app-2.shop.lab/whoami; dig +short db.shop.lab. | head -n 1"]
    walk = walked(world, from_="client", runs=script)
    assert [layer.target for layer in walk.layers if layer.name == "dns"] == ["app-2", "db"]
    assert walk.sentence == "The node app-2 is stopped, so nobody can reach it."
    assert walk.also == ()


def test_of_a_program_that_failed_all_are_walked_to_that_its_servers_need() -> None:
    world = far()
    world.rules.append(state("db", "stopped", 137))
    walk = walked(world, from_="client", runs=["curl", "-sf", "http://gate.shop.lab/items"])
    assert walk.sentence == "The node db is stopped, so nobody can reach it."
    assert walk.layers[-1].title == "what the check says"
    assert not walk.layers[-1].causes


@pytest.mark.parametrize("words", [["nc", "-z", "db.shop.lab", "5432"], ["ping", "-c", "1", "${db}"]])
def test_a_program_is_walked_to_the_node_that_its_words_name(words: list[str]) -> None:
    """By a name or by an address, also without a URL."""
    world = far()
    world.rules.append(state("db", "stopped", 137))
    assert walked(world, from_="client", runs=words).sentence == "The node db is stopped, so nobody can reach it."


def test_an_entry_in_the_hosts_file_is_named_where_dns_is_right() -> None:
    """Programs look there first, and dig(1) does not look there at all (hosts(5))."""
    world = far()
    db = world.topology.address_for("client", "db")
    hosts = ProgramResult(0, f"127.0.0.1 localhost\n{db} x app-1.shop.lab # mine\n", "")
    conf = resolver_text(world.topology, "client")
    world.rules.append(
        lambda probe: (
            (hosts if probe.argv[1] == "/etc/hosts" else ProgramResult(0, conf, ""))
            if isinstance(probe, RunProgram) and probe.argv[0] == "cat"
            else None
        )
    )
    walk = walked(world, **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "resolver"
    assert walk.sentence.startswith(f"app-1.shop.lab is {db} (db) in the file /etc/hosts of client")
    assert walk.command == "wirelab exec far client -- cat /etc/hosts"


SIX = """
name: far
title: A network with IPv6
networks: {near: {ipv6: true}}
nodes:
  web:    {role: service, command: [sleep, "9"], listens: [{port: 80}]}
  client: {role: client}
"""


def test_an_ipv6_address_that_is_asked_for_must_be_there_too() -> None:
    world = far(SIX)
    world.rules.append(tcp("silent 3"))
    walk = walked(world, from_="client", connects="[${web.ipv6}]:80")
    assert walk.broken
    assert (walk.broken.name, walk.also) == ("route", ())
    assert "has no interface with its address fd" in walk.sentence


def test_an_app_behind_a_proxy_that_accepts_and_says_nothing_is_named_and_not_the_proxy() -> None:
    world = far()
    facts = json.dumps({"http_code": 0, "time_connect": 0.1})
    world.rules.append(program("curl", ProgramResult(28, "", f"curl: (28) Operation timed out\n{facts}")))
    walk = walked(world, from_="client", http="http://gate.shop.lab/items")
    assert walk.sentence == "app-1 accepts the connection, but gives no answer within 4 seconds."
    assert walk.layers[-1].causes == ()


def timed_out_before_connected(world: SimulatedLab) -> None:
    """What curl tells where no room is left in the queue of a program that is frozen: nobody answers its SYN."""
    facts = json.dumps({"http_code": 0, "time_connect": 0})
    error = "curl: (28) Connection timed out after 4002 milliseconds"
    world.rules.append(program("curl", ProgramResult(28, "", f"{error}\n{facts}")))


def test_a_frozen_server_that_accepts_one_connection_and_answers_none_is_named() -> None:
    """The connection of the walk took the last place in the queue, so that of the request got none."""
    world = far()
    timed_out_before_connected(world)
    walk = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert walk.sentence == "app-1 accepts the connection, but gives no answer within 4 seconds."


def test_a_server_that_accepts_no_connection_is_not_said_to_accept_one() -> None:
    world = far()
    timed_out_before_connected(world)
    world.rules.append(tcp("silent 3"))
    walk = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert walk.sentence.startswith("Nothing comes back from port 80 of app-1")
    assert walk.layers[-1].summary == "not asked: there was no connection"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_nowhere_is_no_connection_that_was_accepted(scheme: str) -> None:
    """curl waits for DNS in the time of its request; of a stranger nobody knows an address to connect to."""
    world = far()
    timed_out_before_connected(world)
    world.rules.append(dns_reply(ProgramResult(0, LOST.format(server="192.168.1.1"), "")))
    walk = walked(world, from_="client", http=f"{scheme}://www.example.com/")
    assert [layer.summary for layer in walk.layers if layer.name in ("tls", "answer")][-1:] == [
        "not asked: there was no connection"
    ]
    assert all("accepts the connection" not in cause.sentence for layer in walk.layers for cause in layer.causes)


@pytest.mark.parametrize(("outcome", "begins"), [("accepted", "gate accepts the connection, but"), ("silent 3", "")])
def test_a_server_that_shows_no_certificate_in_time_is_said_to_be_silent(outcome: str, begins: str) -> None:
    world = far()
    if outcome != "accepted":
        world.rules.append(tcp(outcome))
    actual = "no certificate in 4 s: nothing answers the handshake"
    walk = walked(world, actual=actual, from_="client", tls="gate.shop.lab:80")
    silent = f"{begins} does not answer the TLS handshake within 4 seconds."
    assert (walk.sentence == silent) == bool(begins)
    assert begins or walk.sentence.startswith("Nothing comes back from port 80 of gate")


def test_a_server_that_leaves_a_tls_handshake_unanswered_is_named() -> None:
    world = far()
    facts = json.dumps({"http_code": 0, "time_connect": 0, "time_appconnect": 0})
    world.rules.append(
        program("curl", ProgramResult(28, "", f"curl: (28) Connection timed out after 4002 milliseconds\n{facts}"))
    )
    walk = walked(world, from_="client", http="https://gate.shop.lab:80/")
    assert walk.sentence == "gate accepts the connection, but does not answer the TLS handshake within 4 seconds."
    assert walk.also == ()


def test_what_a_check_met_without_a_dns_server_is_no_second_break() -> None:
    world = far()
    silent = ProgramResult(0, LOST.format(server="192.168.1.1"), "")
    world.rules += [state("resolver", "stopped", 137), dns_reply(silent)]
    walk = walked(world, actual="no certificate in 4 s", from_="client", tls="gate.shop.lab:80")
    assert walk.sentence.startswith("The DNS server resolver is stopped")
    assert walk.also == ()


# what psql ended with, and how the sentence begins
UNANSWERED = (
    (2, 'psql: error: FATAL:  role "app" is not permitted to log in', "The database db does not let app-1 in: role"),
    (0, "permission denied for table items", "The database db refuses the statement: permission denied"),
    (124, "", "db accepts the connection, but does not answer the statement in time."),
)


@pytest.mark.parametrize(("code", "err", "says"), UNANSWERED)
def test_what_a_database_does_instead_of_an_answer_is_named(code: int, err: str, says: str) -> None:
    world = far()
    out = refused("42501", err).out if code == 0 else ""
    world.rules.append(program("env", ProgramResult(code, out, err)))
    walk = walked(world, actual=err, from_="app-1", sql="select name from items")
    assert walk.sentence.startswith(says)
    assert walk.broken


def test_a_database_whose_connection_could_not_be_tried_is_not_said_to_accept_it() -> None:
    """psql's time-out begins before it connects (libpq, connect_timeout): it may have met silence on the way."""
    world = far()
    expired = 'psql: error: connection to server at "db", port 5432 failed: timeout expired'
    world.rules += [program("env", ProgramResult(2, "", expired))]
    assert "db accepts the connection" in walked(world, actual=expired, from_="app-1", sql="select 1").sentence
    world.rules.append(program("bash", Unavailable("app-1 is busy")))
    assert "accepts the connection" not in walked(world, actual=expired, from_="app-1", sql="select 1").sentence


# dig's answer -> how the sentence ends
NAMED = (
    ("NXDOMAIN", "app-1.shop.lab. 60 IN CNAME gone.shop.lab.", "is an alias of gone.shop.lab, which does not exist."),
    ("NOERROR", "app-1.shop.lab. 60 IN CNAME gone.shop.lab.", "is an alias of gone.shop.lab, which has no A record."),
    ("NXDOMAIN", "", "that the name app-1.shop.lab does not exist (NXDOMAIN)."),
)


@pytest.mark.parametrize(("rcode", "rows", "says"), NAMED)
def test_an_alias_of_nobody_is_no_missing_name(rcode: str, rows: str, says: str) -> None:
    world = far()
    answer = FOUND.format(rows=rows, server="192.168.1.1").replace("NOERROR", rcode)
    world.rules.append(dns_reply(ProgramResult(0, answer, "")))
    assert walked(world, **CONNECTS).sentence.endswith(says)


OTHER = {"family": "inet", "scope": "global", "local": "192.168.99.9"}


@pytest.mark.parametrize(
    ("eth0", "says", "tries"),
    [
        (
            [OTHER],
            "does not have its address {}: it has 192.168.99.9.",
            "wirelab inject far stop app-1 && wirelab heal far",
        ),
        ([], "does not have its address {}: no interface has it.", "wirelab inject far stop app-1 && wirelab heal far"),
        (None, "is cut off: it has no interface with its address {}.", "wirelab up far"),
    ],
)
def test_an_address_that_was_taken_inside_is_not_healed_by_connecting(eth0: Any, says: str, tries: str) -> None:
    """To the engine a node is connected whose address somebody changed; only a new start gives it back."""
    world = far()
    own = [{"ifname": "lo", "flags": ["UP"], "addr_info": []}]
    own += [{"ifname": "eth0", "flags": ["UP"], "addr_info": eth0}] if eth0 is not None else []
    world.rules += [program("ip", ProgramResult(0, json.dumps(own), ""), "app-1"), tcp("connect: No route to host")]
    walk = walked(world, **CONNECTS)
    assert walk.sentence.endswith(says.format(world.topology.address_for("client", "app-1")))
    assert walk.command == tries


def test_a_connection_that_must_not_be_is_named_where_it_is() -> None:
    walk = walked(far(), actual="accepted: a -> b", from_="client", cannot_connect="db.shop.lab:5432")
    assert walk.broken
    assert walk.broken.name == "tcp"
    assert walk.sentence == "client can connect to port 5432 of db, but the check says that it cannot."


def test_what_a_check_wants_is_no_reason_why_it_could_not_be_asked() -> None:
    """Nobody listens there, as it should be; that explains only an attempt that was made and proved nothing."""
    wanted = {"from_": "client", "cannot_connect": "db.shop.lab:5433"}
    not_asked = walked(far(), "unknown", "could not be asked: no answer before the deadline", **wanted)
    assert not_asked.broken is None
    tried = walked(far(), "unknown", "silent", evidence=("connect: silent",), **wanted)
    assert tried.broken
    assert tried.broken.name == "listen"


def test_what_must_hold_before_is_walked_through_first() -> None:
    """The check is about SQL; what does not hold is the request before it."""
    world = far()
    refused = ProgramResult(7, "", "curl: (7) Failed to connect\n" + json.dumps({"http_code": 0}))
    world.rules += [
        program("curl", refused),
        program("ss", ProgramResult(0, "", ""), "app-1"),
        tcp("Connection refused"),
    ]
    before = {"name": "Before", "from": "client", "http": "http://app-1.shop.lab/items"}
    walk = walked(world, from_="db", sql="select 1", first=[before])
    assert walk.sentence.startswith("Nobody listens on port 80 of app-1")


def test_what_the_check_itself_met_before_is_not_asked_again() -> None:
    """The check says which of its firsts did not hold: that one is walked through, though it would hold by now."""
    before = {"name": "Before", "from": "client", "connects": "app-1.shop.lab:80"}
    actual = "before it, 'Before': refused: Connection refused"
    walk = walked(far(), actual=actual, from_="db", sql="select 1", first=[before])
    assert {layer.asker for layer in walk.layers} == {"client"}
    assert walk.sentence.endswith("the check itself had seen: refused: Connection refused.")


def test_the_same_question_is_put_once_for_many_checks() -> None:
    """Many checks of a lab ask for the same tables; and what holds is explained only where that is wanted."""
    world = far()
    check = KINDS["connects"].model_validate({"name": "A claim", "from": "client", "connects": "app-1.shop.lab:80"})
    bad, good = (Finding("A claim", "connects", "client", Judgement(v, "", ""), 0.1) for v in ("fail", "pass"))
    walker = DiagnosisRunner(Commands(world.topology), world, lambda: 1000.0)
    found = walker.explain([check, check, check], [bad, good, bad])
    assert [finding.why is not None for finding in found] == [True, False, True]
    assert found[0].why == found[2].why
    assert len(world.asked) == len(set(world.asked))


def test_a_command_names_the_lab_where_it_has_a_name_of_its_own_and_only_tools_that_the_node_has() -> None:
    places = far().topology
    commands = Commands(places, "labs/far folder")
    assert commands.run("client", "dig", "a.b") == "wirelab exec 'labs/far folder' client -- dig a.b"
    assert commands.run("db", "curl", "a.b") == "wirelab logs 'labs/far folder' db"
    assert commands.run("app-1", "ip", "addr") == "wirelab exec 'labs/far folder' app-1 -- ip addr"


def test_a_hosts_file_that_leads_to_another_server_is_named() -> None:
    """The request is answered, by a server that the check does not mean; one request shows no more."""
    world = far(FAR.replace("client:   {", 'client:   {hosts: {app-1.shop.lab: "${app-2}"}, '))
    facts = json.dumps({"http_code": 200, "time_connect": 0.1})
    world.rules.append(program("curl", ProgramResult(0, "[]", facts)))
    seen = "status 200; answered by app-2, not by app-1"
    walk = walked(world, actual=seen, from_="client", http="http://app-1.shop.lab/", servers=["app-1"])
    assert walk.sentence == (
        f"A request is answered, but the check says more: {seen}. "
        "Programs of client find app-1.shop.lab in /etc/hosts, before they ask a DNS server."
    )
    assert walk.command == "wirelab exec far client -- cat /etc/hosts"


def test_of_several_requests_of_which_one_is_answered_what_the_check_saw_is_told() -> None:
    world = far()
    facts = json.dumps({"http_code": 200, "time_connect": 0.1})
    world.rules.append(program("curl", ProgramResult(0, "[]", facts)))
    seen = "1 of 4 requests are answered so; 3 not: status 503; that is no success"
    walk = walked(world, actual=seen, from_="client", http="http://gate.shop.lab/", requests=4)
    assert walk.sentence == f"A request is answered, but the check says more: {seen}."
    held = walked(world, verdict="pass", actual="x", from_="client", http="http://gate.shop.lab/", requests=4)
    assert held.broken is None


def neighbour(node: str, address: str, state: str) -> Rule:
    """What a node knows of a neighbour."""
    rows = json.dumps([{"dst": address, "dev": "eth0", "state": [state]}])

    def rule(probe: Probe) -> ProbeResult | None:
        asked = isinstance(probe, RunProgram) and (probe.node, probe.argv) == (node, ("ip", "-j", "neigh"))
        return ProgramResult(0, rows, "") if asked else None

    return rule


@pytest.mark.parametrize(
    ("asker", "knows", "state", "ended", "says"),
    [
        ("client", "client", "FAILED", "silent 3", "No machine has the address {0}: client asks its network"),
        ("client", "client", "INCOMPLETE", "bash: connect: No route to host", "No machine has the address {0}: client"),
        ("clerk", "router", "FAILED", "bash: connect: No route to host", "No machine has the address {0}: router asks"),
        ("client", "client", "REACHABLE", "silent 3", "Nothing comes back from port 80 of {0}: packets are lost"),
        ("clerk", "client", "FAILED", "silent 3", "Nothing comes back from port 80 of {0}: packets are lost"),
        ("client", "client", "FAILED", "bash: connect: Connection refused", "The connection to port 80 of {0} is ref"),
    ],
)
def test_of_an_address_that_nobody_has_no_packet_is_lost(
    asker: str, knows: str, state: str, ended: str, says: str
) -> None:
    """The node that hands the packet to the address asks for its machine, and its kernel keeps that nobody answered."""
    world = far()
    address = str(world.topology.addresses("client")[0] + 100)
    world.rules += [tcp(ended), neighbour(knows, address, state)]
    walk = walked(world, from_=asker, connects=f"{address}:80")
    assert walk.broken is not None
    assert walk.broken.name == "tcp"
    assert walk.sentence.startswith(says.format(address))


def test_an_address_outside_of_the_lab_is_said_to_be_none_of_its() -> None:
    world = far()
    world.rules += [tcp("silent 3")]
    walk = walked(world, from_="client", connects="10.9.9.9:80")
    assert walk.sentence == "The address 10.9.9.9 is in no network of this lab; client gets no connection there."


def test_a_node_that_does_not_answer_for_its_address_is_named() -> None:
    world = far()
    address = str(world.topology.addresses("app-1")[0])
    world.rules += [tcp("silent 3"), neighbour("client", address, "FAILED")]
    walk = walked(world, **CONNECTS)
    assert walk.sentence == (
        f"app-1 does not answer for its address {address}: client asks its network who has it (ARP) in vain."
    )
    assert walk.command == "wirelab exec far client -- ip neigh"
