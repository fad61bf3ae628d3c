"""A check whose target does not run: judged by the target's state, in place of the wait of a program that connects."""

from __future__ import annotations

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckContext, GetNodeState, NodeState
from orchestrator.checks.steps import CheckSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import BaseCheck, Connects, NodeCheck, Sql

# A node in one of these states has no network at all. The kernel of a paused one still accepts connections.
GONE = frozenset({"stopped", "missing", "dead"})


def judged_by_target_state(
    check: BaseCheck, target: str | None, context: CheckContext, judging: CheckSteps, expected: str
) -> CheckSteps:
    """The check, which connects to this node; without a connection where the node is not there to answer.

    Whether it runs is asked once more: somebody may have started it. Only for checks that hold if just this node
    answers; where silence can be what is wanted, another machine may have the address.
    """
    if target not in context.halted or not isinstance(check, NodeCheck) or check.takes or check.asker in context.halted:
        return (yield from judging)
    (state,) = yield (GetNodeState(target),)
    if not isinstance(state, NodeState) or not _cannot_answer(check, state.state):
        return (yield from judging)
    judging.close()
    # Without its server, the server's own error proves nothing.
    verdict: Verdict = "unknown" if isinstance(check, Sql) and check.fails is not None else "fail"
    return Judgement(verdict, expected, f"{target} is {state.state}", (f"state of {target}: {_text(state)}",))


def _cannot_answer(check: NodeCheck, state: str) -> bool:
    return state in GONE or (state == "paused" and not isinstance(check, Connects))


def _text(state: NodeState) -> str:
    return f"{state.state}, exit code {state.exit_code}" if state.state == "stopped" else state.state
