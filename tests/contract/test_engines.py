"""What every engine promises (`engine/protocol.py`), held to by the fake and by a real one alike."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address

import pytest
from contract_setup import ContractSetup

from orchestrator.engine.podman.engine import PodmanEngine
from orchestrator.errors import (
    AddressTaken,
    EngineRefused,
    ImageMissing,
    NameTaken,
    NotFound,
    NotPossible,
    NotStarted,
    RangeTaken,
    TookTooLong,
    VolumeBusy,
    WrongState,
)
from orchestrator.model.node import Limits
from orchestrator.planning.snapshot import ProcessCount
from orchestrator.planning.specs import Attach, NamedVolume

pytestmark = [pytest.mark.engines, pytest.mark.sampled(3)]
NOBODY = "f" * 64


def test_an_engine_answers_a_ping(world: ContractSetup) -> None:
    """One that is gone raises EngineMissing (tests/engine/test_slow_lab.py)."""
    world.engine.ping()


def never() -> bool:
    return False


def pause(world: ContractSetup, container: str) -> None:
    """Pause it, or skip the test with what the engine answers."""
    try:
        world.engine.pause(container)
    except NotPossible as error:
        pytest.skip(f"POST /containers/ID/pause: {error.why}")


def require_limits(world: ContractSetup) -> None:
    if not world.engine.enforces_limits:
        pytest.skip("containers have no control groups (GET /libpod/info: rootless, cgroupVersion v1)")


def _keep(pieces: list[tuple[int, bytes]], stream: int, piece: bytes) -> None:
    pieces.append((stream, piece))


def test_a_network_is_listed_with_its_range_and_labels_and_goes(world: ContractSetup) -> None:
    """What was asked for is what is seen; after the removal it is not there, and removing it again is no error."""
    made, spec = world.made_network()
    seen = next(one for one in world.engine.networks() if one.id == made)
    assert (seen.name, seen.subnets, seen.internal, seen.labels) == (spec.name, (spec.subnet,), True, world.labels)
    world.engine.remove_network(made)
    assert made not in [one.id for one in world.engine.networks()]
    world.engine.remove_network(made)


def test_a_network_may_be_open(world: ContractSetup) -> None:
    made, _ = world.made_network(internal=False)
    assert next(one for one in world.engine.networks() if one.id == made).internal is False


def test_overlapping_ranges_are_refused(world: ContractSetup) -> None:
    """The lab then chooses another range."""
    _, subnet = world.network()
    with pytest.raises(RangeTaken):
        world.engine.make_network(world.network_spec("two", next(subnet.subnets(new_prefix=26))))


def test_a_network_of_the_same_name_is_refused(world: ContractSetup) -> None:
    _, spec = world.made_network()
    with pytest.raises(NameTaken):
        world.engine.make_network(replace(world.network_spec(), name=spec.name))


def test_a_network_with_a_container_on_it_can_be_removed(world: ContractSetup) -> None:
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    world.engine.remove_network(network)
    assert network not in [one.id for one in world.engine.networks()]
    assert network not in world.engine.container(node).addresses


def test_a_container_is_created_stopped_then_runs_at_its_address(world: ContractSetup) -> None:
    network, subnet = world.network()
    made = world.engine.make_container(world.spec("node", attach=(Attach("one", network, subnet[10]),)))
    before = world.engine.container(made)
    assert before.state == "created"
    after = world.engine.start(made)
    assert (after.id, after.state, after.addresses) == (made, "running", {network: subnet[10]})
    assert after.started != before.started
    assert after.labels.items() >= world.labels.items()


def test_a_container_stands_on_several_networks(world: ContractSetup) -> None:
    one, first = world.network("one")
    two, second = world.network("two")
    made = world.started("node", attach=(Attach("one", one, first[10]), Attach("two", two, second[20])))
    assert world.engine.container(made).addresses == {one: first[10], two: second[20]}


def test_a_dead_end_is_seen_as_internal_with_both_its_ranges(world: ContractSetup) -> None:
    """To the engine it may be another thing; to us it is a network that nothing leaves."""
    made, spec = world.made_network(gateway_unanswered=True, subnet6=world.subnet6)
    seen = next(one for one in world.engine.networks() if one.id == made)
    assert (seen.internal, seen.gateway_unanswered) == (True, True)
    assert (seen.subnets, seen.subnets6) == ((spec.subnet,), (world.subnet6,))
    plain, _ = world.network("two")
    other = next(one for one in world.engine.networks() if one.id == plain)
    assert (other.internal, other.gateway_unanswered, other.subnets6) == (True, False, ())


def test_an_ipv6_range_that_is_taken_is_refused(world: ContractSetup) -> None:
    world.made_network(gateway_unanswered=True, subnet6=world.subnet6)
    with pytest.raises(RangeTaken):
        world.engine.make_network(replace(world.network_spec("two"), gateway_unanswered=True, subnet6=world.subnet6))


def test_a_container_has_an_address_of_each_version_and_gets_both_back(world: ContractSetup) -> None:
    """While it runs; after it was taken from the network and put back too."""
    network, spec = world.made_network(gateway_unanswered=True, subnet6=world.subnet6)
    attach = Attach("one", network, spec.subnet[10], world.subnet6[0x10])
    node = world.started("node", attach=(attach,))
    for _ in range(2):
        seen = world.engine.container(node)
        assert (seen.addresses, seen.addresses6) == ({network: spec.subnet[10]}, {network: world.subnet6[0x10]})
        world.engine.disconnect(node, network)
        assert world.engine.container(node).addresses6 == {}
        world.engine.connect(node, attach)
    world.engine.stop(node, 0)
    assert world.engine.container(node).addresses6 == {}


def test_containers_are_found_by_their_label_in_order_of_name(world: ContractSetup) -> None:
    world.started("b")
    world.engine.make_container(world.spec("a"))
    names = [one.name for one in world.engine.containers(world.label)]
    assert names == sorted(names)
    assert len(names) == 2
    assert not world.engine.containers("contract=nobody")
    assert {one.name for one in world.engine.containers("contract")} >= set(names)


def test_the_list_of_containers_tells_their_states_and_labels(world: ContractSetup) -> None:
    runs, waits = world.started("runs"), world.engine.make_container(world.spec("waits"))
    paused, ended = world.started("paused"), world.started("ended")
    pause(world, paused)
    world.engine.stop(ended, 0)
    states = {runs: "running", waits: "created", paused: "paused", ended: "exited"}
    # Engine 26 may list a container that it has just stopped as one that runs.
    deadline = time.monotonic() + 2
    while True:
        listed = {container.id: container for container in world.engine.listed_containers(world.label)}
        seen = {name: container.state for name, container in listed.items()}
        if seen == states or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert seen == states
    assert all(container.labels.items() >= world.labels.items() for container in listed.values())
    assert not world.engine.listed_containers("contract=nobody")


def test_a_name_that_is_taken_is_refused(world: ContractSetup) -> None:
    world.engine.make_container(world.spec("node"))
    with pytest.raises(NameTaken):
        world.engine.make_container(world.spec("node"))


def test_a_container_tells_which_image_it_was_made_from(world: ContractSetup) -> None:
    """By the id that the engine gives for the image's name, and for that id itself."""
    made = world.engine.make_container(world.spec("node"))
    image = world.engine.image_id(world.image)
    assert world.engine.container(made).image == image != ""


