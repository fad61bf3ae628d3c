"""`resolves`: what the node's own resolver answers, by dig(1), and whether the named server really was asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from orchestrator.judging.findings import Judgement
from orchestrator.judging.questions import Asks, Log, Run, Scene, logged, told
from orchestrator.model.checks import Resolves

NO_ANSWER = 9  # dig's exit code when no server replied


@dataclass(frozen=True)
class DnsAnswer:
    """The parts of one DNS message that a check looks at (RFC 1035, section 4.1)."""

    rcode: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    server: str


def read_dig(out: str, kind: str) -> DnsAnswer | None:
    """From dig's usual output; None if no message came."""
    header = re.search(r"status: (\w+)", out)
    if not header:
        return None
    flags = re.search(r"flags: ([\w ]+);", out)
    server = re.search(r";; SERVER: ([^#\s]+)#", out)
    answers = re.search(r";; ANSWER SECTION:\n(.*?)\n(?:\n|$)", out, re.DOTALL)
    rows = [line.split(None, 4) for line in answers.group(1).splitlines()] if answers else []
    values = tuple(row[4] for row in rows if len(row) == 5 and row[3] == kind)
    return DnsAnswer(header[1], tuple(flags[1].split()) if flags else (), values, server[1] if server else "?")


def resolves(check: Resolves, scene: Scene) -> Asks:
    """Ask, compare, and look for this very question (by its source port) in the server's query log."""
    name = scene.fill(check.resolves, check.asker)
    expected = _expected(check, scene, name)
    asked = Run(check.asker, _dig(name, check.type, scene.port), frozenset({"dig"}))
    found = told((yield (asked,))[0])
    answer = read_dig(found.out, check.type)
    if answer is None:
        said = (found.out + found.err).strip().splitlines()
        why = "no DNS server answered" if found.exit_code == NO_ANSWER else f"dig ended with {found.exit_code}"
        return Judgement("fail", expected, f"{why}: {said[-1].lstrip('; ') if said else 'silence'}")
    seen = _seen(answer)
    evidence = [f"{answer.server} answered {answer.rcode}, flags {' '.join(answer.flags)}"]
    wrong = wrong_with(check, scene, answer)
    if check.answered_by and not wrong:
        line = _in_query_log(logged((yield (Log(check.answered_by, found.started),))[0]), scene, check.asker)
        if line:
            evidence.append(f"query log of {check.answered_by}: {line}")
        else:
            wrong = f"the query log of {check.answered_by} does not hold the question"
    if wrong:
        return Judgement("fail", expected, f"{seen}; {wrong}", tuple(evidence))
    return Judgement("pass", expected, seen, tuple(evidence))


def _dig(name: str, kind: str, port: int) -> tuple[str, ...]:
    common = ("dig", "-b", f"0.0.0.0#{port}", "+tries=1", "+timeout=2", "+nocookie")
    try:
        ip_address(name)
    except ValueError:
        return (*common, "-t", kind, name.rstrip(".") + ".")
    return (*common, "-x", name)


def _expected(check: Resolves, scene: Scene, name: str) -> str:
    wanted = _wanted(check, scene)
    parts = [f"{name} {check.type}"]
    parts.append("is " + ", ".join(sorted(wanted)) if wanted is not None else f"is answered {_rcode(check)}")
    if check.answered_by:
        parts.append(f"answered by {check.answered_by}")
    if check.authoritative is not None:
        parts.append("authoritatively" if check.authoritative else "not authoritatively")
    return " ".join(parts)


def _rcode(check: Resolves) -> str:
    return check.rcode or "NOERROR"


def _wanted(check: Resolves, scene: Scene) -> set[str] | None:
    """The values that must come; None where the check names none."""
    if check.to is None:
        return None
    if not isinstance(check.to, str):
        return {scene.fill(value, check.asker).rstrip(".") for value in check.to}
    if check.type in ("PTR", "CNAME", "NS"):
        return {scene.topology.name_of(check.to)}
    return set(map(str, scene.topology.answers(check.asker, check.to)))


def _seen(answer: DnsAnswer) -> str:
    values = ", ".join(sorted(value.rstrip(".") for value in answer.values))
    return f"{answer.rcode} {values}".strip()


def wrong_with(check: Resolves, scene: Scene, answer: DnsAnswer) -> str:
    """What is wrong with the answer, in words; empty where nothing is."""
    if answer.rcode != _rcode(check):
        return f"the response code is {answer.rcode}, not {_rcode(check)}"
    wanted = _wanted(check, scene)
    values = {value.rstrip(".") for value in answer.values}
    if wanted is not None and values != wanted:
        return f"that is not {', '.join(sorted(wanted))}"
    if wanted is None and check.rcode is None and not values:
        return f"there is no {check.type} record"
    if check.answered_by and answer.server not in map(str, scene.topology.addresses(check.answered_by)):
        return f"{answer.server} answered, which is not {check.answered_by}"
    if check.authoritative is not None and ("aa" in answer.flags) != check.authoritative:
        return "the AA flag is missing" if check.authoritative else "the AA flag is set"
    return ""


def _in_query_log(text: str, scene: Scene, asker: str) -> str | None:
    """The line of this question: from one of the asker's addresses and from the source port that we chose."""
    for address in scene.topology.addresses(asker):
        mark = f" {address}#{scene.port} "
        line = next((line for line in text.splitlines() if mark in line and "query:" in line), None)
        if line:
            return line[line.index("client") :]
    return None
