"""`resolves`: what a DNS server answers, by the bytes of its message, and which servers were asked, by their logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from math import inf

from orchestrator.checks.dns_answer import (
    DnsAnswer,
    DnsAttempt,
    answers_in,
    is_passed_over,
    printable,
    read_attempts,
    values_text,
)
from orchestrator.checks.dns_query import NEEDS, DnsQuestion, query_name
from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import (
    ENDED_CODES,
    CheckContext,
    ProgramResult,
    ReadLog,
    ResultUnavailable,
    RunProgram,
    require_log,
    require_output,
    require_time,
)
from orchestrator.checks.query_path import trace_query_path
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.model.attachment import Version
from orchestrator.model.check_values import TtlRange
from orchestrator.model.checks import Resolves
from orchestrator.quick_dataclass import dataclass

# A line of BIND's query log: the address, the port, the name and the type of a question.
QUERY = re.compile(r"client \S+ (\S+)#(\d+) .*query: (\S+) IN (\w+) ")
# So often a question is put again to see the order of the answers.
TURNS = 6


@dataclass(frozen=True)
class Lookup:
    """What a further look found: what is wrong, empty where nothing is, and the lines that prove it."""

    wrong: str = ""
    lines: tuple[str, ...] = ()


def resolves(check: Resolves, context: CheckContext) -> CheckSteps:
    """Ask, compare, and look into the servers' query logs for this very question."""
    name = context.fill(check.resolves, check.asker)
    expected = _expected(check, context, name)
    (ended,) = yield (_dns_probe(check, context, name, context.port),)
    result = require_output(ended, may_time_out=True)
    attempts = read_attempts(result.out)
    if not (answers := answers_in(attempts)):
        return _without_answer(check, context, expected, result, attempts)
    answer = answers[-1]
    actual = answer_text(answer)
    evidence = [f"{answer.server} answered {answer.rcode}, flags {' '.join(answer.flags)}{_over(answer)}"]
    evidence += [
        str(attempt)
        for at, attempt in enumerate(attempts)
        if not attempt.answer or is_passed_over(attempt, attempts[at + 1 :])
    ]
    wrong = wrong_with(check, context, answer)
    during_query = replace(
        context, began=result.started, ended=result.started + result.seconds if result.seconds else inf
    )
    for look in (_in_server_log, _query_path, _in_turn):
        if not wrong:
            lookup: Lookup = yield from look(check, during_query, name, answer)
            wrong = lookup.wrong
            evidence += lookup.lines
    evidence += [f"answer: {row}" for row in (*answer.results, *answer.authority)[:5]]
    if wrong:
        return Judgement("fail", expected, f"{actual}; {wrong}", tuple(evidence))
    return Judgement("pass", expected, actual, tuple(evidence))


def _dns_probe(check: Resolves, context: CheckContext, name: str, port: int, times: int = 1) -> RunProgram:
    server = str(context.topology.address_for(check.asker, check.asks)) if check.asks else ""
    question = DnsQuestion(name, check.type, server, tcp=check.over == "tcp", recursive=check.recursive)
    return RunProgram(check.asker, question.argv(port, times), NEEDS, seconds=8.0)


def _without_answer(
    check: Resolves, context: CheckContext, expected: str, result: ProgramResult, attempts: Sequence[DnsAttempt]
) -> Judgement:
    """No answer came: right where none should, if each server was tried in vain.

    Raises ResultUnavailable if no server was asked.
    """
    if not attempts:
        messages = result.err.strip().splitlines()
        ended = "the program was ended before it got that far" if result.exit_code in ENDED_CODES else ""
        why = messages[-1] if messages else ended or f"exit code {result.exit_code}"
        raise ResultUnavailable(f"the question was not sent: {why}")
    require_time(result)
    actual = f"no DNS server answered: {attempts[-1].reason}"
    evidence = tuple(map(str, attempts))
    if check.answered or any(attempt.strayed for attempt in attempts):
        return Judgement("fail", expected, actual, evidence)
    servers = (check.asks,) if check.asks else context.topology.resolvers_of(check.asker)
    tried = {server: str(context.topology.address_for(check.asker, server)) for server in servers}
    vain = {attempt.server: str(attempt) for attempt in attempts if attempt.in_vain}
    untried = [server for server, address in tried.items() if address not in vain]
    if untried:
        return Judgement("unknown", expected, f"{actual}; it is not known whether {untried[0]} was asked", evidence)
    named = tuple(f"{server}: {vain[address]}" for server, address in tried.items()) or tuple(vain.values())
    return Judgement("pass" if named else "unknown", expected, actual, named)


