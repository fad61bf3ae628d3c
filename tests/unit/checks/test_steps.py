"""The driver of probe generators hands each generator the results of its own probes, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.checks.probes import GetNodeState, NodeState, Probe, ProbeResult
from orchestrator.checks.steps import ProbeSteps, StepRun, run_steps, side_by_side, with_exchanges


def rounds(*names: str) -> ProbeSteps[str]:
    """One probe a round; the value is what came back."""
    states = []
    for name in names:
        (result,) = yield (GetNodeState(name),)
        assert isinstance(result, NodeState)
        states.append(result.state)
    return " ".join(states)


def echo(probes: Sequence[Probe]) -> list[ProbeResult]:
    """Each node's state is its own name, so that a swapped result shows."""
    return [NodeState(probe.node) for probe in probes]


def test_one_generator_is_driven_to_its_value() -> None:
    assert run_steps(rounds("a", "b"), echo) == "a b"
    assert run_steps(rounds(), echo) == ""


def test_generators_of_different_length_go_side_by_side() -> None:
    """What all wait for is one call; the values stand in the order of the generators."""
    calls: list[list[Probe]] = []

    def recorded(probes: Sequence[Probe]) -> list[ProbeResult]:
        calls.append(list(probes))
        return echo(probes)

    many = [rounds("a", "b", "c"), rounds(), rounds("d"), rounds("e", "f")]
    assert run_steps(side_by_side(many), recorded) == ["a b c", "", "d", "e f"]
    assert [len(call) for call in calls] == [3, 2, 1]
    assert run_steps(side_by_side([]), echo) == []


def test_what_was_sent_is_given_with_its_results() -> None:
    value, exchanges = run_steps(with_exchanges(rounds("a", "b")), echo)
    assert value == "a b"
    assert exchanges == [(GetNodeState(name), NodeState(name)) for name in "ab"]


def test_a_run_that_is_not_done_has_no_value() -> None:
    run = StepRun(rounds("a"))
    run.begin()
    run.begin()
    assert (run.done, run.probes) == (False, (GetNodeState("a"),))
    with pytest.raises(LookupError):
        _ = run.value
    run.send((NodeState("x"),))
    assert (run.done, run.value, run.probes) == (True, "x", ())


def test_an_error_inside_a_generator_reaches_the_caller() -> None:
    def failing() -> ProbeSteps[None]:
        yield (GetNodeState("a"),)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_steps(failing(), echo)


def test_results_that_are_missing_are_no_results() -> None:
    """A runner that answers less than it was asked is a mistake of ours, never an empty answer."""
    with pytest.raises((RuntimeError, StopIteration, ValueError)):
        run_steps(side_by_side([rounds("a"), rounds("b")]), lambda _probes: [NodeState("a")])
