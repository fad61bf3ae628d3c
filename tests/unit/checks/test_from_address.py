"""`from_address`: the connection leaves from one address of the asker, and the server's own table proves it."""

from __future__ import annotations

from typing import Any

import pytest
from check_harness import SHOP, check, conversation, ran
from walk_harness import FAR, far, program, walked

from orchestrator.checks.probes import ProbeResult, ProgramResult, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck

# client .13 and 192.168.8.10, app .12 and .9 there
TWO = SHOP.replace("lab: {subnet", "back: {subnet: 192.168.8.0/24}, lab: {subnet").replace(
    "{role: client,", "{role: client, networks: {lab: {address: 192.168.7.13}, back: {address: 192.168.8.13}},"
)
LAB = TWO.replace("app:    {role: app,", "app:    {role: app, networks: {lab: {address: 192.168.7.12}},")
SOURCE = "192.168.8.13"
ACCEPTED = ran(f"192.168.7.12\naccepted\nESTAB 0 0 {SOURCE}:41234 192.168.7.12:80\n")
TABLE = "ESTAB 0 0 192.168.7.12:80 {}:41234\n"
CLOSED = ran("{}\n")
REFUSED = ran("192.168.7.12\nConnection refused\n", "", 1)
SILENT = ran("192.168.7.12\nsilent 3\n", "", 1)


def connects(kind: str = "connects", **more: Any) -> BaseCheck:
    keys = {kind: "192.168.7.12:80", "from_address": "${client.back}"} | more
    return check(from_="client", **keys)


def words(probe: object) -> tuple[str, ...]:
    assert isinstance(probe, RunProgram)
    return probe.argv[4:]


@pytest.mark.slow
@pytest.mark.parametrize("peer", [SOURCE, f"[::ffff:{SOURCE}]"])
def test_the_server_sees_the_address_and_the_connection_is_closed_afterwards(peer: str) -> None:
    own = "[::ffff:192.168.7.12]:80" if "[" in peer else "192.168.7.12:80"
    row = TABLE.format(peer).replace("192.168.7.12:80", own)
    found, probes = conversation(connects(), ACCEPTED, ran(row), CLOSED, lab=LAB)
    assert (found.verdict, found.expected) == ("pass", f"client connects to 192.168.7.12:80 (app) from {SOURCE}")
    assert found.actual == f"accepted: {SOURCE}:41234 -> 192.168.7.12:80; app sees the address {SOURCE}"
    assert found.evidence[-1] == f"socket table of app: {row.strip()}"
    assert [probe.node for probe in probes] == ["client", "app", "client"]
    name, *more = words(probes[0])
    assert (more[:4], words(probes[2])) == (["192.168.7.12", "80", SOURCE, "2"], (name, "{}"))


def test_another_address_at_the_server_fails() -> None:
    """Something on the way has put an address of its own in its place."""
    found, _ = conversation(connects(), ACCEPTED, ran(TABLE.format("192.168.7.1")), CLOSED, lab=LAB)
    assert (found.verdict, found.actual) == (
        "fail",
        f"accepted, but app sees the address 192.168.7.1 and not {SOURCE}",
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (ran(""), "the socket table of app does not show the connection"),
        (Unavailable("the node app is stopped"), "the node app is stopped"),
    ],
)
def test_without_the_servers_word_it_is_unknown_and_closed(table: ProbeResult, says: str) -> None:
    found, _ = conversation(connects(), ACCEPTED, table, CLOSED, lab=LAB)
    assert (found.verdict, says in found.actual) == ("unknown", True)


def test_a_refusal_fails_as_without_an_address() -> None:
    found, _ = conversation(connects(), REFUSED, lab=LAB)
    assert (found.verdict, found.actual) == ("fail", "refused: Connection refused")


def test_cannot_connect_follows_the_same_address_and_holds_nothing() -> None:
    found, probes = conversation(connects("cannot_connect"), REFUSED, lab=LAB)
    assert (found.verdict, words(probes[0])[:5]) == ("pass", ("", "192.168.7.12", "80", SOURCE, "2"))
    assert found.expected.endswith(f"(app) from {SOURCE}")
    assert conversation(connects("cannot_connect"), ACCEPTED, lab=LAB)[0].verdict == "fail"
    assert conversation(connects("cannot_connect"), SILENT, ran(""), lab=LAB)[0].verdict == "unknown"


WALKED = {"from_": "client", "connects": "${app-1}:80", "from_address": "${client}"}


@pytest.mark.parametrize(
    ("printed", "says"),
    [
        ("silent 3", "Nothing comes back from port 80 of app-1 for a connection from {}: packets are lost on the way"),
        ("Cannot assign requested address", "client does not have the address {} now, so no connection leaves from it"),
    ],
)
def test_why_takes_the_same_address(printed: str, says: str) -> None:
    """Its TCP layer binds the address, and the command that it proposes does so, too."""
    world = far(FAR)
    source = str(world.topology.addresses("client")[0])
    there = str(world.topology.address_for("client", "app-1"))
    world.rules.insert(0, program("python3", ProgramResult(1, f"{there}\n{printed}\n", ""), "client"))
    walk = walked(world, **WALKED)
    assert walk.broken
    assert (walk.broken.name, walk.sentence.startswith(says.format(source))) == ("tcp", True), walk.sentence
    assert f"nc -vz -w 2 -s {source} {there} 80" in walk.command
