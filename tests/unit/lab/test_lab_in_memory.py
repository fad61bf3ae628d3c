"""A whole lab on the engine in memory: up, repair, check, failure, down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from lab_in_memory import IMAGES, TEXT, LabHost, bash, down, is_done, steps_to

from orchestrator.engine.fake import Behaviour, FakeEngine, ProgramCall, as_declared
from orchestrator.engine.programs import Output
from orchestrator.errors import (
    Conflict,
    EngineRefused,
    ImageMissing,
    LabBusy,
    Leftovers,
    NetworkBusy,
    NodeFailed,
    UsageInvalid,
    VolumeBusy,
    WorldError,
)
from orchestrator.events import Event, FindingEvent, StepEvent
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.removal import remove_labelled, sweep_until_quiet
from orchestrator.lab.take_down import take_down
from orchestrator.operations.sweep import remove_each
from orchestrator.planning.snapshot import ObservedContainer, ObservedNetwork
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

pytestmark = pytest.mark.slow


def misbehaving(lab_host: LabHost, behave: Callable[[ContainerSpec], Behaviour]) -> LabHost:
    return replace(lab_host, engine=FakeEngine(list(IMAGES.values()), answer=bash, behave=behave))


def without_ready(node: str, behaviour: Behaviour) -> Callable[[ContainerSpec], Behaviour]:
    return lambda spec: behaviour if spec.labels["wirelab.node"] == node else as_declared(spec)


def test_up_makes_the_lab_and_up_again_makes_nothing(lab_host: LabHost) -> None:
    events: list[StepEvent] = []
    assert lab_host.lab(publish=steps_to(events)).up()
    containers = lab_host.engine.containers("wirelab.lab=shop")
    assert [container.labels["wirelab.node"] for container in containers] == ["app", "client", "db", "dns"]
    assert {container.state for container in containers} == {"running"}
    assert {event.state for event in events} == {"begun", "done"}
    assert str(lab_host.lab(run="run2").up()) == ""
    assert lab_host.engine.containers("wirelab.lab=shop") == containers


def test_a_node_is_ready_only_after_what_it_uses(lab_host: LabHost) -> None:
    done: list[str] = []
    lab_host.lab(publish=lambda event: done.append(event.step) if is_done(event) else None).up()
    ready = [name for name in done if name.startswith("ready:")]
    assert ready == ["ready:dns", "ready:db", "ready:app", "ready:client"]


def test_with_capture_the_recorder_is_there_first_and_stays(lab_host: LabHost) -> None:
    """It is begun and done before any node is begun; the next `up` finds nothing to do."""
    events: list[StepEvent] = []
    lab_host.lab(publish=steps_to(events), capture=True).up()
    order = [(event.step, event.state) for event in events]
    first_node = next(number for number, (step, _) in enumerate(order) if step.startswith("node:"))
    assert order.index(("capture:networks", "done")) < first_node
    assert len(lab_host.engine.containers("wirelab.capture=on")) == 1
    assert str(lab_host.lab(run="run2", capture=True).up()) == ""
    down(lab_host)
    assert lab_host.empty()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("wirelab: no such device",), "no such device"),
        ((), "its container is exited, exit code 3, and it wrote nothing"),
    ],
)
def test_a_recorder_that_does_not_start_fails_the_lab_before_any_node(
    lab_host: LabHost, lines: tuple[str, ...], why: str
) -> None:
    """Its own last words are the reason, or that it has none, as after a restart of the engine. Nothing is left."""
    refused = Behaviour(lines, 3)
    bad = misbehaving(lab_host, lambda spec: refused if "wirelab.capture" in spec.labels else as_declared(spec))
    events: list[StepEvent] = []
    with pytest.raises(WorldError) as caught:
        bad.lab(publish=steps_to(events), capture=True).up()
    assert (caught.value.what, why in caught.value.why) == ("the capture did not start", True)
    assert len(caught.value.lines()) == 3
    assert bad.empty()
    assert not [event for event in events if event.step.startswith("node:") and event.state != "skipped"]


@pytest.mark.parametrize(
    ("harm", "repair"),
    [
        (lambda e, c, _: e.stop(c, 0), ["start:app", "ready:app"]),
        (lambda e, c, _: e.pause(c), ["unpause:app"]),
        (lambda e, c, _: e.remove_container(c), ["node:app", "ready:app"]),
        (lambda e, c, n: e.disconnect(c, n), ["connect:app:lab"]),
        (lambda e, c, _: (e.stop(c, 0), e.start(c)), ["ready:app"]),
    ],
    ids=["stopped", "paused", "removed", "disconnected", "restarted"],
)
def test_what_somebody_changed_by_hand_is_repaired(lab_host: LabHost, harm: Any, repair: list[str]) -> None:
    """And nothing else is touched; afterwards nothing is left to do."""
    lab_host.lab().up()
    app = next(container for container in lab_host.engine.containers("wirelab.node=app"))
    network = next(network.id for network in lab_host.engine.networks())
    harm(lab_host.engine, app.id, network)
    assert [step.id for step in lab_host.lab(run="run2").up().steps] == repair
    again = next(container for container in lab_host.engine.containers("wirelab.node=app"))
    assert (again.state, again.addresses) == ("running", app.addresses)
    assert str(lab_host.lab(run="run3").plan()) == ""


def test_a_network_that_went_while_all_were_stopped_is_repaired(lab_host: LabHost) -> None:
    """As after a restart of the machine and a `docker network prune`."""
    lab_host.lab().up()
    for container in lab_host.engine.containers("wirelab.lab"):
        lab_host.engine.stop(container.id, 0)
    before = lab_host.engine.networks()[0]
    lab_host.engine.remove_network(before.id)
    lab_host.lab(run="run2").up()
    assert {container.state for container in lab_host.engine.containers("wirelab.lab")} == {"running"}
    assert lab_host.engine.networks()[0].subnets == before.subnets
    assert str(lab_host.lab(run="run3").plan()) == ""


def test_an_altered_resolv_conf_is_written_in_place(lab_host: LabHost) -> None:
    lab_host.lab().up()
    file = lab_host.lab().folder.path / "client" / "resolv.conf"
    inode, text = file.stat().st_ino, file.read_text()
    file.write_text("nameserver 8.8.8.8\n")
    assert [step.id for step in lab_host.lab().up().steps] == ["files:client"]
    assert (file.stat().st_ino, file.read_text()) == (inode, text)


def test_a_replaced_resolv_conf_means_another_container(lab_host: LabHost) -> None:
    lab_host.lab().up()
    file = lab_host.lab().folder.path / "client" / "resolv.conf"
    other = file.with_name("other")
    other.write_text(file.read_text())
    other.replace(file)
    assert "node:client" in [step.id for step in lab_host.lab(run="run2").up().steps]
    assert str(lab_host.lab().plan()) == ""


def test_a_node_added_to_the_file_reloads_the_dns_server(lab_host: LabHost) -> None:
    lab_host.lab().up()
    dns = lab_host.engine.containers("wirelab.node=dns")[0]
    more = TEXT.replace("checks:", "  two:    {role: client}\nchecks:")
    lab_host.lab(more, run="run2").up()
    assert lab_host.engine.signals == [(dns.id, "SIGHUP")]
    assert "two" in (lab_host.lab().folder.path / "dns" / "files" / "shop.lab.zone").read_text()
    lab_host.lab(run="run3").up()
    assert not (lab_host.lab().folder.path / "two").exists()
    assert not lab_host.engine.containers("wirelab.node=two")


def test_checks_are_asked_inside_the_nodes(lab_host: LabHost) -> None:
    found: list[str] = []
    lab = lab_host.lab(publish=lambda event: found.append(event.check) if isinstance(event, FindingEvent) else None)
    lab.up()
    assert [finding.verdict for finding in lab.judge()] == ["pass", "fail"]
    assert found == ["The tools work", "Nobody is there"]


def test_a_check_that_is_known_to_fail_is_explained_without_being_asked_again(lab_host: LabHost) -> None:
    asked: list[str] = []

    def answer(call: ProgramCall) -> Output:
        asked.append(" ".join(call.argv))
        return bash(call)

    probed: list[tuple[str, bool]] = []
    engine = FakeEngine(list(IMAGES.values()), answer=answer)
    lab = LabHost(engine, lab_host.state).lab(on_probe=lambda probe, begins: probed.append((probe.node, begins)))
    lab.up()
    asked.clear()
    check = lab.scenario.checks[1]  # it runs the program `false`
    assert lab.judge([check])[0].verdict == "fail"
    assert any("false" in argv for argv in asked)
    assert probed.count(("app", True)) == probed.count(("app", False)) > 0
    asked.clear()
    walk = lab.explain(check)
    assert walk.sentence
    assert not any("false" in argv for argv in asked)


@pytest.mark.parametrize("harm", ["stop", "pause", "remove_container"])
def test_a_node_that_cannot_be_asked_makes_its_checks_unknown(lab_host: LabHost, harm: str) -> None:
    """Never a pass, and never a fail of something that nobody looked at."""
    lab = lab_host.lab()
    lab.up()
    client = lab_host.engine.containers("wirelab.node=client")[0].id
    getattr(lab_host.engine, harm)(client, *((0,) if harm == "stop" else ()))
    assert [finding.verdict for finding in lab.judge()] == ["unknown", "fail"]


def test_a_node_that_ends_fails_the_lab_with_its_last_words_and_leaves_nothing(lab_host: LabHost) -> None:
    bad = misbehaving(lab_host, without_ready("db", Behaviour(("psql: syntax error at line 3",), 1)))
    events: list[StepEvent] = []
    with pytest.raises(NodeFailed) as caught:
        bad.lab(publish=steps_to(events)).up()
    assert caught.value.what == "the node 'db' ended with exit code 1"
    assert "syntax error at line 3" in caught.value.why
    assert bad.empty()
    assert not bad.lab().folder.path.exists()
    assert [event.step for event in events if event.state == "failed"] == ["ready:db"]


class EndsUnderTheEyes(FakeEngine):
    """A node ends just before somebody begins to look on at it."""

    def start(self, container: str) -> ObservedContainer:
        shared = self._containers[container].spec.share_network_of
        if shared:
            self.stop(shared, 1)
        return super().start(container)


def test_a_node_that_ends_before_anybody_looks_on_has_ended(lab_host: LabHost) -> None:
    """Not the engine's refusal is told, but what the person needs to know."""
    own = replace(lab_host, engine=EndsUnderTheEyes([*IMAGES.values(), "mine:1"], answer=bash))
    text = TEXT.replace("{role: app,", "{role: app, image: 'mine:1', listens: [{port: 80}],")
    with pytest.raises(NodeFailed) as caught:
        own.lab(text).up()
    assert caught.value.what == "the node 'app' ended with exit code 143"
    assert own.empty()


