"""`takes`: how long the question of a check took; an answer that comes too soon or too late does not hold."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import ProgramResult, RunProgram, starved_text
from orchestrator.checks.steps import CheckSteps, with_exchanges
from orchestrator.model.check_values import DurationRange


def judge_duration(steps: CheckSteps, takes: DurationRange, asker: str) -> CheckSteps:
    """The same check; where it holds, the time of the first program that the asker ran for it is judged too."""
    judgement, exchanges = yield from with_exchanges(steps)
    timed = (
        result
        for probe, result in exchanges
        if isinstance(probe, RunProgram) and probe.node == asker and isinstance(result, ProgramResult)
    )
    return _with_time(judgement, takes, next(timed, None))


def _with_time(judgement: Judgement, takes: DurationRange, result: ProgramResult | None) -> Judgement:
    wanted = range_text(takes)
    expected = f"{judgement.expected}, in {wanted}"
    if result is None:
        verdict = "unknown" if judgement.verdict == "pass" else judgement.verdict
        return replace(
            judgement, verdict=verdict, expected=expected, actual=f"{judgement.actual}; no time was measured"
        )
    seconds = result.seconds
    evidence = (*judgement.evidence, f"the question took {seconds:.3f} s")
    if judgement.verdict == "pass" and (starved := _doubt(takes, result)):
        return Judgement("unknown", expected, f"{judgement.actual}; {starved}", evidence)
    timely = (takes.at_least or 0) <= seconds and (takes.at_most is None or seconds <= takes.at_most)
    if judgement.verdict != "pass" or timely:
        return replace(judgement, expected=expected, evidence=evidence)
    actual = f"{judgement.actual}, but it took {seconds:.3f} s, not {wanted}"
    return Judgement("fail", expected, actual, evidence)


def _doubt(takes: DurationRange, result: ProgramResult) -> str:
    """Why the time proves nothing: the asker was kept from running, and without that the verdict could be another."""
    net = result.seconds - result.starved
    if takes.at_most is not None and net <= takes.at_most < result.seconds:
        return f"it took {result.seconds:.3f} s, and for {result.starved:.1f} s of that the node got no processor time"
    return starved_text(result) if net < (takes.at_least or 0) <= result.seconds else ""


def range_text(takes: DurationRange) -> str:
    """`0.5 to 8 s`, `at least 0.5 s` or `at most 8 s`."""
    match takes.at_least, takes.at_most:
        case low, None:
            return f"at least {low:g} s"
        case None, high:
            return f"at most {high:g} s"
        case low, high:
            return f"{low:g} to {high:g} s"
