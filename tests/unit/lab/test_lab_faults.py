"""Checks with a fault, on the engine in memory: judged while it is in, or once it is healed; healed in any case."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, TEXT, LabHost, bash, is_done
from networks_in_memory import Helped

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import NotPossible, UsageInvalid
from orchestrator.events import Event, FaultEvent, FindingEvent
from orchestrator.lab import faults as breaking
from orchestrator.model.faults.pause import Pause
from orchestrator.model.faults.stop import Stop

pytestmark = pytest.mark.slow

BROKEN = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - {name: calm, from: db, runs: [echo, x], within: 0.1}\n"
    "  - {name: while it is stopped, during: {stop: db}, node: db, sees: app, within: 0.1}\n"
    "  - {name: once it is back, after: {stop: db}, from: db, runs: [echo, x], within: 0.1}\n"
    "  - {name: once the app is back, after: {pause: app}, from: app, runs: [echo, x], within: 0.1}\n"
)


def test_during_is_judged_in_the_fault_and_after_once_it_is_healed(lab_host: LabHost) -> None:
    """A stopped database cannot be asked; once it is back it can. The fault of two checks is put in once."""
    done: list[str] = []
    lab = lab_host.lab(BROKEN, publish=lambda event: done.append(event.step) if is_done(event) else None)
    lab.up()
    done.clear()
    findings = breaking.check(lab, lab.scenario.checks)
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("calm", "pass"),
        ("while it is stopped", "unknown"),
        ("once it is back", "pass"),
        ("once the app is back", "pass"),
    ]
    assert "stopped" in findings[1].judgement.actual
    assert done == ["stop:db", "start:db", "ready:db", "pause:app", "unpause:app"]


def test_a_check_whose_fault_the_engine_cannot_put_in_is_skipped_and_the_others_are_judged(
    lab_host: LabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the engine answered; never as passed. Nothing of the fault stays."""

    def refuse(container: str) -> None:
        raise NotPossible(f"the engine refused: {container}", why="this container does not have a cgroup")

    monkeypatch.setattr(lab_host.engine, "pause", refuse)
    lab = lab_host.lab(BROKEN)
    lab.up()
    findings = breaking.check(lab, lab.scenario.checks)
    assert [finding.verdict for finding in findings] == ["pass", "unknown", "pass", "unknown"]
    skipped = "skipped: the engine cannot put the fault in: this container does not have a cgroup"
    assert findings[3].judgement.actual == skipped
    assert (lab.faults(), lab.plan().steps) == ((), ())


BETWEEN = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - name: each step holds\n"
    "    during: [{stop: db}, {check: {name: y, from: app, runs: [echo, x], within: 0.1}}, {pause: app},"
    " {heal: pause-app}, {check: {name: z, from: app, runs: [echo, x], within: 0.1}}]\n"
    "    from: app\n"
    "    runs: [echo, x]\n"
    "    within: 0.1\n"
    "  - name: a step does not hold\n"
    "    after: [{stop: db}, {check: {name: y, from: app, runs: [echo, y], contains: z, within: 0.1}}, {pause: app}]\n"
    "    from: app\n"
    "    runs: [echo, x]\n"
    "    within: 0.1\n"
)


@pytest.mark.slow
def test_a_check_between_the_faults_of_a_list_must_hold_there(lab_host: LabHost) -> None:
    """If one does not, the rest of the list is left out, the faults are healed, and the whole has its verdict."""
    done: list[str] = []
    lab = lab_host.lab(BETWEEN, publish=lambda event: done.append(event.step) if is_done(event) else None)
    lab.up()
    done.clear()
    good, bad = breaking.check(lab, lab.scenario.checks)
    assert (good.verdict, bad.verdict, bad.check) == ("pass", "fail", "a step does not hold")
    assert bad.judgement.actual.startswith("between the faults, 'y': ")
    assert done.count("pause:app") == 1
    assert done[-3:] == ["stop:db", "start:db", "ready:db"]
    assert lab.faults() == ()


SEVERAL = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - {name: both are stopped, during: [{stop: db}, {pause: app}], node: db, sees: app, within: 0.1}\n"
    "  - name: one is back\n"
    "    during: [{stop: db}, {pause: app}, {heal: pause-app}]\n"
    "    from: app\n"
    "    runs: [echo, x]\n"
    "    within: 0.1\n"
    "  - {name: afterwards, after: [{stop: db}, {pause: app}], from: db, runs: [echo, x], within: 0.1}\n"
)