def test_an_address_that_a_stranger_has_is_told_with_its_node(lab_host: LabHost) -> None:
    lab_host.lab().up()
    (network,) = lab_host.engine.networks()
    lab_host.engine.remove_container(lab_host.engine.containers("wirelab.node=app")[0].id)
    address = next(network.subnets[0].hosts()) + 11
    stranger = ContainerSpec("stranger", IMAGES["client"], {}, attachments=(Attach("lab", network.id, address),))
    lab_host.engine.start(lab_host.engine.make_container(stranger))
    with pytest.raises(Conflict) as caught:
        lab_host.lab().up()
    assert caught.value.what == f"the node 'app' cannot have its address: {address} (lab)"
    assert f"docker network inspect {network.id[:12]}" in caught.value.hint


def test_a_node_that_is_never_ready_fails_at_its_deadline(lab_host: LabHost) -> None:
    bad = misbehaving(lab_host, without_ready("app", Behaviour(("still thinking",))))
    with pytest.raises(NodeFailed) as caught:
        bad.lab().up()
    assert caught.value.what == "the node 'app' was not ready after 0.2 s (probe: http:80/health)"
    assert bad.empty()


def test_with_keep_a_failed_lab_stands_and_the_next_up_goes_on(lab_host: LabHost) -> None:
    failing = [True]
    slow = Behaviour(("still thinking",))
    bad = misbehaving(
        lab_host, lambda spec: slow if failing[0] and spec.labels["wirelab.node"] == "app" else as_declared(spec)
    )
    with pytest.raises(NodeFailed):
        bad.lab(keep=True).up()
    app = bad.engine.containers("wirelab.node=app")[0]
    assert app.state == "running"
    bad.engine.write(app.id, "wirelab: ready")
    assert [step.id for step in bad.lab(run="run2").up().steps] == ["ready:app", "ready:client"]