def test_an_image_that_is_not_there_has_no_id(world: ContractSetup) -> None:
    assert world.engine.image_id("registry.invalid/nothing:none") == ""
    assert world.engine.image_id(f"registry.invalid/nothing@sha256:{'0' * 64}") == ""


def test_an_image_tells_as_whom_it_runs(world: ContractSetup) -> None:
    """The image of the tests names an ordinary user. One that is not there is named, and nothing is guessed of it."""
    assert world.engine.image_user(world.image) not in ("", "0", "root")
    with pytest.raises(ImageMissing) as caught:
        world.engine.image_user("registry.invalid/nothing:none")
    assert "registry.invalid/nothing" in caught.value.what + caught.value.why


def test_an_image_that_is_not_there_is_named(world: ContractSetup) -> None:
    with pytest.raises(ImageMissing) as caught:
        world.engine.make_container(replace(world.spec("node"), image="registry.invalid/nothing:none"))
    assert "registry.invalid/nothing" in caught.value.what + caught.value.why


def test_an_address_that_is_taken_is_refused(world: ContractSetup) -> None:
    network, subnet = world.network()
    world.started("first", attach=(Attach("one", network, subnet[10]),))
    second = world.engine.make_container(world.spec("second", attach=(Attach("one", network, subnet[10]),)))
    with pytest.raises(AddressTaken):
        world.engine.start(second)
    other, other_subnet = world.network("two")
    third = world.started("third", attach=(Attach("two", other, other_subnet[10]),))
    with pytest.raises(AddressTaken):
        world.engine.connect(third, Attach("one", network, subnet[10]))