def test_several_faults_are_put_in_in_their_order_and_one_of_them_healed(lab_host: LabHost) -> None:
    """All are in while the check is judged, but for those that its list heals; in the end none is left."""
    done: list[str] = []
    told: list[str] = []

    def publish(event: Event) -> None:
        if is_done(event):
            done.append(event.step)
        if isinstance(event, FaultEvent):
            told.append(f"{event.state} {event.id}")

    lab = lab_host.lab(SEVERAL, publish=publish)
    lab.up()
    done.clear()
    findings = breaking.check(lab, lab.scenario.checks)
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("both are stopped", "unknown"),
        ("one is back", "pass"),
        ("afterwards", "pass"),
    ]
    put_in, back = ["stop:db", "pause:app"], {"start:db", "ready:db"}
    assert done[:2] == put_in
    assert set(done[2:5]) == {*back, "unpause:app"}
    assert done[5:8] == [*put_in, "unpause:app"]
    assert set(done[8:10]) == back
    assert done[10:12] == put_in
    both = ["in stop-db", "in pause-app"]
    assert told[2:4] == ["out stop-db", "out pause-app"]
    assert [*told[:2], *told[4:8]] == [*both, *both, "out pause-app", "out stop-db"]
    assert lab.faults() == ()
    assert str(lab.plan()) == ""


def test_of_several_faults_one_that_somebody_mends_proves_nothing(lab_host: LabHost) -> None:
    """Each fault that the list leaves in must still be in once the check is judged."""

    def mends(call: ProgramCall) -> Output:
        if any(container.state == "exited" for container in torn.engine.containers("wirelab.lab=shop")):
            mender = torn.lab(SEVERAL, run="run2")
            mender.up(healed=[fault.id for fault in mender.folder.faults.faults()])
        return bash(call)

    torn = replace(lab_host, engine=FakeEngine(list(IMAGES.values()), answer=mends))
    lab = torn.lab(SEVERAL)
    lab.up()
    (finding,) = breaking.check(lab, lab.scenario.checks[1:2])
    assert finding.verdict == "unknown"
    assert "the fault was mended while this was judged (stop:db)" in finding.judgement.actual


def test_of_a_fault_that_somebody_mends_meanwhile_nothing_is_proved(lab_host: LabHost) -> None:
    """As by `heal` in another window: what was seen then may have been seen in a whole lab."""
    text = BROKEN.replace("node: db, sees: app", "from: app, runs: [echo, x]")

    def mends(call: ProgramCall) -> Output:
        if any(container.state == "exited" for container in torn.engine.containers("wirelab.lab=shop")):
            mender = torn.lab(text, run="run2")
            mender.up(healed=[fault.id for fault in mender.folder.faults.faults()])
        return bash(call)

    torn = replace(lab_host, engine=FakeEngine(list(IMAGES.values()), answer=mends))
    messages: list[str] = []
    for where, verdict in ((lab_host, "pass"), (torn, "unknown")):
        lab = where.lab(
            text, publish=lambda event: messages.append(event.verdict) if isinstance(event, FindingEvent) else None
        )
        lab.up()
        findings = breaking.check(lab, lab.scenario.checks[1:2])
        assert ([finding.verdict for finding in findings], messages.pop()) == ([verdict], verdict)
    seen = "the fault was mended while this was judged (stop:db): exit code 0"
    assert findings[0].judgement.actual == seen


def test_an_interrupt_leaves_no_fault(lab_host: LabHost) -> None:
    """Whatever ends a check in the middle of a fault, the lab is healed first."""

    def interrupted(event: Event) -> None:
        if isinstance(event, FindingEvent):
            raise KeyboardInterrupt

    lab = lab_host.lab(BROKEN, publish=interrupted)
    lab.up()
    with pytest.raises(KeyboardInterrupt):
        breaking.check(lab, lab.scenario.checks[1:])
    assert {container.state for container in lab_host.engine.containers("wirelab.lab=shop")} == {"running"}
    assert str(lab_host.lab(run="run2").plan()) == ""


def test_a_check_puts_no_fault_beside_one_that_somebody_has_put_in(lab_host: LabHost) -> None:
    """Checks that break and heal by themselves are unknown there, and say why; the others are judged."""
    lab = lab_host.lab(BROKEN)
    lab.up()
    breaking.inject(lab, Pause(pause="app"))
    findings = breaking.check(lab, lab.scenario.checks)
    assert [finding.verdict for finding in findings] == ["pass", "unknown", "unknown", "unknown"]
    why = "it was not asked, for another fault is in (pause-app); wirelab heal shop heals it"
    assert findings[1].judgement.actual == why
    assert [fault.id for fault in lab.faults()] == ["pause-app"]
    assert str(lab.plan()) == ""


def test_a_lab_that_is_broken_by_hand_is_not_healed_by_a_check(lab_host: LabHost) -> None:
    lab = lab_host.lab(BROKEN)
    lab.up()
    lab_host.engine.pause(lab_host.engine.containers("wirelab.node=app")[0].id)
    findings = breaking.check(lab, lab.scenario.checks)
    assert [finding.verdict for finding in findings] == ["pass", "unknown", "unknown", "unknown"]
    assert "the lab is not whole: unpause:app  (paused); wirelab up shop mends it" in findings[1].judgement.actual
    assert str(lab.plan()) == "unpause:app  (paused)"