def test_a_failed_change_takes_back_only_what_it_made(lab_host: LabHost) -> None:
    """The lab that stood before goes on standing."""
    failing = [False]
    bad = misbehaving(
        lab_host,
        lambda spec: (
            Behaviour(("no",), 1) if failing[0] and spec.labels["wirelab.node"] == "two" else as_declared(spec)
        ),
    )
    bad.lab().up()
    failing[0] = True
    with pytest.raises(NodeFailed):
        bad.lab(TEXT.replace("checks:", "  two:    {role: client}\nchecks:"), run="run2").up()
    left = [container.labels["wirelab.node"] for container in bad.engine.containers("wirelab.lab")]
    assert left == ["app", "client", "db", "dns"]
    bad.lab(run="run3").up()
    assert str(bad.lab().plan()) == ""


def test_a_lab_that_fails_leaves_the_others_of_its_run_alone(lab_host: LabHost) -> None:
    """All labs of a test process stand under one run; one that cannot be brought up is taken back, and no other."""
    bad = misbehaving(
        lab_host,
        lambda spec: Behaviour(("no",), 1) if spec.labels["wirelab.lab"] == "bad" else as_declared(spec),
    )
    bad.lab(name="good").up()
    with pytest.raises(NodeFailed):
        bad.lab(name="bad").up()
    assert len(bad.engine.containers("wirelab.lab=good")) == 4
    assert not bad.engine.containers("wirelab.lab=bad")
    assert str(bad.lab(name="good").plan()) == ""


