"""Checks wait, but not for ever: with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any

import pytest
from probe_calls import Clock, TimedLab, in_one_call

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import (
    PROBE_PORTS,
    CheckContext,
    EngineAnswer,
    GetNodeState,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    RunProgram,
    Unavailable,
)
from orchestrator.checks.steps import ProbeSteps
from orchestrator.checks.walk import Walk
from orchestrator.errors import EngineMissing, MemberUnreachable
from orchestrator.lab.check_runner import HOPELESS_SECONDS, LEAST_TRIES, SILENT_SECONDS, CheckRunner, Clocks, Seen
from orchestrator.lab.step_loop import Arrival
from orchestrator.model.checks import KINDS, BaseCheck
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

TEXT = "name: one\ntitle: One\nnodes:\n  a: {role: client}\n  b: {role: client}\n"


Answers = Callable[[Probe], ProbeResult]


def runs(name: str = "A claim", within: float = 5.0, **more: Any) -> BaseCheck:
    return KINDS["runs"].model_validate({"name": name, "from": "a", "runs": ["try"], "within": within, **more})


def places() -> Topology:
    scenario = read_scenario(TEXT, file="f", read_companion=dict[str, str]().get).scenario
    return assign_addresses("one", scenario, Snapshot("/s", "r", {}), {})


def checked(
    answer: Answers,
    *checks: BaseCheck,
    clock: Clock | None = None,
    published: list[Finding] | None = None,
    states: Mapping[str, str] = MappingProxyType({}),
    least_tries: int = LEAST_TRIES,
) -> tuple[tuple[Finding, ...], list[list[Probe]]]:
    """The findings, and what was asked at each call; where `states` does not say otherwise, a node runs."""
    time = clock or Clock()
    calls: list[list[Probe]] = []

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        if probes and all(isinstance(probe, GetNodeState) for probe in probes):
            return [NodeState(states.get(probe.node, "running")) for probe in probes]
        if probes:
            calls.append(list(probes))
        time.now += 0.05
        return [answer(probe) for probe in probes]

    publish = (published if published is not None else []).append
    clocks = Clocks(time, lambda: 1000 + time.now, time.wait)
    runner = CheckRunner(places(), in_one_call(run_probes), publish, clocks=clocks, least_tries=least_tries)
    return runner.check(checks), calls


def always(answer: ProbeResult) -> Answers:
    return lambda _question: answer


def after(tries: int, first: ProbeResult, then: ProbeResult) -> Answers:
    left = [tries]

    def answer(_question: Probe) -> ProbeResult:
        left[0] -= 1
        return first if left[0] >= 0 else then

    return answer


def test_what_holds_at_once_is_asked_once() -> None:
    findings, calls = checked(always(ProgramResult(0, "", "")), runs())
    assert [finding.verdict for finding in findings] == ["pass"]
    assert len(calls) == 1
    assert (findings[0].check, findings[0].kind, findings[0].asker) == ("A claim", "runs", "a")


def test_what_does_not_hold_yet_is_asked_again() -> None:
    findings, calls = checked(after(3, ProgramResult(1, "", ""), ProgramResult(0, "", "")), runs())
    assert findings[0].verdict == "pass"
    assert len(calls) == 4
    assert 0 < findings[0].seconds < 5


def test_what_never_holds_fails_when_its_deadline_has_passed() -> None:
    clock = Clock()
    findings, calls = checked(always(ProgramResult(1, "", "")), runs(within=2.0), clock=clock)
    assert findings[0].verdict == "fail"
    assert 2.0 <= findings[0].seconds < 2.5
    assert len(calls) > 5
    assert clock.now < 53


def test_a_try_that_outlasts_the_deadline_is_not_the_only_one() -> None:
    """On a busy machine the first try may take longer than the whole deadline, and lose a packet."""
    findings, calls = checked(after(1, ProgramResult(1, "", ""), ProgramResult(0, "", "")), runs(within=0.01))
    assert (findings[0].verdict, len(calls)) == ("pass", 2)
    findings, calls = checked(always(ProgramResult(1, "", "")), runs(within=0.01))
    assert (findings[0].verdict, len(calls)) == ("fail", 2)


@pytest.mark.parametrize(("seconds", "tries"), [(4.0, 2), (5.0 + HOPELESS_SECONDS, 1)])
def test_an_unknown_check_whose_try_took_long_is_not_tried_again(seconds: float, tries: int) -> None:
    """The machine has no time, and the next try will take as long."""
    clock = Clock()

    def answer(_probe: Probe) -> ProbeResult:
        clock.now += seconds
        return Unavailable("the programs in a had not ended in their time")

    findings, calls = checked(answer, runs(), clock=clock)
    assert (findings[0].verdict, len([probes for probes in calls if isinstance(probes[0], RunProgram)])) == (
        "unknown",
        tries,
    )


def test_who_judges_again_and_again_is_content_with_one_try() -> None:
    failed = always(ProgramResult(1, "", ""))
    findings, calls = checked(failed, runs(within=0.01), least_tries=1)
    assert (findings[0].verdict, len(calls)) == ("fail", 1)
    findings, calls = checked(failed, runs(within=0.1), least_tries=1)
    assert (findings[0].verdict, len(calls)) == ("fail", 2)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["stopped", "paused", "missing"])
def test_for_a_node_that_does_not_run_nothing_waits(state: str) -> None:
    """What a check needs comes back only if somebody starts it: a red lab is told at once."""
    failed = always(ProgramResult(1, "", ""))
    findings, calls = checked(failed, runs(runs=["try", "${b}"]), states={"b": state})
    assert (findings[0].verdict, len(calls)) == ("fail", 1)
    findings, calls = checked(failed, runs(), states={"b": state})
    assert len(calls) > 5, "the node b plays no part in it"
    broken = runs(runs=["try", "${b}"], during={"stop": "b"})
    findings, calls = checked(failed, broken, states={"b": state})
    assert len(calls) > 5, "a check with a fault waits for what follows from the fault"


def test_what_holds_while_a_node_is_stopped_passes() -> None:
    findings, _ = checked(always(ProgramResult(0, "", "")), runs(runs=["try", "${b}"]), states={"b": "stopped"})
    assert findings[0].verdict == "pass"


def test_what_cannot_be_asked_stays_unknown() -> None:
    """Also after the deadline: never a pass, and no fail either."""
    findings, _ = checked(always(Unavailable("the node a is stopped")), runs())
    assert (findings[0].verdict, findings[0].judgement.actual) == (
        "unknown",
        "could not be asked: the node a is stopped",
    )


def test_the_last_word_counts() -> None:
    """It failed before the node went away; what is known at the deadline is that nobody can be asked."""
    findings, _ = checked(after(2, ProgramResult(1, "", ""), Unavailable("gone")), runs(within=1.0))
    assert findings[0].verdict == "unknown"


def test_checks_go_side_by_side_and_are_told_when_they_are_known() -> None:
    """All questions of one moment are in one call; findings come in the order of the checks."""
    slow, quick = runs("slow", runs=["slow"]), runs("quick", runs=["quick"])
    published: list[Finding] = []
    retry = after(2, ProgramResult(1, "", ""), ProgramResult(0, "", ""))

    def answer(probe: Probe) -> ProbeResult:
        assert isinstance(probe, RunProgram)
        return retry(probe) if probe.argv == ("slow",) else ProgramResult(0, "", "")

    findings, calls = checked(answer, slow, quick, published=published)
    assert [finding.check for finding in findings] == ["slow", "quick"]
    assert [finding.check for finding in published] == ["quick", "slow"]
    assert [len(call) for call in calls] == [2, 1, 1]


def test_each_try_has_a_word_of_its_own() -> None:
    """What an earlier try wrote must not make the next one pass."""
    findings, calls = checked(
        after(2, ProgramResult(1, "", ""), ProgramResult(0, "", "")), runs(runs=["echo", "${random}"])
    )
    words = [call[0].argv[1] for call in calls if isinstance(call[0], RunProgram)]
    assert findings[0].verdict == "pass"
    assert len(set(words)) == 3


def test_source_ports_are_not_those_that_the_kernel_gives() -> None:
    assert PROBE_PORTS[1] <= 32768


def test_no_check_is_no_question() -> None:
    assert checked(always(ProgramResult(0, "", ""))) == ((), [])


def test_an_engine_that_answers_nothing_is_not_waited_for() -> None:
    """Below one and a half times the deadline there is an error, as where the engine is gone."""
    for within, patience in ((0.001, SILENT_SECONDS), (40.0, 40.0)):
        lab = TimedLab({})
        runner = CheckRunner(places(), lab.start, lambda _: None, make_walk=no_walk, clocks=Clocks(lab, lab, lab.wait))
        began = lab.now
        with pytest.raises(EngineMissing, match="the container engine does not answer"):
            runner.check([runs(within=within)])
        assert patience < lab.now - began < 1.5 * patience
        assert [nodes for _, nodes in lab.calls] == [["a"], [""]], "the engine was asked for a sign"


def test_a_member_that_answers_nothing_is_named() -> None:
    lab = TimedLab({})
    runner = CheckRunner(places(), lab.start, lambda _: None, clocks=Clocks(lab, lab, lab.wait), member="big")
    with pytest.raises(MemberUnreachable) as raised:
        runner.check([runs(within=0.001)])
    assert list(raised.value.lines())[::2] == [
        "error: the member 'big' does not answer",
        "try:   wirelab members doctor big",
    ]


@pytest.mark.parametrize(("other", "is_error"), [(6.0, False), (2.0, True)])
def test_an_engine_that_answers_something_else_is_only_slow(other: float, is_error: bool) -> None:
    lab = TimedLab({"a": other, "b": 8.0}, ProgramResult(0, "", ""))
    runner = CheckRunner(places(), lab.start, lambda _: None, clocks=Clocks(lab, lab, lab.wait))
    checks = [runs("of a"), runs("of b").model_copy(update={"asker": "b"})]
    if is_error:
        with pytest.raises(EngineMissing):
            runner.check(checks)
    else:
        assert [finding.seconds for finding in runner.check(checks)] == [6.0, 8.0]


@pytest.mark.parametrize(("ping", "is_error"), [(4.9, False), (6.0, True)])
def test_an_engine_whose_pings_take_seconds_is_only_slow(ping: float, is_error: bool) -> None:
    """At a load of 40 a ping takes longer than two seconds; then each check has its own verdict."""
    lab = TimedLab({"a": 20.0, "": ping}, Unavailable("the programs in a had not ended in their time"))
    runner = CheckRunner(places(), lab.start, lambda _: None, clocks=Clocks(lab, lab, lab.wait), least_tries=1)
    lab.results[""] = EngineAnswer()
    if is_error:
        with pytest.raises(EngineMissing, match="the container engine does not answer"):
            runner.check([runs()])
    else:
        (finding,) = runner.check([runs()])
        assert finding.judgement.actual == "could not be asked: the programs in a had not ended in their time"
        assert finding.verdict == "unknown"


def test_answers_that_nobody_has_read_yet_are_a_sign() -> None:
    """This process did not run for a minute: when it goes on, the engine's answers lie there."""
    lab = TimedLab({"a": 3.0, "": 0.1}, ProgramResult(0, "", ""))
    wait, stopped = lab.wait, [60.0]

    def stop_once(arrived: SimpleQueue[Arrival], seconds: float | None) -> Arrival:
        if lab.now - 50.0 > 2.0 and stopped:
            lab.now += stopped.pop()
            raise Empty
        return wait(arrived, seconds)

    runner = CheckRunner(places(), lab.start, lambda _: None, clocks=Clocks(lab, lab, stop_once))
    assert [finding.verdict for finding in runner.check([runs()])] == ["pass"]


