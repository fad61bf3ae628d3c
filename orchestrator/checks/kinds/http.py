"""`http`: requests by curl(1), each answer compared with what is declared (RFC 9110)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.http_answer import (
    HttpAnswer,
    header_texts,
    read_answer,
    status_text,
    wrong_status,
    wrong_with,
)
from orchestrator.checks.http_request import curl, error_of, facts_of, seconds
from orchestrator.checks.http_servers import judge_servers
from orchestrator.checks.kinds.connections import wrong_machine
from orchestrator.checks.probes import (
    ENDED_CODES,
    TOO_LONG,
    CheckContext,
    ProbeResult,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_known_text,
    require_output,
    require_time,
    starved_text,
)
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.check_values import CountRange
from orchestrator.model.checks import Http
from orchestrator.quick_dataclass import dataclass

# Of a body as evidence: a server says why it failed after what it was asked for.
LONGEST = 600
BAD_CONTENT_ENCODING = 61  # libcurl-errors(3)
NOT_AS_CODED = "the body is not what its Content-Encoding says"
NO_ADDRESS, TOO_LATE = 6, 28  # likewise: the resolver gives up after some seconds, as curl does


@dataclass(frozen=True)
class RequestOutcome:
    """What came of one request; `facts` is curl's account of an answer. `late`: none came in time."""

    verdict: Verdict
    actual: str
    evidence: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None
    late: bool = False


def http(check: Http, context: CheckContext) -> CheckSteps:
    """Send the requests, compare each answer, count them, and find who answered."""
    url = context.fill(check.http, check.asker)
    request = RunProgram(check.asker, curl(check, context, url), frozenset({"curl"}), seconds=seconds(check) + 1)
    results = yield (request,) * check.requests
    outcomes = [_read(check, context, url, result) for result in results]
    outcomes = yield from _without_impostors(check, context, outcomes)
    expected = _expected(check, context, url)
    if check.requests == 1 and check.succeed is None:
        judgement = Judgement(outcomes[0].verdict, expected, outcomes[0].actual, outcomes[0].evidence)
        if judgement.verdict == "unknown":
            raise ResultUnavailable(judgement.actual)
    else:
        judgement = _count(check, expected, outcomes)
    if check.servers and judgement.verdict == "pass":
        answered = [outcome.facts for outcome in outcomes if outcome.verdict == "pass" and outcome.facts]
        return (yield from judge_servers(check, context, judgement, answered))
    return judgement


def _read(check: Http, context: CheckContext, url: str, result: ProbeResult) -> RequestOutcome:
    try:
        return _read_result(check, context, url, require_output(result, may_time_out=True))
    except ResultUnavailable as error:
        return RequestOutcome("unknown", error.reason)


def _read_result(check: Http, context: CheckContext, url: str, result: ProgramResult) -> RequestOutcome:
    facts = facts_of(result)
    if result.exit_code != 0 or not facts.get("http_code"):
        if result.exit_code == BAD_CONTENT_ENCODING:
            return _read_undecoded(result)
        if result.exit_code in ENDED_CODES:
            # curl looks at a clock of its own, and would have ended before.
            raise ResultUnavailable(starved_text(result) or "curl did not get to its own time limit")
        if result.exit_code in (NO_ADDRESS, TOO_LATE):
            require_time(result)
        return RequestOutcome("fail", error_of(result), late=result.exit_code == TOO_LATE)
    answer = read_answer(check, result)
    _require_readable(check, context, result, answer)
    wrong = wrong_with(check, context, answer) or _led_astray(check, context, url, facts)
    evidence = (_line(facts), f"body: {_short(answer.body.text)}")
    actual = f"status {answer.status} from {facts['remote_ip']}:{facts['remote_port']}"
    if wrong:
        return RequestOutcome("fail", f"{actual}; {wrong}", evidence, facts)
    return RequestOutcome("pass", actual, evidence, facts)


def _read_undecoded(result: ProgramResult) -> RequestOutcome:
    """A body that curl could not decode: it is not what its header says, or curl does not know the coding."""
    if "content unencoding" not in result.err:
        raise ResultUnavailable("the body has a Content-Encoding that curl cannot decode")
    return RequestOutcome("fail", f"{NOT_AS_CODED} ({error_of(result).rpartition(': ')[2]})")