def test_stop_and_start_keep_the_address_and_change_the_start(world: ContractSetup) -> None:
    """While it is stopped it has no address, but it is still on its network; each start has another text."""
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    first = world.engine.container(node).started
    world.engine.stop(node, 1)
    stopped = world.engine.container(node)
    assert (stopped.state, stopped.addresses) == ("exited", {network: None})
    world.engine.stop(node, 1)
    again = world.engine.start(node)
    assert (again.state, again.addresses) == ("running", {network: subnet[10]})
    assert again.started != first


def test_a_stopped_container_tells_at_which_addresses_it_will_start(world: ContractSetup) -> None:
    """At which it was made, or was connected last."""
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    world.engine.stop(node, 0)
    claims = world.engine.container(node).claims
    if not claims and isinstance(world.engine, PodmanEngine):
        pytest.skip("GET /containers/ID/json of a stopped container has no IPAMConfig")
    assert claims == {network: subnet[10]}
    world.engine.start(node)
    world.engine.disconnect(node, network)
    world.engine.connect(node, Attach("one", network, subnet[77]))
    world.engine.stop(node, 0)
    assert world.engine.container(node).claims == {network: subnet[77]}


def test_start_of_what_runs_changes_nothing(world: ContractSetup) -> None:
    node = world.started("node")
    before = world.engine.container(node)
    assert world.engine.start(node) == before


def test_pause_and_unpause(world: ContractSetup) -> None:
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    pause(world, node)
    assert world.engine.container(node).state == "paused"
    assert world.engine.container(node).addresses == {network: subnet[10]}
    with pytest.raises(WrongState):
        world.engine.run(node, ("true",), seconds=30)
    with pytest.raises(WrongState):
        world.engine.pause(node)
    world.engine.unpause(node)
    assert world.engine.run(node, ("true",), seconds=30).exit_code == 0
    with pytest.raises(WrongState):
        world.engine.unpause(node)


def test_a_signal_reaches_the_program(world: ContractSetup) -> None:
    node = world.started("node")
    world.engine.signal(node, "SIGKILL")
    deadline = time.monotonic() + 30
    while world.engine.container(node).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    seen = world.engine.container(node)
    assert (seen.state, seen.exit_code) == ("exited", 137)
    with pytest.raises(WrongState):
        world.engine.signal(node, "SIGHUP")


def test_disconnect_and_connect_at_a_fixed_address(world: ContractSetup) -> None:
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    world.engine.disconnect(node, network)
    assert world.engine.container(node).addresses == {}
    world.engine.disconnect(node, network)
    world.engine.connect(node, Attach("one", network, subnet[77]))
    assert world.engine.container(node).addresses == {network: subnet[77]}


def test_a_stopped_container_changes_its_network(world: ContractSetup) -> None:
    """It bears the new address after its next start."""
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    world.engine.stop(node, 0)
    world.engine.disconnect(node, network)
    world.engine.connect(node, Attach("one", network, subnet[33]))
    assert world.engine.start(node).addresses == {network: subnet[33]}


def test_a_network_that_went_while_its_container_was_stopped(world: ContractSetup) -> None:
    """The container cannot start until it is put on the network that took the place of the old one."""
    network, subnet = world.network()
    node = world.started("node", attach=(Attach("one", network, subnet[10]),))
    world.engine.stop(node, 0)
    world.engine.remove_network(network)
    # Podman takes it off the network that goes.
    left = world.engine.container(node).addresses
    assert left in ({network: None}, {})
    if left:
        with pytest.raises(NotFound):
            world.engine.start(node)
    again = world.engine.make_network(world.network_spec("one", subnet))
    world.engine.disconnect(node, network)
    world.engine.connect(node, Attach("one", again, subnet[10]))
    assert world.engine.start(node).addresses == {again: subnet[10]}


def test_what_never_started_can_be_connected_again(world: ContractSetup) -> None:
    """A repair may find a container of which it cannot see the networks yet."""
    network, subnet = world.network()
    node = world.engine.make_container(world.spec("node", attach=(Attach("one", network, subnet[10]),)))
    assert world.engine.container(node).addresses == {}
    world.engine.connect(node, Attach("one", network, subnet[10]))
    assert world.engine.start(node).addresses == {network: subnet[10]}