def test_a_slow_node_of_an_engine_that_answers_is_waited_for() -> None:
    lab = TimedLab({"a": 100.0, "": 0.1}, ProgramResult(0, "", ""))
    runner = CheckRunner(places(), lab.start, lambda _: None, clocks=Clocks(lab, lab, lab.wait))
    (finding,) = runner.check([runs()])
    assert (finding.verdict, finding.seconds) == ("pass", 100.0)
    assert len(lab.calls) > 10


def no_walk(_check: BaseCheck, _context: CheckContext, _judgement: Judgement, _seen: Seen) -> ProbeSteps[Walk]:
    raise AssertionError("nothing can be explained here")


def test_no_walk_begins_while_a_check_is_under_way() -> None:
    """A walk connects to servers: another check would take that for what it asks about."""
    asked: list[str] = []

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        asked.extend(probe.argv[0] for probe in probes if isinstance(probe, RunProgram))
        return [NodeState("running") if isinstance(p, GetNodeState) else ProgramResult(1, "", "") for p in probes]

    def make_walk(check: BaseCheck, _context: CheckContext, judgement: Judgement, seen: Seen) -> ProbeSteps[Walk]:
        assert [probe.argv for probe in seen if isinstance(probe, RunProgram)] == [("try",)], "what the check has sent"
        (result,) = yield (RunProgram("a", ("walk",)),)
        assert isinstance(result, ProgramResult)
        return Walk((), None, f"{check.name}, {judgement.verdict}: {judgement.actual}", "")

    clock = Clock()
    clocks = Clocks(clock, clock, clock.wait)
    runner = CheckRunner(places(), in_one_call(run_probes), lambda _: None, make_walk=make_walk, clocks=clocks)
    findings = runner.check([runs("soon", within=0.2), runs("late", within=3.0)])
    assert asked.index("walk") == len(asked) - asked[::-1].index("try"), "walks come after the last try"
    assert [finding.why and finding.why.sentence for finding in findings] == [
        "soon, fail: exit code 1",
        "late, fail: exit code 1",
    ]