def _require_readable(check: Http, context: CheckContext, result: ProgramResult, answer: HttpAnswer) -> None:
    """Raise ResultUnavailable if the body matters and is not known."""
    if wrong_status(check, answer.status):
        return
    require_known_text(check, context, (answer.body.text,), TOO_LONG if result.cut else answer.body.doubt)
    if result.cut and check.json_ is not None:
        raise ResultUnavailable(TOO_LONG)


def _without_impostors(
    check: Http, context: CheckContext, outcomes: list[RequestOutcome]
) -> ProbeSteps[list[RequestOutcome]]:
    """The outcomes; an answer of another machine at a node's address is none."""
    wrong: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.verdict == "pass" and outcome.facts and not outcome.facts.get("proxy_used"):
            address = outcome.facts["remote_ip"]
            if address not in wrong:
                wrong[address] = yield from impostor(context, check.asker, address, outcome.facts["remote_port"])
    return [
        replace(outcome, verdict="fail", actual=f"{outcome.actual}; {reason}")
        if outcome.verdict == "pass" and outcome.facts and (reason := wrong.get(outcome.facts["remote_ip"]))
        else outcome
        for outcome in outcomes
    ]


def _count(check: Http, expected: str, outcomes: Sequence[RequestOutcome]) -> Judgement:
    """How many requests were answered as declared; those of which nothing is known may be either."""
    count = len(outcomes)
    least, most = _success_range(check, count)
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    sure, possible = verdicts["pass"], verdicts["pass"] + verdicts["unknown"]
    # That no answer came in time may be the fault of a busy client: it does not prove that none would have come.
    late = sum(outcome.late for outcome in outcomes)
    others = Counter(outcome.actual for outcome in outcomes if outcome.verdict != "pass")
    actual = f"{sure} of {count} requests are answered so"
    actual += "".join(f"; {number} not: {text}" for text, number in others.most_common(3))
    expected = f"{expected}, {_of_requests(least, most, count)}"
    evidence = tuple(outcome.evidence[0] for outcome in outcomes if outcome.evidence)
    if possible < least or sure > most:
        return Judgement("fail", expected, actual, evidence)
    if least <= sure and (possible + late <= most or most == count):
        return Judgement("pass", expected, actual, evidence)
    raise ResultUnavailable(actual)


def _success_range(check: Http, count: int) -> tuple[int, int]:
    """The least and the most requests that must be answered as declared."""
    match check.succeed:
        case None:
            return count, count
        case CountRange(at_least=least, at_most=most):
            return least or 0, count if most is None else most
        case number:
            return number, number


def _of_requests(least: int, most: int, count: int) -> str:
    if least == most:
        number = str(least)
    elif most == count:
        number = f"at least {least}"
    else:
        number = f"{least} to {most}" if least else f"at most {most}"
    return f"{number} of {count} requests"


def _led_astray(check: Http, context: CheckContext, url: str, facts: Mapping[str, Any]) -> str:
    """What is wrong where another machine than the URL's answered; whom a proxy asks, curl does not know."""
    if facts.get("proxy_used"):
        return ""
    return wrong_machine(context, check.asker, urlsplit(url).hostname or "", facts["remote_ip"])


def _expected(check: Http, context: CheckContext, url: str) -> str:
    parts = [f"{check.method} {url} is answered"]
    parts.append("with success" if check.status is None else f"with {status_text(check)}")
    parts += [f"and has {text}" for text in header_texts(check, context)]
    if check.contains is not None:
        parts.append(f"and holds {context.fill(check.contains, check.asker)!r}")
    if check.lacks is not None:
        parts.append(f"and lacks {context.fill(check.lacks, check.asker)!r}")
    if check.json_ is not None:
        parts.append(f"and holds the JSON {_short(json.dumps(context.fill_all(check.json_, check.asker)))}")
    return " ".join(parts)


def _line(facts: Mapping[str, Any]) -> str:
    ends = f"{facts['local_ip']}:{facts['local_port']} -> {facts['remote_ip']}:{facts['remote_port']}"
    return f"{ends}, status {facts['http_code']}, {facts['time_total'] * 1000:.1f} ms"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
