"""`takes`: how long the question of a check took; an answer that comes too soon or too late does not hold."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckSteps, Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.model.check_values import DurationRange


def judge_duration(judging: CheckSteps, takes: DurationRange, asker: str) -> CheckSteps:
    """The same check; where it holds, the time of the first program that the asker ran for it is judged too."""
    seconds: float | None = None
    try:
        probes = next(judging)
        while True:
            results = yield probes
            seconds = _first(probes, results, asker) if seconds is None else seconds
            probes = judging.send(results)
    except StopIteration as ended:
        return _with_time(ended.value, takes, seconds)


def _first(probes: tuple[Probe, ...], results: tuple[ProbeResult, ...], asker: str) -> float | None:
    pairs = zip(probes, results, strict=True)
    return next(
        (a.seconds for q, a in pairs if isinstance(q, RunProgram) and q.node == asker and isinstance(a, ProgramResult)),
        None,
    )


def _with_time(found: Judgement, takes: DurationRange, seconds: float | None) -> Judgement:
    wanted = range_text(takes)
    expected = f"{found.expected}, in {wanted}"
    if seconds is None:
        verdict = "unknown" if found.verdict == "pass" else found.verdict
        return replace(found, verdict=verdict, expected=expected, actual=f"{found.actual}; no time was measured")
    evidence = (*found.evidence, f"the question took {seconds:.3f} s")
    timely = (takes.at_least or 0) <= seconds and (takes.at_most is None or seconds <= takes.at_most)
    if found.verdict != "pass" or timely:
        return replace(found, expected=expected, evidence=evidence)
    seen = f"{found.actual}, but it took {seconds:.3f} s, not {wanted}"
    return Judgement("fail", expected, seen, evidence)


def range_text(takes: DurationRange) -> str:
    """`0.5 to 8 s`, `at least 0.5 s` or `at most 8 s`."""
    match takes.at_least, takes.at_most:
        case low, None:
            return f"at least {low:g} s"
        case None, high:
            return f"at most {high:g} s"
        case low, high:
            return f"{low:g} to {high:g} s"
