"""The step loop waits for nobody longer than it must, on a clock that the tests move."""

from __future__ import annotations

import pytest
from probe_calls import TimedLab

from orchestrator.checks.probes import TIMED_OUT, GetNodeState, ProgramResult
from orchestrator.checks.steps import ProbeSteps
from orchestrator.checks.target_time import STARVED_REUSED_SECONDS, TIMELY_REUSED_SECONDS, processor_probe
from orchestrator.errors import EngineMissing
from orchestrator.lab.step_loop import GATHER_SECONDS, SHARED_SECONDS, StepLoop


def asks(*nodes: str) -> ProbeSteps[str]:
    """One probe after the other; the value names them."""
    for node in nodes:
        yield (GetNodeState(node),)
    return " ".join(nodes)


def loop_of(lab: TimedLab) -> StepLoop:
    return StepLoop(lab.start, lab, lab.wait)


def test_what_is_ready_at_one_time_is_one_call() -> None:
    lab, values = TimedLab({"a": 1, "b": 1, "c": 1}), list[str]()
    loop = loop_of(lab)
    loop.add(asks("a", "b"), values.append)
    loop.add(asks("c"), values.append)
    loop.run_until(lambda: len(values) == 2)
    assert (lab.calls, values) == ([(0, ["a", "c"]), (1, ["b"])], ["c", "a b"])


def test_a_quick_one_does_not_wait_for_a_slow_one() -> None:
    """It gathers for a moment, so that others which are as quick share its call."""
    lab, values = TimedLab({"slow": 9, "quick": 1, "quicker": 0.9}), list[str]()
    loop = loop_of(lab)
    for nodes in (("slow",), ("quick", "quick"), ("quicker", "quicker")):
        loop.add(asks(*nodes), values.append)
    loop.run_until(lambda: len(values) == 3)
    second = round(0.9 + GATHER_SECONDS, 3)
    assert lab.calls == [(0, ["slow", "quick", "quicker"]), (second, ["quicker", "quick"])]
    assert values == ["quicker quicker", "quick quick", "slow"]


def test_walks_share_what_is_under_way_or_fresh_and_nothing_else_does() -> None:
    lab, done = TimedLab({"a": 3}), list[str]()
    loop = loop_of(lab)
    for shared in (True, True, False):
        loop.add(asks("a"), done.append, shared=shared)
    loop.run_until(lambda: bool(lab.calls))
    assert lab.calls == [(0, ["a", "a"])]
    loop.later(2.5, lambda: loop.add(asks("a"), done.append, shared=True))  # under way
    loop.run_until(lambda: len(done) == 4)
    assert len(lab.calls) == 1
    loop.later(SHARED_SECONDS, lambda: loop.add(asks("a"), done.append, shared=True))  # asked too long ago
    loop.run_until(lambda: len(done) == 5)
    assert [nodes for _, nodes in lab.calls] == [["a", "a"], ["a"]]


def lacks_time(node: str) -> ProbeSteps[str]:
    (result,) = yield (processor_probe(node),)
    return str(result.exit_code if isinstance(result, ProgramResult) else result)


@pytest.mark.parametrize(("code", "reused"), [(0, TIMELY_REUSED_SECONDS), (TIMED_OUT, STARVED_REUSED_SECONDS)])
def test_checks_share_the_question_whether_a_node_has_processor_time(code: int, reused: float) -> None:
    """Many such probes would take it from each other. That it had none is true for longer than that it had some."""
    lab, done = TimedLab({"a": 3}, ProgramResult(code, "", "", seconds=3.0)), list[str]()
    loop = loop_of(lab)
    for _ in range(3):
        loop.add(lacks_time("a"), done.append)
    loop.later(2.0, lambda: loop.add(lacks_time("a"), done.append))  # under way
    loop.later(2.9 + reused, lambda: loop.add(lacks_time("a"), done.append))  # known for less than that
    loop.run_until(lambda: len(done) == 5)
    assert (lab.calls, done) == ([(0, ["a"])], [str(code)] * 5)
    loop.later(reused, lambda: loop.add(lacks_time("a"), done.append))
    loop.run_until(lambda: len(done) == 6)
    assert len(lab.calls) == 2


def test_timers_come_in_their_order() -> None:
    lab, called = TimedLab({}), list[str]()
    loop = loop_of(lab)
    loop.later(2.0, lambda: called.append("later"))
    loop.later(1.0, lambda: called.append("sooner"))
    loop.run_until(lambda: len(called) == 2)
    assert (called, lab.now) == (["sooner", "later"], 52.0)


def test_what_prevented_a_probe_is_raised() -> None:
    lab = TimedLab({"a": 1}, EngineMissing("the container engine does not answer"))
    loop = loop_of(lab)
    loop.add(asks("a"), lambda _value: None)
    with pytest.raises(EngineMissing):
        loop.run_until(lambda: False)


def test_a_generator_that_asks_for_nothing_goes_on() -> None:
    def empty() -> ProbeSteps[str]:
        assert (yield ()) == ()
        return "done"

    values = list[str]()
    loop_of(TimedLab({})).add(empty(), values.append)
    assert values == ["done"]
