"""What the check itself was given for a name: a walk asks again, and by then the answer may be another one."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from orchestrator.checks.dns_answer import printable, read_answer
from orchestrator.checks.dns_query import ASK
from orchestrator.checks.http_request import facts_of
from orchestrator.checks.kinds.connections import CONNECT, read_connect_results
from orchestrator.checks.kinds.resolves import answer_text
from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, EarlierAnswer, NameClaim


def with_earlier_answer(attempt: ConnectionAttempt, seen: Answers) -> ConnectionAttempt:
    """The attempt, whose claim knows what the probes of the check itself were given for its name."""
    claim = attempt.claim
    if claim is None or not seen:
        return attempt
    earlier = _from_questions(attempt, claim, seen) or _from_connections(attempt, claim, seen)
    return replace(attempt, claim=replace(claim, earlier=earlier)) if earlier else attempt


def met_address(asker: str, host: str, seen: Answers) -> str:
    """The address from which the check itself had an answer, or which accepted its connection; empty if none did.

    Of a name with several addresses a program tries one after the other: so that of the others was not needed.
    """
    met = ""
    for probe, result in seen.items():
        if not isinstance(probe, RunProgram) or not isinstance(result, ProgramResult) or probe.node != asker:
            continue
        if CONNECT in probe.argv and probe.argv[3] == host:
            met = next((ended.address for ended in read_connect_results(result) if ended.outcome == "accepted"), "")
        elif probe.argv[0] == "curl" and urlsplit(probe.argv[-1]).hostname == host:
            facts = facts_of(result)
            met = str(facts.get("remote_ip") or "") if facts.get("http_code") else ""
    return met


def _from_questions(attempt: ConnectionAttempt, claim: NameClaim, seen: Answers) -> EarlierAnswer | None:
    """The last answer to the same question, where the check asks by itself."""
    last: EarlierAnswer | None = None
    for probe, result in seen.items():
        if not isinstance(probe, RunProgram) or not isinstance(result, ProgramResult) or ASK not in probe.argv:
            continue
        question = claim.question.argv(1)
        same = probe.node == attempt.asker and question[7:] == probe.argv[7:]
        answer = read_answer(result.out) if same else None
        if answer is not None:
            owner = attempt.context.topology.owner(answer.server) or answer.server
            wrong = bool(claim.wrong(answer, owner))
            last = EarlierAnswer(frozenset(answer.values), _text(attempt, answer_text(answer), answer.values), wrong)
    return last


def _from_connections(attempt: ConnectionAttempt, claim: NameClaim, seen: Answers) -> EarlierAnswer | None:
    """The addresses that the check tried, where its program looked the name up: not always all that it was given."""
    tried: list[str] = []
    host = attempt.written or claim.name
    for probe, result in seen.items():
        if not isinstance(probe, RunProgram) or not isinstance(result, ProgramResult) or probe.node != attempt.asker:
            continue
        if CONNECT in probe.argv and probe.argv[3] == host:
            tried += [ended.address for ended in read_connect_results(result) if ended.address]
        elif probe.argv[0] == "curl" and urlsplit(probe.argv[-1]).hostname == host:
            tried += [address] if (address := str(facts_of(result).get("remote_ip") or "")) else []
    kind = [address for address in tried if (":" in address) == (claim.type == "AAAA")]
    if not kind:
        return None
    own = set(map(str, attempt.context.topology.addresses_of(attempt.target))) if attempt.target else set(kind)
    text = _text(attempt, ", ".join(dict.fromkeys(kind)), kind)
    return EarlierAnswer(frozenset(kind), text, not set(kind) <= own, complete=False)


def _text(attempt: ConnectionAttempt, text: str, values: tuple[str, ...] | list[str]) -> str:
    """The answer in words, with the owners of its addresses."""
    for value in map(printable, dict.fromkeys(values)):
        if owner := attempt.context.topology.owner(value):
            text = text.replace(value, f"{value} ({owner})")
    return text
