"""Split labs: two engines in machines within the machine, joined in one Docker Swarm by a cable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab_bench import Engine, eventually
from machine import NEEDS_ENGINE_OF_ITS_OWN
from member_room import DEADLINE, Room, kill_a_command, member_room

pytestmark = [pytest.mark.waits, pytest.mark.sampled(3), *NEEDS_ENGINE_OF_ITS_OWN]
SPLIT = ("--split", "a,b")


@pytest.fixture(scope="module")
def room(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with member_room(engine, tmp_path_factory.mktemp("members"), in_swarm=True) as room:
        yield room


@pytest.fixture(scope="module")
def basic(room: Room) -> Iterator[str]:
    """The lab `two`: basic, of which two nodes stand on each member."""
    room.run("up", "basic", "--lab", "two", *SPLIT)
    yield "two"
    room.run("down", "two")
    assert room.labs_on("a") == room.labs_on("b") == set()
    assert not (room.state / "labs" / "two").exists()


@pytest.mark.sampled(1)
def test_all_checks_of_basic_hold_two_and_two(room: Room, basic: str) -> None:
    assert {name: room.nodes_on(name, basic) for name in "ab"} == {"a": {"dns", "db"}, "b": {"app", "client"}}
    assert "16 checks: 16 passed" in room.run("check", basic).out
    assert "nothing to do" in room.run("up", basic).err
    assert room.listed()[basic] == "a+b"
    assert room.run("exec", basic, "client", "--", "dig", "+short", "db.shop.lab").out.startswith("192.168.")
    room.run("reset", basic)  # the copies of its files go with the lab, and come again
    assert room.listed()[basic] == "a+b"
    assert "cannot be recorded" in room.run("capture", "start", basic, code=2).err
    assert "cannot be recorded" in room.run("learn", "basic", "--lab", basic, "--no-web", code=2).err
    assert "stands on the members a and b" in room.run("up", "basic", "--lab", basic, "--member", "a", code=2).err


def test_faults_of_a_split_lab_are_explained_and_healed(room: Room, basic: str) -> None:
    """One in a node's own network, and one that takes a node off the network that spans."""
    connect = ("exec", basic, "app", "--", "timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/db.shop.lab/5432")
    room.run("inject", basic, "cut", "app", "db")
    room.run(*connect, code=124)
    room.run("heal", basic)
    room.run(*connect)
    room.run("inject", basic, "disconnect", "db")
    failed = room.run("check", basic, "--only", "The database's address accepts", code=1).out
    assert "why:" in failed
    assert "db" in failed
    room.run("heal", basic)
    room.run(*connect)


def test_doctor_measures_whether_packets_fit_between_the_members(room: Room, basic: str) -> None:
    def rows(member: str) -> dict[str, tuple[str, str]]:
        (measured,) = room.run("members", "doctor", member, "--json").document["members"]
        return {row["name"]: (row["verdict"], row["value"]) for row in measured["rows"]}

    assert basic
    assert rows("b")["packets to 10.200.0.1"] == ("ok", "1500 bytes arrive whole")
    for machine in room.machines.values():
        machine.plain("ip", "link", "set", "cable", "mtu", "1400")
    try:
        assert rows("a")["packets to 10.200.0.2"] == (
            "warning",
            "at most 1400 bytes arrive whole; a split lab needs 1500",
        )
    finally:
        for machine in room.machines.values():
            machine.plain("ip", "link", "set", "cable", "mtu", "1500")


def test_a_killed_command_leaves_nothing_on_either_member(room: Room) -> None:
    kill_a_command(room, *SPLIT)


def test_an_engine_that_is_in_no_swarm_is_refused_before_anything_is_made(room: Room) -> None:
    refused = room.run("up", "basic", "--lab", "no", "--split", "a,local", code=3)
    assert "error: the member 'local' is in no Docker Swarm" in refused.err
    assert not (room.state / "labs" / "no").exists()


def test_a_member_that_is_killed_is_named_and_swept_when_it_is_back(room: Room) -> None:
    """Last: it ends an engine."""
    room.up("left", *SPLIT)
    machine = room.machines["b"]
    machine.kill("dockerd")
    assert eventually(lambda: not machine.pids("dockerd"), DEADLINE)
    assert "error: the member 'b' does not answer" in room.run("check", "left", code=3).err
    assert "its labs are left" in room.run("ls", code=3).err
    assert "the lab 'left' is not removed yet" in room.run("down", "left", code=6).err
    machine.engine("up")
    assert "removed" in room.run("sweep").err
    assert "left" not in room.labs_on("a") | room.labs_on("b")
    assert not (room.state / "labs" / "left").exists()