def test_no_two_things_of_the_engine_bear_one_name(lab_host: LabHost) -> None:
    """Labs whose names begin alike stand side by side, and a node may be called as what records it."""
    text = "name: shop\ntitle: t\ndomain: shop.lab\nnodes: {%s: {role: client}}\n"
    lab_host.lab(text % "eu-db").up()
    lab_host.lab(text % "db", name="shop-eu").up()
    lab_host.lab(text % "capture", name="third", capture=True).up()
    assert len(lab_host.engine.containers("wirelab.lab")) == 4


def test_an_interrupt_leaves_nothing(lab_host: LabHost) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, StepEvent) and event.step == "node:app" and event.state == "done":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab_host.lab(publish=interrupt).up()
    assert lab_host.empty()


def test_down_leaves_nothing_and_down_again_is_no_error(lab_host: LabHost) -> None:
    lab_host.lab().up()
    lab_host.lab(name="other").up()
    down(lab_host)
    assert not lab_host.engine.containers("wirelab.lab=shop")
    assert len(lab_host.engine.containers("wirelab.lab=other")) == 4
    down(lab_host)
    take_down(lab_host.engine, lab_host.state, "other", lambda _event: None)
    assert lab_host.empty()
    assert not list(lab_host.state.labs.iterdir())


def test_two_labs_of_one_scenario_stand_side_by_side(lab_host: LabHost) -> None:
    lab_host.lab().up()
    lab_host.lab(name="other").up()
    one, two = (network.subnets[0] for network in lab_host.engine.networks())
    assert not one.overlaps(two)


def test_a_lab_at_which_somebody_works_is_busy(lab_host: LabHost) -> None:
    with lab_lock(lab_host.state, "shop"):
        with pytest.raises(LabBusy):
            lab_host.lab().up()
        with pytest.raises(LabBusy):
            down(lab_host)
    assert lab_host.empty()


class Racing(FakeEngine):
    """Another program takes the range between our look and our call, once or always."""

    def __init__(self, times: int) -> None:
        super().__init__(list(IMAGES.values()))
        self.left = times

    def make_network(self, spec: NetworkSpec) -> str:
        if self.left:
            self.left -= 1
            theirs = ObservedNetwork(f"t{self.left}", f"theirs-{self.left}", (spec.subnet,), False, {})
            self._networks[theirs.id] = theirs
        return super().make_network(spec)


