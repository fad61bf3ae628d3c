"""`holds_open`: a TCP connection that was opened before is used once more, and what became of it meanwhile."""

from __future__ import annotations

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.held_connection import (
    REPLY_SECONDS,
    ConnectionUse,
    close_connection,
    open_probe,
    read_use,
    use_probe,
)
from orchestrator.checks.kinds.connections import (
    endpoint,
    family_of,
    read_connect_results,
    source_of,
    while_open,
    wrong_machine,
)
from orchestrator.checks.probes import (
    CheckContext,
    HeldConnection,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
    require_time,
)
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import HoldsOpen

# As reports show a reply: its beginning.
MOST_CHARACTERS = 60
# On an idle machine the order to send the text arrives so soon.
LATE_SECONDS = 0.5


def holds_open(check: HoldsOpen, context: CheckContext) -> CheckSteps:
    """Use the connection that was opened before the fault, or open one now; then say what became of it."""
    if context.held:
        use = yield from _use(check, context, context.held, check.idle)
        return (yield from _judge_use(check, context, context.held, use))
    opened = yield from open_connection(check, context)
    if isinstance(opened, Judgement):
        return opened
    return (yield from while_open(_judge_idle(check, context, opened), check.asker, opened.name))


def open_connection(check: HoldsOpen, context: CheckContext) -> ProbeSteps[HeldConnection | Judgement]:
    """Open the connection and use it a first time; a judgement where it is not open or not usable."""
    host, port = endpoint(context.fill(check.holds_open, check.asker))
    source, name = source_of(check, context), f"{context.word}-{context.port}"
    expected = _expected(check, context)
    try:
        probe = open_probe(check.asker, name, host, port, source, family_of(check, source))
        result = read_connect_results(require_output((yield (probe,))[0], may_time_out=True))[-1]
        if result.outcome in ("not measured", "broken"):
            return Judgement("unknown", expected, f"not opened: {result.message}")
        if result.outcome != "accepted":
            return Judgement("fail", expected, f"not opened: {result.outcome}: {result.message}")
        connection = HeldConnection(name, result.address, result.message)
        wrong = yield from _first_use(check, context, host, connection)
    except ResultUnavailable as error:
        yield from close_connection(check.asker, name)
        return Judgement("unknown", expected, f"not opened: {error.reason}")
    if wrong:
        yield from close_connection(check.asker, name)
        return Judgement("fail", expected, f"not usable from the beginning: {wrong}")
    return connection


def _first_use(check: HoldsOpen, context: CheckContext, host: str, connection: HeldConnection) -> ProbeSteps[str]:
    """What is wrong with a connection that was just opened: another machine took it, or it does not answer."""
    wrong = wrong_machine(context, check.asker, host, connection.address)
    wrong = wrong or (yield from impostor(context, check.asker, connection.address, _port(connection)))
    if wrong:
        return wrong
    use = yield from _use(check, context, connection, 0.0)
    server = context.topology.owner(connection.address) or host
    return _wrong_reply(check, context, use) if use.state == "usable" else _in_words(use, server)


def _port(connection: HeldConnection) -> int:
    """The port of the server."""
    return int(connection.ends.rpartition(":")[2])


def _use(check: HoldsOpen, context: CheckContext, connection: HeldConnection, idle: float) -> ProbeSteps[ConnectionUse]:
    """Send the text once; raises ResultUnavailable where it was not measured what became of it."""
    text = context.fill(check.send, check.asker)
    contains = context.fill(check.contains, check.asker) if check.contains else ""
    (ended,) = yield (use_probe(check.asker, connection.name, text, contains, idle),)
    use = read_use(ended)
    if use.state == "not measured":
        raise ResultUnavailable("the kernel had not sent the text often enough to tell")
    if use.state == "unanswered":
        require_time(require_output(ended))
    return use


def _judge_idle(check: HoldsOpen, context: CheckContext, connection: HeldConnection) -> CheckSteps:
    """The same, of a connection to which nothing happens but the idle time. A server ends each one after a time of its
    own: if that came later than the text should have been sent, the end proves nothing."""
    use = yield from _use(check, context, connection, check.idle)
    if use.state in ("closed", "reset") and not use.sent and use.after > check.idle + LATE_SECONDS:
        server = context.topology.owner(connection.address) or connection.address
        late = f"not measured: the text could not be sent after {check.idle:g} s, and then it was too late"
        return Judgement("unknown", _expected(check, context), f"{late} ({_in_words(use, server)})")
    return (yield from _judge_use(check, context, connection, use))


def _judge_use(check: HoldsOpen, context: CheckContext, connection: HeldConnection, use: ConnectionUse) -> CheckSteps:
    """What became of the connection, and whether the server still has it."""
    server = context.topology.owner(connection.address)
    actual = _in_words(use, server or connection.address)
    evidence = [f"the connection {connection.ends}: {actual}"]
    if use.state in ("silent", "reset") and server:
        row = yield from _row_at_server(server, connection)
        if row is not None:
            evidence.append(f"socket table of {server}: {row or 'the connection is not there'}")
            state = f"still has the connection ({row.split()[0]})" if row else "does not have the connection any more"
            actual = f"{actual}; {server} {state}"
    wrong = _wrong_reply(check, context, use) if use.state == check.state else f"that is not {check.state!r}"
    verdict: Verdict = "fail" if wrong else "pass"
    return Judgement(verdict, _expected(check, context), f"{actual}; {wrong}" if wrong else actual, tuple(evidence))


def _row_at_server(server: str, connection: HeldConnection) -> ProbeSteps[str | None]:
    """The line of the server's socket table; empty where the connection is not in it, None where nobody can look."""
    own, peer = int(connection.ends.split(" -> ")[0].rpartition(":")[2]), _port(connection)
    argv = ("ss", "-Htan", f"sport = :{peer} and dport = :{own}")
    (table,) = yield (RunProgram(server, argv, frozenset({"ss"})),)
    if not isinstance(table, ProgramResult) or table.exit_code:
        return None
    return " ".join(table.out.split())


def _expected(check: HoldsOpen, context: CheckContext) -> str:
    """What the check says, in one sentence."""
    place = context.fill(check.holds_open, check.asker)
    source = source_of(check, context)
    idle = f", after {check.idle:g} s without a byte," if check.idle else ""
    of = f"the connection of {check.asker} to {place}" + (f" from {source}" if source else "")
    return f"{of}{idle} is {check.state}"


def _wrong_reply(check: HoldsOpen, context: CheckContext, use: ConnectionUse) -> str:
    """What the reply lacks; empty where it holds what it should, or where there is none."""
    if check.contains is None or use.state != "usable":
        return ""
    wanted = context.fill(check.contains, check.asker)
    return "" if wanted in use.reply else f"the reply does not hold {wanted!r}: {use.reply[:MOST_CHARACTERS]!r}"


def _in_words(use: ConnectionUse, server: str) -> str:
    """The state, and what it rests on."""
    sent = ", after the text was sent" if use.sent else ""
    match use.state:
        case "usable":
            return f"usable: the text was acknowledged and answered: {use.reply[:MOST_CHARACTERS]!r}"
        case "closed":
            return f"closed: {server} ended the connection {use.after:.1f} s after it was last used{sent}"
        case "reset":
            return f"reset: an RST came {use.after:.1f} s after the connection was last used{sent}"
        case "silent":
            return f"silent: the text was sent {use.again + 1} times, and nothing acknowledged it"
        case _:
            return f"unanswered: the kernel of {server} acknowledged the text, and no reply came in {REPLY_SECONDS:g} s"