def test_a_fault_is_written_down_before_it_is_put_in_and_until_it_is_healed(lab_host: LabHost) -> None:
    """A command that is killed in between leaves a fault that `heal` finds; events tell of both."""
    lab = lab_host.lab(BROKEN)
    lab.up()

    def killed(event: Event) -> None:
        if is_done(event):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaking.inject(lab_host.lab(BROKEN, publish=killed), Stop(stop="db"))
    assert [fault.id for fault in lab.faults()] == ["stop-db"]
    with pytest.raises(KeyboardInterrupt):
        breaking.heal(lab_host.lab(BROKEN, publish=killed), ["stop-db"])
    assert [fault.id for fault in lab.faults()] == ["stop-db"]
    events: list[Event] = []
    watched = lab_host.lab(BROKEN, publish=events.append)
    assert [fault.id for fault in breaking.heal(watched, ["stop-db"]).faults] == ["stop-db"]
    assert lab.faults() == ()
    assert str(lab.plan()) == ""
    assert [event for event in events if isinstance(event, FaultEvent)] == [
        FaultEvent("out", "stop db", "stop-db", "python")
    ]


def test_up_keeps_what_is_in_and_heal_of_one_leaves_the_other(lab_host: LabHost) -> None:
    lab = lab_host.lab(BROKEN)
    lab.up()
    first, second = Stop(stop="db"), Pause(pause="app")
    assert [breaking.inject(lab, fault).faults[0].id for fault in (first, second)] == ["stop-db", "pause-app"]
    assert str(lab_host.lab(BROKEN, run="run2").up()) == ""
    plan = breaking.heal(lab_host.lab(BROKEN, run="run3"), ["stop-db"]).plan
    assert [step.id for step in plan.steps] == ["start:db", "ready:db"]
    containers = lab_host.engine.containers("wirelab.lab=shop")
    states = {container.labels["wirelab.node"]: container.state for container in containers}
    assert (states["db"], states["app"]) == ("running", "paused")
    with pytest.raises(UsageInvalid, match="the lab 'shop' has no fault 'stop-db'") as caught:
        breaking.heal(lab, ["stop-db"])
    assert caught.value.why == "the faults of this lab are pause-app"


def test_a_fault_of_a_check_ends_with_its_run(lab_host: LabHost) -> None:
    """Killed with everything that could heal it: the next `up` mends what it broke."""
    lab = lab_host.lab(BROKEN, run="dead")
    lab.up()
    breaking.inject(lab, Stop(stop="db"), of_check=True)
    assert lab.faults()
    later = lab_host.lab(BROKEN, run="run2")
    assert later.faults() == ()
    assert [step.id for step in later.up().steps] == ["start:db", "ready:db"]
    assert later.folder.faults.faults() == ()


def test_what_the_previous_release_cut_is_known_and_healed(tmp_path: Path) -> None:
    """It kept that in the record of each node, beside keys that stay."""
    world = Helped()
    world.lab(tmp_path).up()
    container = world.engine.containers("wirelab.node=near")[0]
    file = tmp_path / "labs" / "ways" / "nodes" / "near" / "record.json"
    record = {**json.loads(file.read_text()), "cut": "192.168.9.1 192.168.9.2", "cut_at": container.started}
    file.write_text(json.dumps(record))
    healed = world.lab(tmp_path, "run2").up()
    assert [step.id for step in healed.steps] == ["mend:near"]
    assert str(world.lab(tmp_path, "run3").up()) == ""
    assert world.asked[-1] == ("near",)


BEFORE = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - {name: held before, during: {stop: db}, from: app, runs: [echo, x], within: 0.1,\n"
    "     before: [{name: it ran, from: db, runs: [echo, x], within: 0.1}]}\n"
    "  - {name: did not hold before, during: {stop: db}, from: app, runs: [echo, x], within: 0.1,\n"
    "     before: [{name: it ran, from: db, runs: [echo, x], exit: 3, within: 0.1}]}\n"
)


def test_what_must_hold_before_a_fault_is_asked_before_it_is_put_in(lab_host: LabHost) -> None:
    """The stopped node could answer then; where it does not hold, the check fails with that reason, told once."""
    messages: list[str] = []
    lab = lab_host.lab(
        BEFORE, publish=lambda event: messages.append(event.check) if isinstance(event, FindingEvent) else None
    )
    lab.up()
    findings = breaking.check(lab, lab.scenario.checks)
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("held before", "pass"),
        ("did not hold before", "fail"),
    ]
    assert findings[1].judgement.actual == "before the fault, 'it ran': exit code 0"
    assert sorted(messages) == ["did not hold before", "held before"]