def test_it_is_told_every_second_what_is_waited_for() -> None:
    told: list[list[str]] = []
    lab = TimedLab({"a": 2.5}, ProgramResult(0, "", ""))
    clocks = Clocks(lab, lab, lab.wait)
    runner = CheckRunner(places(), lab.start, lambda _: None, lambda names: told.append(list(names)), clocks=clocks)
    runner.check([runs("slow")])
    assert told == [["slow"], ["slow"]]


def test_of_what_is_judged_nothing_is_waited_for() -> None:
    """Several checks are under way, of which one takes long: the others are not named any more."""
    told: list[list[str]] = []
    lab = TimedLab({"a": 2.5, "b": 0.1}, ProgramResult(0, "", ""))
    clocks = Clocks(lab, lab, lab.wait)
    runner = CheckRunner(places(), lab.start, lambda _: None, lambda names: told.append(list(names)), clocks=clocks)
    quick = KINDS["runs"].model_validate({"name": "quick", "from": "b", "runs": ["try"]})
    runner.check([quick, runs("slow")])
    assert told == [["slow"], ["slow"]]


@pytest.mark.parametrize(("halted", "verdict"), [("b", "fail"), ("another", "unknown")])
def test_of_a_node_that_does_not_run_silence_needs_no_proof(halted: str, verdict: str) -> None:
    """A program without processor time proves nothing by its time limit, unless it is known why it waited in vain."""
    starved = replace(ProgramResult(28, "", "curl: (28) Timeout"), seconds=4.0, starved=3.9)
    clock = Clock()
    start = in_one_call(lambda probes: [starved if isinstance(p, RunProgram) else NodeState("running") for p in probes])
    runner = CheckRunner(places(), start, lambda _: None, halted=[halted], clocks=Clocks(clock, clock, clock.wait))
    (finding,) = runner.check([runs(runs=["curl", "${b}"], within=0.2)])
    assert finding.verdict == verdict