def test_an_address_outside_of_the_range_is_refused(world: ContractSetup) -> None:
    network, _ = world.network()
    attach = Attach("one", network, IPv4Address("10.99.0.9"))
    with pytest.raises(EngineRefused):
        world.engine.start(world.engine.make_container(world.spec("node", attach=(attach,))))


def test_what_is_not_there_is_not_found(world: ContractSetup) -> None:
    engine = world.engine
    node = world.started("node")
    attach = Attach("one", NOBODY, IPv4Address("10.213.0.9"))
    for call in (
        lambda: engine.container(NOBODY),
        lambda: engine.start(NOBODY),
        lambda: engine.stop(NOBODY, 0),
        lambda: engine.pause(NOBODY),
        lambda: engine.signal(NOBODY, "SIGHUP"),
        lambda: engine.run(NOBODY, ("true",), seconds=30),
        lambda: engine.log(NOBODY),
        lambda: engine.connect(NOBODY, attach),
        lambda: engine.connect(node, attach),
        lambda: engine.await_line(NOBODY, "x".__eq__, since=0, seconds=5, stop=never),
    ):
        with pytest.raises(NotFound):
            call()


def test_removing_what_is_gone_is_no_error(world: ContractSetup) -> None:
    """Clean-up may come twice."""
    node = world.started("node")
    for _ in range(2):
        world.engine.remove_container(node)
    world.engine.remove_network(NOBODY)
    world.engine.remove_volume("contract-nobody")
    world.engine.disconnect(node, NOBODY)
    with pytest.raises(NotFound):
        world.engine.container(node)


def test_the_log_is_what_was_written_since(world: ContractSetup) -> None:
    node = world.started("node", "echo", "one", "two")
    assert world.engine.await_line(node, "one two".__eq__, since=0, seconds=30, stop=never)
    assert world.engine.log(node) == "one two\n"
    assert world.engine.log(node, since=time.time() + 60) == ""
    assert list(world.engine.follow(node)) == ["one two"]


def test_a_line_is_awaited_until_the_container_ends_or_time_is_over(world: ContractSetup) -> None:
    ended = world.started("ended", "echo", "one")
    # Not since its start: a line that comes at once may bear an earlier time than the one that the engine notes.
    assert world.engine.await_line(ended, lambda line: "n" in line, since=0, seconds=30, stop=never) == "one"
    assert world.engine.await_line(ended, "other".__eq__, since=0, seconds=30, stop=never) is None
    running = world.started("running")
    assert world.engine.await_line(running, "one".__eq__, since=0, seconds=0.2, stop=never) is None
    assert world.engine.await_line(running, "one".__eq__, since=0, seconds=30, stop=lambda: True) is None


def test_a_line_is_dated_by_the_engines_own_time(world: ContractSetup) -> None:
    """What was written before a moment does not count since that moment, whatever the clocks of others say."""
    before = world.engine.now()
    node = world.started("node", "echo", "one")
    assert world.engine.await_line(node, "one".__eq__, since=before, seconds=30, stop=never) == "one"
    after = world.engine.now()
    assert world.engine.await_line(node, "one".__eq__, since=after, seconds=30, stop=never) is None
    assert (world.engine.log(node, since=before), world.engine.log(node, since=after)) == ("one\n", "")


def test_the_exit_code_of_a_container_is_seen(world: ContractSetup) -> None:
    node = world.started("node", "false")
    assert world.engine.await_line(node, "never".__eq__, since=0, seconds=30, stop=never) is None
    seen = world.engine.container(node)
    assert (seen.state, seen.exit_code) == ("exited", 1)


def test_the_processes_of_a_container_are_counted_with_their_limit(world: ContractSetup) -> None:
    """Also of one that can start no further process; what does not run has none."""
    require_limits(world)
    node = world.started("node")
    count = world.engine.process_count(node)
    assert 1 <= count.running < count.limit == Limits().pids
    world.engine.stop(node, 0)
    assert world.engine.process_count(node) == ProcessCount(0, 0)


def test_the_memory_that_a_container_uses_is_below_its_limit(world: ContractSetup) -> None:
    require_limits(world)
    node = world.started("node")
    assert 0 < world.engine.memory_use(node) < Limits().memory * 1024 * 1024
    world.engine.stop(node, 0)
    assert world.engine.memory_use(node) == 0


