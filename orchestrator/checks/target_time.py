"""Whether the machines that were asked had processor time to answer: without it, their silence proves nothing."""

from __future__ import annotations

import re
from collections.abc import Collection

from orchestrator.checks.dns_answer import read_attempts
from orchestrator.checks.dns_query import ASK
from orchestrator.checks.findings import Judgement
from orchestrator.checks.held_connection import HOLD, ORDER
from orchestrator.checks.http_request import facts_of
from orchestrator.checks.needed_nodes import answering_nodes
from orchestrator.checks.probes import (
    ENDED_CODES,
    CheckContext,
    GetNodeState,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    Unavailable,
    starved_text,
)
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import BaseCheck, CannotConnect, Connects, HoldsOpen, Http, Resolves, Runs, Sql, Tls, Udp

# Some hundredths of a second of work. A node that is limited to a hundredth of a processor needs several seconds.
WORK = "for ((i = 0; i < 10000; i++)); do :; done"
PROCESSOR_ARGV = ("bash", "-c", WORK)
# How a reason begins that says: nothing came, and this proves nothing.
NO_ANSWER = "no answer came, "
# A program that fails after this time has waited: nobody told it at once that there is no such name or server.
WAITED_SECONDS = 1.0
# The statuses of a server that gave up waiting for another one (RFC 9110, sections 15.6.3 to 15.6.5).
GAVE_UP = (502, 503, 504)
NO_ADDRESS, TOO_LATE = 6, 28  # of curl: libcurl-errors(3)
NO_SUCH_NAME = 68  # of the program that connects: EX_NOHOST of sysexits.h
# What the work showed is believed for so long of a node that lacked time; of one that had it only for a moment, for a
# wrong "it had time" makes a false verdict, and a wrong "it had none" an unknown one.
STARVED_REUSED_SECONDS, TIMELY_REUSED_SECONDS = 10.0, 1.0
# The kinds that wait for a program at the target. Connections are accepted by the target's kernel, which has the time;
# but it is silent once its queue is full, because the program does not take connections from there.
WAITING = (Http, Sql, Tls, Udp, Resolves, Runs, Connects, CannotConnect, HoldsOpen)
# What a connection attempt prints where nothing answered: how often the kernel sent a SYN, or that it gave up.
SILENT = re.compile(r"^silent \d+$|Connection timed out", re.MULTILINE)


def processor_probe(node: str) -> RunProgram:
    """A little work, done in the node itself: what runs beside it has processor time of its own."""
    return RunProgram(node, PROCESSOR_ARGV, inside=True, seconds=4.0)


def is_processor_probe(probe: Probe) -> bool:
    """Whether a probe is `processor_probe` of some node: many checks wait for the same one, and all may share it."""
    return isinstance(probe, RunProgram) and probe.argv == PROCESSOR_ARGV


def reused_seconds(result: ProbeResult) -> float:
    """For how long the result of a processor probe answers others, too, once it is known."""
    lacking = bool(_lacking(result)) or isinstance(result, Unavailable)
    return STARVED_REUSED_SECONDS if lacking else TIMELY_REUSED_SECONDS


def _lacking(result: ProbeResult) -> str:
    """That the work did not get its time, in words; empty where it did."""
    if not isinstance(result, ProgramResult):
        return ""
    text = starved_text(result)
    if result.exit_code in ENDED_CODES:
        return text or f"not measured: a little work had not ended after {result.seconds:.1f} s"
    return text


def judged_with_target_time(check: BaseCheck, context: CheckContext, judging: CheckSteps) -> CheckSteps:
    """The judgement of a check. If it waited in vain for a node that gets no processor time, it is unknown.

    Raises ResultUnavailable then, with that node in its reason.
    """
    if not isinstance(check, WAITING):
        return (yield from judging)
    waits: list[bool] = []
    judgement = yield from _observed(judging, waits)
    # An unknown verdict stays one, and gets the true reason.
    if any(waits) and judgement.verdict in (*_doubted(check), "unknown"):
        yield from require_target_time(answering_nodes(check, context.topology))
    return judgement


def _observed(judging: CheckSteps, waits: list[bool]) -> CheckSteps:
    """The same steps; adds to `waits`, for each probe, whether it waited in vain."""
    results: tuple[ProbeResult, ...] | None = None
    while True:
        try:
            probes = next(judging) if results is None else judging.send(results)
        except StopIteration as end:
            judgement: Judgement = end.value
            return judgement
        results = yield probes
        waits += map(_waited_in_vain, probes, results)


def _doubted(check: BaseCheck) -> tuple[Verdict, ...]:
    """The verdicts that silence may have made."""
    match check:
        case HoldsOpen():
            return ("pass", "fail")
        case CannotConnect():
            return ("pass",)
        case Resolves():
            return ("fail",) if check.answered else ("pass",)
        case _:
            return ("fail",)


def _waited_in_vain(probe: Probe, result: ProbeResult) -> bool:
    """Whether a program ended because a time limit passed: its own, or that of a server that waited for another one."""
    if not isinstance(probe, RunProgram) or not isinstance(result, ProgramResult):
        return False
    if result.exit_code in ENDED_CODES:
        return True
    waited = result.seconds >= WAITED_SECONDS
    if probe.argv[0] == "curl":
        facts = facts_of(result)
        # However soon it said so: it may have waited since an earlier request.
        gave_up = facts.get("http_code") in GAVE_UP
        return gave_up or result.exit_code == TOO_LATE or (result.exit_code == NO_ADDRESS and waited)
    if "psql" in probe.needs:
        return result.exit_code != 0 and ("timeout expired" in result.err or waited)
    if ASK in probe.argv:
        attempts = read_attempts(result.out)
        return bool(attempts) and all(attempt.in_vain for attempt in attempts)
    return _met_silence(probe, result, waited=waited)


def _met_silence(probe: RunProgram, result: ProgramResult, *, waited: bool) -> bool:
    """Whether nothing came on a connection or to a datagram of ours."""
    if ORDER in probe.argv:
        return re.search(r'"state": "(silent|unanswered)"', result.out) is not None
    if not probe.inside and (probe.argv[0] == "bash" or HOLD in probe.argv):
        lost_name = result.exit_code == NO_SUCH_NAME and waited
        return lost_name or SILENT.search(f"{result.out}\n{result.err}") is not None
    return probe.argv[0] == "python3" and '"error": "silent"' in result.out


def require_target_time(nodes: Collection[str]) -> ProbeSteps[None]:
    """Raise ResultUnavailable if one of these nodes runs, and gets no processor time just now.

    Where the work could not be tried, because the node does not run or has no shell, nothing is doubted.
    """
    ordered = sorted(nodes)
    results = (yield tuple(map(processor_probe, ordered))) if ordered else []
    for node, result in zip(ordered, results, strict=True):
        if text := _lacking(result):
            raise ResultUnavailable(f"{NO_ANSWER}but at {node}: {text}")
    away = {
        node: result.reason for node, result in zip(ordered, results, strict=True) if isinstance(result, Unavailable)
    }
    states = (yield tuple(map(GetNodeState, away))) if away else []
    for (node, reason), state in zip(away.items(), states, strict=True):
        if isinstance(state, NodeState) and state.state == "running":
            raise ResultUnavailable(f"{NO_ANSWER}and whether {node} gets processor time is not known: {reason}")
