"""Checks with a fault, on the engine in memory: judged while it is in, or once it is healed; healed in any case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_in_memory import IMAGES, TEXT, Place, bash, is_done

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.events import Event, FindingEvent
from orchestrator.lab import faults as breaking
from orchestrator.model.faults.pause import Pause

BROKEN = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - {name: calm, from: db, runs: [echo, x], within: 0.1}\n"
    "  - {name: while it is stopped, during: {stop: db}, node: db, sees: app, within: 0.1}\n"
    "  - {name: once it is back, after: {stop: db}, from: db, runs: [echo, x], within: 0.1}\n"
    "  - {name: once the app is back, after: {pause: app}, from: app, runs: [echo, x], within: 0.1}\n"
)


def test_during_is_judged_in_the_fault_and_after_once_it_is_healed(place: Place) -> None:
    """A stopped database cannot be asked; once it is back it can. The fault of two checks is put in once."""
    done: list[str] = []
    lab = place.lab(BROKEN, publish=lambda event: done.append(event.step) if is_done(event) else None)
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


def test_of_a_fault_that_somebody_mends_meanwhile_nothing_is_proved(place: Place) -> None:
    """As by `heal` in another window: what was seen then may have been seen in a whole lab."""
    text = BROKEN.replace("node: db, sees: app", "from: app, runs: [echo, x]")

    def mends(call: ProgramCall) -> Output:
        if any(container.state == "exited" for container in torn.engine.containers("wirelab.lab=shop")):
            torn.lab(text, run="run2").up()
        return bash(call)

    torn = replace(place, engine=FakeEngine(list(IMAGES.values()), answer=mends))
    messages: list[str] = []
    for where, verdict in ((place, "pass"), (torn, "unknown")):
        lab = where.lab(
            text, publish=lambda event: messages.append(event.verdict) if isinstance(event, FindingEvent) else None
        )
        lab.up()
        findings = breaking.check(lab, lab.scenario.checks[1:2])
        assert ([finding.verdict for finding in findings], messages.pop()) == ([verdict], verdict)
    seen = "the fault was mended while this was judged (stop:db): exit code 0"
    assert findings[0].judgement.actual == seen


def test_an_interrupt_leaves_no_fault(place: Place) -> None:
    """Whatever ends a check in the middle of a fault, the lab is healed first."""

    def interrupted(event: Event) -> None:
        if isinstance(event, FindingEvent):
            raise KeyboardInterrupt

    lab = place.lab(BROKEN, publish=interrupted)
    lab.up()
    with pytest.raises(KeyboardInterrupt):
        breaking.check(lab, lab.scenario.checks[1:])
    assert {container.state for container in place.engine.containers("wirelab.lab=shop")} == {"running"}
    assert str(place.lab(run="run2").plan()) == ""


def test_a_lab_that_is_broken_already_is_not_healed_by_a_check(place: Place) -> None:
    """Checks that break and heal by themselves are unknown there, and say why; the others are judged."""
    lab = place.lab(BROKEN)
    lab.up()
    breaking.inject(lab, Pause(pause="app"))
    findings = breaking.check(lab, lab.scenario.checks)
    assert [finding.verdict for finding in findings] == ["pass", "unknown", "unknown", "unknown"]
    assert "the lab is not whole: unpause:app  (paused); wirelab heal shop mends it" in findings[1].judgement.actual
    assert str(lab.plan()) == "unpause:app  (paused)"


BEFORE = TEXT.partition("checks:")[0] + (
    "checks:\n"
    "  - {name: held before, during: {stop: db}, from: app, runs: [echo, x], within: 0.1,\n"
    "     before: [{name: it ran, from: db, runs: [echo, x], within: 0.1}]}\n"
    "  - {name: did not hold before, during: {stop: db}, from: app, runs: [echo, x], within: 0.1,\n"
    "     before: [{name: it ran, from: db, runs: [echo, x], exit: 3, within: 0.1}]}\n"
)


def test_what_must_hold_before_a_fault_is_asked_before_it_is_put_in(place: Place) -> None:
    """The stopped node could answer then; where it does not hold, the check fails with that reason, told once."""
    messages: list[str] = []
    lab = place.lab(
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