def test_a_program_is_run_inside(world: ContractSetup) -> None:
    node = world.started("node")
    output = world.engine.run(node, ("echo", "a", "b"), seconds=30)
    assert (output.exit_code, output.out, output.err) == (0, "a b\n", "")
    assert world.engine.run(node, ("false",), seconds=30).exit_code == 1


def test_a_program_is_run_as_another_user(world: ContractSetup) -> None:
    node = world.started("node")
    assert world.engine.run(node, ("id", "-u"), seconds=30, user="12345").out == "12345\n"
    assert world.engine.run(node, ("id", "-u"), seconds=30).out != "12345\n"


def test_a_program_has_the_variables_of_its_container_and_its_own(world: ContractSetup) -> None:
    made = world.engine.make_container(replace(world.spec("node"), environment={"FIRST": "1", "SECOND": "2"}))
    world.engine.start(made)
    own = {"SECOND": "22", "THIRD": "3"}
    values = {
        name: world.engine.run(made, ("printenv", name), seconds=30, env=own).out
        for name in ("FIRST", "SECOND", "THIRD")
    }
    assert values == {"FIRST": "1\n", "SECOND": "22\n", "THIRD": "3\n"}
    assert world.engine.run(made, ("printenv", "THIRD"), seconds=30).exit_code == 1
    pieces: list[bytes] = []
    assert world.engine.attached(made, ("printenv", "THIRD"), lambda _, piece: pieces.append(piece), env=own) == 0
    assert b"".join(pieces) == b"3\n"


def test_a_container_has_more_lines_in_its_hosts_file(world: ContractSetup) -> None:
    """A name may stand there with several addresses, of both versions of IP."""
    hosts = (("db.shop.lab", "192.0.2.9"), ("db.shop.lab", "2001:db8::9"))
    made = world.engine.make_container(replace(world.spec("node"), hosts=hosts))
    world.engine.start(made)
    lines = world.engine.run(made, ("cat", "/etc/hosts"), seconds=30).out.splitlines()
    assert {"192.0.2.9\tdb.shop.lab", "2001:db8::9\tdb.shop.lab"} <= set(lines)


def test_a_program_reads_what_it_is_given(world: ContractSetup) -> None:
    """Its input ends where the descriptor ends; without one it has none."""
    node = world.started("node")
    for written in (b"one\ntwo\n", b""):
        read, write = os.pipe()
        os.write(write, written)
        os.close(write)
        pieces: list[tuple[int, bytes]] = []
        try:
            assert world.engine.attached(node, ("cat",), partial(_keep, pieces), read) == 0
        finally:
            os.close(read)
        assert b"".join(piece for _, piece in pieces) == written
    assert world.engine.attached(node, ("cat",), lambda *_piece: None) == 0


def test_a_container_that_is_told_to_end_has_so_many_seconds(world: ContractSetup) -> None:
    """Within them it ends by the polite signal; with none it may be killed."""
    for seconds, codes in ((20, (143,)), (0, (143, 137))):
        node = world.started(f"node{seconds}")
        world.engine.run(node, ("true",), seconds=30)  # its first process takes signals by then
        world.engine.stop(node, seconds)
        seen = world.engine.container(node)
        assert (seen.state, seen.exit_code in codes) == ("exited", True)


def test_a_log_is_followed_since_a_moment(world: ContractSetup) -> None:
    before = world.engine.now()
    node = world.started("node", "echo", "one")
    assert list(world.engine.follow(node, since=before)) == ["one"]
    assert list(world.engine.follow(node, since=world.engine.now() + 60)) == []


def test_what_a_program_prints_is_streamed(world: ContractSetup) -> None:
    node = world.started("node")
    said: list[str] = []
    assert b"".join(world.engine.stream(node, ("echo", "a", "b"), said)) == b"a b\n"
    assert "".join(said) == ""
    with pytest.raises(NotFound):
        list(world.engine.stream(NOBODY, ("true",), said))
    with pytest.raises(TookTooLong):
        list(world.engine.stream(node, ("sleep", "60"), said, seconds=0.2))