def _expected(check: Resolves, context: CheckContext, name: str) -> str:
    if not check.answered:
        return f"{name} {check.type} is answered by nobody"
    wanted = _wanted(check, context)
    parts = [f"{name} {check.type}"]
    if wanted is not None:
        parts.append("is " + ", ".join(sorted(wanted)))
    elif check.refers_to:
        parts.append(f"leads on to {check.refers_to}")
    else:
        parts.append(f"is answered {_rcode(check)}")
    parts += [f"with {check.count} records"] if check.count is not None else []
    parts += [f"to be kept for {_ttl_text(check.ttl)}"] if check.ttl is not None else []
    parts += [f"in {'turning' if check.order == 'rotates' else 'fixed'} order"] if check.order else []
    if check.answered_by or check.asks:
        by = f"by {check.answered_by or check.asks}"
        parts.append(by if parts[-1].startswith("is answered") else f"answered {by}")
    if check.authoritative is not None:
        parts.append("authoritatively" if check.authoritative else "not authoritatively")
    if check.through is not None:
        parts.append(f"through {' -> '.join(check.through) or 'nobody else'}")
    return " ".join([*parts, *(("over tcp",) if check.over == "tcp" else ())])


def _rcode(check: Resolves) -> str:
    return check.rcode or "NOERROR"


def _ttl_text(ttl: int | TtlRange) -> str:
    if isinstance(ttl, int):
        return f"{ttl} s"
    low = f"at least {ttl.at_least} s" if ttl.at_least is not None else ""
    high = f"at most {ttl.at_most} s" if ttl.at_most is not None else ""
    return " and ".join(filter(None, (low, high)))


def _wanted(check: Resolves, context: CheckContext) -> set[str] | None:
    """The values that must come; None where the check names none."""
    if check.to is None:
        return None
    if not isinstance(check.to, str):
        return {_as_read(context.fill(value, check.asker), check.type) for value in check.to}
    if check.type not in ("A", "AAAA"):
        return {context.topology.name_of(check.to)}
    version: Version = 4 if check.type == "A" else 6
    if check.asks:
        networks = context.topology.asked_from(check.asker, check.asks)
        return set(map(str, context.topology.addresses_from(networks, check.to, version)))
    return set(map(str, context.topology.answers(check.asker, check.to, version)))


def _as_read(value: str, kind: str) -> str:
    """A value that an author wrote, as an answer would hold it."""
    if kind in ("A", "AAAA"):
        try:
            return str(ip_address(value))
        except ValueError:
            return value
    return value if kind == "TXT" else value.rstrip(".").lower()


def _values(check: Resolves, answer: DnsAnswer) -> tuple[str, ...]:
    """The values that are compared; where a node is meant, the name at the end of an MX or SRV."""
    if isinstance(check.to, str) and check.type in ("MX", "SRV"):
        return tuple(value.split()[-1] for value in answer.values)
    return answer.values


def answer_text(answer: DnsAnswer) -> str:
    """The response code and the values of an answer."""
    return f"{answer.rcode} {values_text(sorted(answer.values))}".strip()


def _over(answer: DnsAnswer) -> str:
    return f", over {answer.protocol}" if answer.protocol != "UDP" else ""


def wrong_with(check: Resolves, context: CheckContext, answer: DnsAnswer) -> str:
    """What is wrong with the answer, in words; empty where nothing is."""
    if not check.answered:
        return f"{context.topology.owner(answer.server) or answer.server} answered"
    if answer.rcode != _rcode(check):
        return f"the response code is {answer.rcode}, not {_rcode(check)}"
    if check.refers_to:
        return _wrong_referral(check.refers_to, context, answer)
    return _wrong_values(check, context, answer) or _wrong_about(check, context, answer)


def _wrong_referral(server: str, context: CheckContext, answer: DnsAnswer) -> str:
    """A referral has no answer and no AA flag, but NS records of a zone below (RFC 1034, section 4.3.1)."""
    named = [row.value for row in answer.authority if row.kind == "NS"]
    if answer.results:
        return "that is an answer, and does not lead on to another server"
    if "aa" in answer.flags or not named:
        return "it names no other server"
    return "" if context.topology.name_of(server) in named else f"it leads on to {', '.join(sorted(named))}"


