"""`takes`: how long the question of a check took; an answer that comes too soon or too late does not hold."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.checks.steps import CheckSteps, with_exchanges
from orchestrator.model.check_values import DurationRange


def judge_duration(steps: CheckSteps, takes: DurationRange, asker: str) -> CheckSteps:
    """The same check; where it holds, the time of the first program that the asker ran for it is judged too."""
    judgement, exchanges = yield from with_exchanges(steps)
    times = (
        result.seconds
        for probe, result in exchanges
        if isinstance(probe, RunProgram) and probe.node == asker and isinstance(result, ProgramResult)
    )
    return _with_time(judgement, takes, next(times, None))


def _with_time(judgement: Judgement, takes: DurationRange, seconds: float | None) -> Judgement:
    wanted = range_text(takes)
    expected = f"{judgement.expected}, in {wanted}"
    if seconds is None:
        verdict = "unknown" if judgement.verdict == "pass" else judgement.verdict
        return replace(
            judgement, verdict=verdict, expected=expected, actual=f"{judgement.actual}; no time was measured"
        )
    evidence = (*judgement.evidence, f"the question took {seconds:.3f} s")
    timely = (takes.at_least or 0) <= seconds and (takes.at_most is None or seconds <= takes.at_most)
    if judgement.verdict != "pass" or timely:
        return replace(judgement, expected=expected, evidence=evidence)
    actual = f"{judgement.actual}, but it took {seconds:.3f} s, not {wanted}"
    return Judgement("fail", expected, actual, evidence)


def range_text(takes: DurationRange) -> str:
    """`0.5 to 8 s`, `at least 0.5 s` or `at most 8 s`."""
    match takes.at_least, takes.at_most:
        case low, None:
            return f"at least {low:g} s"
        case None, high:
            return f"at most {high:g} s"
        case low, high:
            return f"{low:g} to {high:g} s"