def test_what_a_program_writes_is_handed_on_with_its_exit_code(world: ContractSetup) -> None:
    node = world.started("node")
    pieces: list[tuple[int, bytes]] = []
    assert world.engine.attached(node, ("echo", "a", "b"), lambda *piece: pieces.append(piece)) == 0
    assert pieces == [(1, b"a b\n")]
    assert world.engine.attached(node, ("false",), lambda *piece: pieces.append(piece)) == 1
    with pytest.raises(NotFound):
        world.engine.attached(NOBODY, ("true",), lambda *piece: pieces.append(piece))


def test_a_program_that_cannot_be_started_is_an_error_with_a_shells_exit_code(world: ContractSetup) -> None:
    """Nothing is handed on of what the runtime says in its place; what a program itself says is."""
    node = world.started("node")
    pieces: list[tuple[int, bytes]] = []
    with pytest.raises(NotStarted) as caught:
        world.engine.attached(node, ("no-such-program",), lambda *piece: pieces.append(piece))
    assert (caught.value.exit_code, pieces) == (127, [])
    assert caught.value.what == "there is no program 'no-such-program' in the node"
    world.engine.attached(node, ("echo", "OCI runtime exec failed"), lambda *piece: pieces.append(piece))
    assert pieces == [(1, b"OCI runtime exec failed\n")]


def test_a_program_that_cannot_be_run_is_no_success(world: ContractSetup) -> None:
    """Either the engine refuses, or the program's exit code says that it is missing (126, 127)."""
    node = world.started("node")
    try:
        code = world.engine.run(node, ("no-such-program",), seconds=30).exit_code
    except EngineRefused:
        return
    assert code in (126, 127)


def test_a_program_that_takes_too_long_is_refused(world: ContractSetup) -> None:
    node = world.started("node")
    with pytest.raises(TookTooLong):
        world.engine.run(node, ("sleep", "60"), seconds=0.2)


def test_nothing_is_run_in_what_does_not_run(world: ContractSetup) -> None:
    node = world.engine.make_container(world.spec("node"))
    with pytest.raises(WrongState):
        world.engine.run(node, ("true",), seconds=30)


def test_a_volume_is_made_with_its_labels_and_outlives_its_container(world: ContractSetup) -> None:
    name = f"contract-{world.labels['contract']}"
    volume = NamedVolume(name, "/kept", world.labels)
    node = world.engine.make_container(replace(world.spec("node"), volumes=(volume,)))
    assert [(one.name, dict(one.labels)) for one in world.engine.volumes(world.label)] == [(name, world.labels)]
    with pytest.raises(VolumeBusy):
        world.engine.remove_volume(name)
    world.engine.remove_container(node)
    assert [one.name for one in world.engine.volumes(world.label)] == [name]
    world.engine.remove_volume(name)
    assert not world.engine.volumes(world.label)


def test_a_container_in_the_network_of_another_needs_it_to_run(world: ContractSetup) -> None:
    """This is how a sidecar stands beside a node."""
    node = world.engine.make_container(world.spec("node"))
    beside = world.engine.make_container(replace(world.spec("beside"), share_network_of=node))
    with pytest.raises(WrongState):
        world.engine.start(beside)
    world.engine.start(node)
    assert world.engine.start(beside).state == "running"


def test_a_container_goes_although_another_stands_in_its_network(world: ContractSetup) -> None:
    """Whether the other one goes with it is the engine's affair; its own removal is no error then."""
    node = world.started("node")
    beside = world.engine.make_container(replace(world.spec("beside"), share_network_of=node))
    world.engine.start(beside)
    for container in (node, beside):
        world.engine.remove_container(container)
        with pytest.raises(NotFound):
            world.engine.container(container)


@pytest.mark.endurance
@pytest.mark.rounds(2, full=300)
def test_sixteen_containers_go_side_by_side_and_their_network_goes_at_once(world: ContractSetup) -> None:
    """Networks are listed while sixteen containers go; their network goes at the first try.

    Other commands list networks at any time. Engine 20.10 loses count of a network's endpoints then.
    """
    network, subnet = world.network()
    with ThreadPoolExecutor(8) as pool:
        places = [Attach("one", network, subnet[10 + number]) for number in range(16)]
        nodes = list(pool.map(lambda place: world.started(f"n{place.address}", attach=(place,)), places))
        listings = [pool.submit(world.engine.networks) for _ in range(8)]
        list(pool.map(world.engine.remove_container, nodes))
        assert all(listing.result() for listing in listings)
    world.engine.remove_network(network)
    assert network not in [one.id for one in world.engine.networks()]
