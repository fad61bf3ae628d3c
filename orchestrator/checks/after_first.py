"""A check with `first`: what these checks caused may be gone when it is judged too late, and then it proves nothing.

Such a fact is a session of a pool that closes idle ones, a socket in TIME_WAIT, or an answer in a cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult
from orchestrator.checks.steps import CheckSteps, ProbeSteps, StepRun, with_exchanges
from orchestrator.model.checks import BaseCheck, Http, Listens, Resolves, Roles, Runs, Sees, Sql
from orchestrator.quick_dataclass import dataclass

# Kinds that look at what is there: sessions and sockets, which go soon. The pool of the role `app` closes a session
# after 2 s. Of their programs the end counts: when they looked is not known otherwise.
LOOKING = (Sql, Sees, Roles, Listens)
LOOKED_SOON_SECONDS = 1.5
# Of other kinds the start counts: their programs may wait for an answer as long as they like. What they depend on, such
# as a cache, keeps longer; and on a busy machine seconds pass before any program starts.
SOON_SECONDS = 8.0
# What these checks cause, they have caused when their first program has ended; then they only gather evidence.
ACT_FIRST = (Http, Resolves, Runs, Sql)
# Exit codes of psql(1) and ss(8) that have seen something; without a connection psql ends with 2.
SAW_SOMETHING = (0, 1)

Exchanges = Sequence[tuple[Probe, ProbeResult]]


@dataclass(frozen=True)
class Answered:
    """When the first program of a check had its answer, in seconds since 1970, and for how long it ran for that."""

    at: float
    worked: float


def judged_after(check: BaseCheck, first: Sequence[CheckSteps], steps: CheckSteps) -> ProbeSteps[tuple[int, Judgement]]:
    """The judgement of the check, or that of the first one of `first` that does not hold, with its place (-1: none).

    A check that looks at what is there does so while the last of `first` gathers evidence: on a busy machine each call
    to the engine takes half a second.
    """
    answers: list[Answered] = []
    for place, before in enumerate(first):
        early = place == len(first) - 1 and isinstance(check, LOOKING) and isinstance(check.first[place], ACT_FIRST)
        judgement, exchanges, main = yield from _overlapped(before, steps if early else None)
        if judgement.verdict != "pass":
            steps.close()
            return place, judgement
        answers += _answers(exchanges)
        if main:
            return -1, _soon(check, answers, *main)
    return -1, _soon(check, answers, *(yield from with_exchanges(steps)))


def _overlapped(
    before: CheckSteps, steps: CheckSteps | None
) -> ProbeSteps[tuple[Judgement, Exchanges, tuple[Judgement, Exchanges] | None]]:
    """The first check with its exchanges, and the second one, which begins when a program of the first has ended."""
    run, exchanges = StepRun(before), list[tuple[Probe, ProbeResult]]()
    run.begin()
    while not run.done and not (steps and any(_programs(exchanges))):
        results = yield run.probes
        exchanges += zip(run.probes, results, strict=True)
        run.send(results)
    if steps is None or (run.done and run.value.verdict != "pass"):
        return run.value, exchanges, None
    main = StepRun(with_exchanges(steps))
    main.begin()
    while not (run.done and main.done):
        results = yield (*run.probes, *main.probes)
        share = len(run.probes)
        if not run.done:
            run.send(results[:share])
        if not main.done:
            main.send(results[share:])
    return run.value, exchanges, main.value


def _soon(check: BaseCheck, answers: Sequence[Answered], judgement: Judgement, exchanges: Exchanges) -> Judgement:
    """The judgement. If the check does not hold, and looked too late after the first of these answers, it is unknown.

    How long the programs of later ones worked is the author's will, and no delay.
    """
    program = next(iter(_programs(exchanges)), None)
    if judgement.verdict != "fail" or program is None or not answers:
        return judgement
    late = _seen_at(check, program) - answers[0].at - sum(answer.worked for answer in answers[1:])
    if late <= (LOOKED_SOON_SECONDS if isinstance(check, LOOKING) else SOON_SECONDS):
        return judgement
    actual = f"not measured: asked {late:.1f} s after the checks of `first`, and what these cause may be gone by then"
    return replace(judgement, verdict="unknown", actual=f"{actual} ({judgement.actual})")


def _answers(exchanges: Exchanges) -> list[Answered]:
    """The first answer of a check; none if no program ran for it."""
    answers = [
        Answered(result.started + result.seconds, result.seconds - result.starved) for result in _programs(exchanges)
    ]
    return sorted(answers, key=lambda answer: answer.at)[:1]


def _seen_at(check: BaseCheck, program: ProgramResult) -> float:
    if isinstance(check, LOOKING) and program.exit_code in SAW_SOMETHING:
        return program.started + program.seconds
    return program.started + program.starved


def _programs(exchanges: Exchanges) -> Iterable[ProgramResult]:
    return (result for _, result in exchanges if isinstance(result, ProgramResult) and result.started)
