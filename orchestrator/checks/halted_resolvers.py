"""A lookup that needs DNS servers which do not run: asked once, in place of the long wait of the program that needs it.

The C library asks each server again and again, then with each domain of its search list (resolv.conf(5)).
"""

from __future__ import annotations

from orchestrator.checks.dns_answer import read_attempts
from orchestrator.checks.dns_query import NEEDS, DnsQuestion
from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckContext, ProgramResult, RunProgram
from orchestrator.checks.steps import CheckSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import BaseCheck, CannotConnect, NodeCheck, Sql
from orchestrator.model.values import is_address

LOOKUP_SECONDS = 8.0


def judged_after_lookup(
    check: BaseCheck, host: str | None, context: CheckContext, judging: CheckSteps, expected: str
) -> CheckSteps:
    """The check, which connects to this host; without a connection where no DNS server answers its asker.

    This is asked only where those that the file declares do not run.
    Whom it really asks stands in its resolv.conf, which may name other servers than the file declares.
    """
    name = _name_to_look_up(check, host, context)
    if name is None or not isinstance(check, NodeCheck) or check.takes:
        return (yield from judging)
    argv = DnsQuestion(name, "A").argv(context.port)
    (result,) = yield (RunProgram(check.asker, argv, NEEDS, seconds=LOOKUP_SECONDS),)
    attempts = read_attempts(result.out) if isinstance(result, ProgramResult) else ()
    if not attempts or not all(attempt.in_vain for attempt in attempts):
        return (yield from judging)
    judging.close()
    # What fails for want of an address proves nothing about the connection, or about the server's own error.
    proves_nothing = isinstance(check, CannotConnect) or (isinstance(check, Sql) and check.fails is not None)
    verdict: Verdict = "unknown" if proves_nothing else "fail"
    actual = f"no address for {name}: no DNS server answered, {attempts[-1].reason}"
    return Judgement(verdict, expected, actual, tuple(map(str, attempts)))


def _name_to_look_up(check: BaseCheck, host: str | None, context: CheckContext) -> str | None:
    """The name that the asker must look up, where none of its DNS servers runs; None otherwise."""
    if host is None or not isinstance(check, NodeCheck) or is_address(host) or host.lower() == "localhost":
        return None
    topology = context.topology
    if host.lower().rstrip(".") in topology.hosts_of(check.asker):
        return None
    resolvers = topology.resolvers_of(check.asker)
    return topology.absolute_name(check.asker, host) if resolvers and set(resolvers) <= context.halted else None
