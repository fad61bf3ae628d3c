"""Whether the machine that was asked had the processor time to answer: silence of one without proves nothing."""

from __future__ import annotations

from orchestrator.checks.probes import (
    ENDED_CODES,
    GetNodeState,
    NodeState,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    Unavailable,
    starved_text,
)
from orchestrator.checks.steps import ProbeSteps

# Some hundredths of a second of work. A node that is limited to a hundredth of a processor needs several seconds.
WORK = "for ((i = 0; i < 10000; i++)); do :; done"


def processor_probe(node: str) -> RunProgram:
    """A little work, done in the node itself: what runs beside it has processor time of its own."""
    return RunProgram(node, ("bash", "-c", WORK), inside=True, seconds=4.0)


def require_target_time(node: str) -> ProbeSteps[None]:
    """Raise ResultUnavailable if a running node gets no processor time just now.

    Where the work could not be tried, because the node does not run or has no shell, nothing is doubted.
    """
    (result,) = yield (processor_probe(node),)
    if isinstance(result, ProgramResult):
        text = starved_text(result)
        if result.exit_code in ENDED_CODES:
            text = text or f"not measured: a little work had not ended after {result.seconds:.1f} s"
        if text:
            raise ResultUnavailable(f"no answer came, but of {node}: {text}")
        return
    if isinstance(result, Unavailable):
        (state,) = yield (GetNodeState(node),)
        if isinstance(state, NodeState) and state.state == "running":
            why = f"whether {node} gets processor time is not known: {result.reason}"
            raise ResultUnavailable(f"no answer came, and {why}")