def _wrong_values(check: Resolves, context: CheckContext, answer: DnsAnswer) -> str:
    wanted, values = _wanted(check, context), _values(check, answer)
    if answer.truncated:
        return "the answer is truncated (TC)"
    if wanted is not None and set(values) != wanted:
        return f"that is not {values_text(sorted(wanted))}{_of_others(check, answer)}"
    if check.count is not None:
        return f"there are {len(values)} {check.type} records, not {check.count}" if len(values) != check.count else ""
    if wanted is None and check.rcode is None and not values:
        return f"there is no {check.type} record{_of_others(check, answer)}"
    return ""


def _of_others(check: Resolves, answer: DnsAnswer) -> str:
    """Records of the type that no alias connects with the question, in words."""
    others = [row for row in answer.results if row.kind == check.type and row not in answer.records]
    return f"; {others[0].owner} {others[0].kind} is no answer to the question" if others else ""


def _wrong_about(check: Resolves, context: CheckContext, answer: DnsAnswer) -> str:
    """What is wrong with who answered, and how."""
    server = check.answered_by or check.asks
    if server and answer.server not in map(str, context.topology.addresses_of(server)):
        return f"{answer.server} answered, which is not {server}"
    if check.authoritative is not None and ("aa" in answer.flags) != check.authoritative:
        return "the AA flag is missing" if check.authoritative else "the AA flag is set"
    if check.over == "tcp" and answer.protocol != "TCP":
        return f"the answer came over {answer.protocol}"
    return _wrong_ttl(check.ttl, answer.ttl) if check.ttl is not None else ""


def _wrong_ttl(wanted: int | TtlRange, ttl: int | None) -> str:
    if ttl is None:
        return "nothing says for how long this may be kept"
    low, high = (wanted, wanted) if isinstance(wanted, int) else (wanted.at_least, wanted.at_most)
    right = (low is None or low <= ttl) and (high is None or ttl <= high)
    return "" if right else f"it may be kept for {ttl} s, not for {_ttl_text(wanted)}"


def _in_server_log(check: Resolves, context: CheckContext, name: str, _answer: DnsAnswer) -> ProbeSteps[Lookup]:
    server = check.answered_by or check.asks
    if not server:
        return Lookup()
    log = require_log((yield (ReadLog(server, context.began),))[0])
    line = _in_query_log(log, context, check.asker, (query_name(name).lower(), check.type))
    if line is None:
        return Lookup(f"the query log of {server} does not hold the question")
    return Lookup("", (f"query log of {server}: {line}",))


def _in_query_log(text: str, context: CheckContext, asker: str, question: tuple[str, str]) -> str | None:
    """The line of this question (name and type), from a source port that we chose; the asker may have addresses that
    its file does not declare, so that no other node's address counts, and any other one does."""
    ports = range(context.port, context.port + max(1, len(context.topology.resolvers_of(asker))))
    for line in text.splitlines():
        match = QUERY.search(line)
        if match is None or (match[3].lower(), match[4]) != question:
            continue
        if int(match[2]) in ports and context.topology.owner(match[1]) in (None, asker):
            return line[line.index("client") :]
    return None


def _query_path(check: Resolves, context: CheckContext, name: str, answer: DnsAnswer) -> ProbeSteps[Lookup]:
    if check.through is None:
        return Lookup()
    answerer = context.topology.owner(answer.server) or ""
    path = yield from trace_query_path(context, check.asker, answerer, query_name(name), check.type, check.through)
    return Lookup(path.wrong, path.lines)


def _in_turn(check: Resolves, context: CheckContext, name: str, _answer: DnsAnswer) -> ProbeSteps[Lookup]:
    """Ask again and again; in turning order each answer is the one before, begun at another place."""
    if check.order is None:
        return Lookup()
    result = require_output((yield (_dns_probe(check, context, name, 0, TURNS),))[0])
    orders = [answer.values for answer in answers_in(read_attempts(result.out))]
    lines = tuple(f"order: {', '.join(map(printable, order))}" for order in orders)
    if len(orders) < TURNS or not all(orders):
        return Lookup(f"only {len([o for o in orders if o])} of {TURNS} further questions were answered", lines)
    return Lookup(_wrong_order(check.order, orders), lines)


def _wrong_order(wanted: str, orders: list[tuple[str, ...]]) -> str:
    if len(orders[0]) < 2:
        return "one value alone has no order"
    different = len(set(orders)) > 1
    if wanted == "fixed":
        return "the order changes" if different else ""
    if not different:
        return "the order does not change"
    first = orders[0]
    turned = {first[at:] + first[:at] for at in range(len(first))}
    return "" if set(orders) <= turned else "the order changes, but not in turn"