def test_a_range_that_somebody_just_took_is_given_up_for_the_next(lab_host: LabHost) -> None:
    racing = replace(lab_host, engine=Racing(2))
    racing.lab().up()
    ours = [network for network in racing.engine.networks() if network.labels]
    assert len(ours) == 1
    assert str(racing.lab().plan()) == ""


def test_a_range_that_is_always_taken_is_an_error_at_last(lab_host: LabHost) -> None:
    racing = replace(lab_host, engine=Racing(99))
    with pytest.raises(Conflict):
        racing.lab().up()
    assert racing.empty()


def test_the_password_stays_while_the_lab_stands_and_stands_in_no_environment(lab_host: LabHost) -> None:
    lab_host.lab().up()
    password = (lab_host.lab().folder.path / "db" / "files" / "password").read_text()
    assert (lab_host.lab().folder.path / "app" / "files" / "password").read_text() == password
    assert not (lab_host.lab().folder.path / "client" / "files" / "password").exists()
    lab_host.lab().up()
    assert (lab_host.lab().folder.path / "db" / "files" / "password").read_text() == password


class Stubborn(FakeEngine):
    """No network and no volume can be removed."""

    def remove_network(self, network: str) -> None:
        raise NetworkBusy("the engine refused", why=f"network {network[:12]} has active endpoints")

    def remove_volume(self, volume: str) -> None:
        raise VolumeBusy("the engine refused", why=f"remove {volume}: volume is in use")


def test_what_cannot_be_removed_is_named(lab_host: LabHost) -> None:
    """The rest is removed all the same, and the exit code says that something is left."""
    stubborn = replace(lab_host, engine=Stubborn(list(IMAGES.values())))
    stubborn.lab().up()
    with pytest.raises(Leftovers) as caught:
        down(stubborn)
    (network,) = (network for network in stubborn.engine.networks() if "wirelab.lab" in network.labels)
    (volume,) = stubborn.engine.volumes("wirelab.lab")
    assert caught.value.why.split("; ") == [
        f"{network.id[:12]}: network {network.id[:12]} has active endpoints",
        f"{volume.name}: remove {volume.name}: volume is in use",
    ]
    assert caught.value.hint.endswith("if the engine refuses again, restart it before")
    assert not stubborn.engine.containers("wirelab.lab")


class Garbled(Stubborn):
    """Writes of endpoints, but means something else."""

    def remove_network(self, _network: str) -> None:
        raise EngineRefused("the engine refused", why="a plugin with active endpoints is missing")


def test_a_restart_is_proposed_for_a_busy_network_alone(lab_host: LabHost) -> None:
    """The type of the error counts, and not a word in its text."""
    garbled = replace(lab_host, engine=Garbled(list(IMAGES.values())))
    garbled.lab().up()
    with pytest.raises(Leftovers) as caught:
        down(garbled)
    assert "restart" not in caught.value.hint


class Blind(FakeEngine):
    """Answers every other question, but not which networks there are."""

    blind = False

    def networks(self) -> tuple[ObservedNetwork, ...]:
        if self.blind:
            raise EngineRefused("the engine refused: the networks", why="database is locked")
        return super().networks()


def test_what_nobody_can_see_counts_as_left(lab_host: LabHost) -> None:
    """Otherwise the command would count as one that ended well, and nobody would look for it again."""
    blind = Blind(list(IMAGES.values()))
    replace(lab_host, engine=blind).lab(run="dead").up()
    blind.blind = True
    with pytest.raises(Leftovers) as caught:
        remove_labelled(blind, "wirelab.run=dead")
    assert caught.value.why == "the engine refused: the networks: database is locked"
    assert not blind.containers("wirelab.lab")
    assert not blind.volumes("wirelab.lab")


def test_a_dead_runs_things_are_found_by_its_label_alone(lab_host: LabHost) -> None:
    """This is what the watchdog does."""
    lab_host.lab(run="dead").up()
    lab_host.lab(name="other", run="alive").up()
    assert sweep_until_quiet(lab_host.engine, lab_host.state, "dead", seconds=5)
    assert not lab_host.engine.containers("wirelab.run=dead")
    assert len(lab_host.engine.containers("wirelab.run=alive")) == 4
    assert remove_labelled(lab_host.engine, "wirelab.run=dead") == 0


def test_a_dead_run_of_which_something_stays_is_not_quiet(lab_host: LabHost) -> None:
    """The watchdog then forgets nothing, so that `sweep` finds it."""
    stubborn = replace(lab_host, engine=Stubborn(list(IMAGES.values())))
    stubborn.lab(run="dead").up()
    assert not sweep_until_quiet(stubborn.engine, stubborn.state, "dead", seconds=0.3)


def test_a_sweep_goes_on_after_what_cannot_be_removed() -> None:
    """What the other dead commands left goes all the same, and what is left is told at the end."""
    stuck = Leftovers("clean-up is not complete")

    def stays() -> int:
        raise stuck

    assert remove_each([stays, lambda: 2, lambda: 1]) == (3, [stuck])


def test_a_subnet_that_the_file_names_is_used_just_so(lab_host: LabHost) -> None:
    lab_host.lab(TEXT.replace("nodes:", "networks: {lab: {subnet: 10.77.0.0/24}}\nnodes:")).up()
    assert lab_host.engine.networks()[0].subnets == (IPv4Network("10.77.0.0/24"),)


def test_a_node_at_another_address_is_put_back(lab_host: LabHost) -> None:
    lab_host.lab().up()
    client = lab_host.engine.containers("wirelab.node=client")[0]
    ((network, address),) = client.addresses.items()
    assert address
    lab_host.engine.disconnect(client.id, network)
    lab_host.engine.connect(client.id, Attach("lab", network, address + 50))
    lab_host.lab().up()
    assert lab_host.engine.container(client.id).addresses == {network: address}


def test_where_no_question_can_be_put_one_line_says_why(lab_host: LabHost) -> None:
    """A full disk in a node, for one: each program says so, and one of them is enough."""
    said = "bash: line 24: echo: write error: No space left on device\nbash: line 3: echo: write error\n"
    full = replace(lab_host, engine=FakeEngine(list(IMAGES.values()), answer=lambda _call: Output(1, "", said)))
    full.lab().up()
    found = full.lab().judge()[0]
    seen = "could not be asked: the questions could not be put: echo: write error: No space left on device"
    assert (found.verdict, found.judgement.actual) == ("unknown", seen)


def test_a_plan_tells_the_missing_images_and_builds_none(lab_host: LabHost) -> None:
    """`up` builds them, all at once and before its other steps."""
    built: list[list[str]] = []
    images: dict[str, Any] = {
        "missing_images": lambda _names: ("client", "dns"),
        "build_images": lambda names: built.append([*names]),
    }
    events: list[StepEvent] = []
    lab = lab_host.lab(publish=steps_to(events), **images)
    assert [step.id for step in lab.plan().steps][:2] == ["image:client", "image:dns"]
    assert (built, lab_host.empty()) == ([], True)
    lab.up()
    assert built == [["client", "dns"]]
    told = [(event.step, event.state) for event in events]
    assert told[:4] == [
        ("image:client", "begun"),
        ("image:dns", "begun"),
        ("image:client", "done"),
        ("image:dns", "done"),
    ]
    assert told[4][0] not in ("image:client", "image:dns")


def test_an_image_that_cannot_be_built_leaves_nothing(lab_host: LabHost) -> None:
    def fail(_names: object) -> None:
        raise ImageMissing("the image dns could not be built")

    with pytest.raises(ImageMissing):
        lab_host.lab(missing_images=lambda _names: ("dns",), build_images=fail).up()
    assert lab_host.empty()


def test_a_lab_of_another_scenario_is_not_replaced(lab_host: LabHost) -> None:
    """Its machines would go with all that they hold. `up` and `plan` say whose name it is; once removed, it is free."""
    lab_host.lab().up()
    other = lab_host.lab(TEXT.replace("name: shop", "name: office"), name="shop")
    before = lab_host.engine.containers("wirelab.lab=shop")
    for attempt in (other.up, other.plan):
        with pytest.raises(UsageInvalid, match="the lab 'shop' is made from the scenario 'shop', not from 'office'"):
            attempt()
    assert lab_host.engine.containers("wirelab.lab=shop") == before
    down(lab_host)
    other.up()
    assert len(lab_host.engine.containers("wirelab.scenario=office")) == len(before)
