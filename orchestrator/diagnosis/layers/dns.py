"""The DNS answer: what the asker is told when it asks for the name (RFC 1035)."""

from __future__ import annotations

import re

from orchestrator.checks.dns_answer import DnsAnswer, printable, read_answer, read_attempts, values_text
from orchestrator.checks.dns_query import DnsQuestion
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.resolves import answer_text, wrong_with
from orchestrator.checks.probes import (
    CheckContext,
    Probe,
    ProgramResult,
    RunProgram,
    starved_text,
)
from orchestrator.diagnosis.layer_probe import (
    DNS_PORT,
    Answers,
    ConnectionAttempt,
    EarlierAnswer,
    LayerProbe,
    LayerReading,
    LayerReadings,
    NameClaim,
    Port,
    listed,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.filter_rules import addresses_of_ends, found_rules, rule_probes
from orchestrator.diagnosis.layers.kept_answers import authority_probe, kept_clause, question_probe
from orchestrator.model.checks import Resolves
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import resolver_text

MEANINGS = {
    "NXDOMAIN": "that the name {name} does not exist (NXDOMAIN)",
    "SERVFAIL": "that it could not find out about {name} (SERVFAIL)",
    "REFUSED": "that it does not answer questions for {name} (REFUSED)",
}


def servers_of(topology: Topology, asker: str) -> dict[str, str]:
    """Address -> node of the DNS servers that stand in the resolv.conf which the asker should have."""
    addresses = nameservers(resolver_text(topology, asker))
    return {address: owner for address in addresses if (owner := topology.owner(address))}


def nameservers(text: str) -> tuple[str, ...]:
    """The addresses after `nameserver`, in their order."""
    return tuple(re.findall(r"^nameserver[ \t]+(\S+)", text, re.MULTILINE))


def leads_to(topology: Topology, asker: str, target: str | None, name: str, kind: str = "A") -> NameClaim:
    """The claim that a name has an address record (A or AAAA), and that it is that of the node which is meant."""

    def wrong(answer: DnsAnswer, server: str) -> str:
        return without_answer(name, kind, answer, server) or _astray(topology, asker, target, name, answer, server)

    return NameClaim(DnsQuestion(name, kind), wrong)


def leads_also_to(topology: Topology, asker: str, target: str | None, name: str) -> NameClaim:
    """The claim that the name's IPv6 address, which it has besides its IPv4 address, is one of the target, too."""

    def wrong(answer: DnsAnswer, server: str) -> str:
        return _astray(topology, asker, target, name, answer, server) if answer.values else ""

    return NameClaim(DnsQuestion(name, "AAAA"), wrong, may_lack=True)


def as_checked(check: Resolves, context: CheckContext, judgement: Judgement) -> NameClaim:
    """The claim that a `resolves` check makes; it may ask for more than the answer, such as who gave it."""
    name = context.fill(check.resolves, check.asker)
    node = check.to if isinstance(check.to, str) and check.type in ("A", "AAAA") else None
    plain = check.rcode in (None, "NOERROR") and not check.refers_to and check.answered

    def wrong(answer: DnsAnswer, server: str) -> str:
        differs = wrong_with(check, context, answer)
        if not differs:
            # The check also looks at who was asked, and how often; the answer by itself is another one by now.
            looks_further = check.through is not None or check.answered_by or check.order
            same = looks_further and judgement.actual.partition(";")[0] == answer_text(answer)
            failed = judgement.verdict == "fail" and judgement.actual and same
            return f"The name is answered, but not as the check says: {judgement.actual}." if failed else ""
        without = without_answer(name, check.type, answer, server) if plain else ""
        astray = _astray(context.topology, check.asker, node, name, answer, server)
        values = f": {values_text(answer.values)}" if answer.values else ""
        return without or astray or f"The DNS server {server} answers{values}; but the check says otherwise: {differs}."

    server = str(context.topology.address_for(check.asker, check.asks)) if check.asks else ""
    question = DnsQuestion(name, check.type, server, tcp=check.over == "tcp", recursive=check.recursive)
    return NameClaim(question, wrong, silent=not check.answered)


def without_answer(name: str, kind: str, answer: DnsAnswer, server: str) -> str:
    if answer.truncated:  # of one that came over TCP after all nobody reads this (`read_answer`)
        return (
            f"The DNS server {server} has an answer for {name} that is too long for one datagram (TC), and over TCP, "
            "where the whole answer is asked for, none came."
        )
    if answer.rcode == "NOERROR" and answer.values:
        return ""
    aliases = [row.value for row in answer.results if row.kind == "CNAME"]
    if aliases and answer.rcode in ("NOERROR", "NXDOMAIN"):
        lacks = "does not exist" if answer.rcode == "NXDOMAIN" else f"has no {kind} record"
        return f"The DNS server {server} says that {name} is an alias of {aliases[-1]}, which {lacks}."
    if answer.rcode == "NXDOMAIN" and kind == "PTR":
        return f"The DNS server {server} knows no name for {name} (NXDOMAIN)."
    if answer.rcode != "NOERROR":
        meaning = MEANINGS.get(answer.rcode, "only with the code {code}").format(name=name, code=answer.rcode)
        return f"The DNS server {server} answers {meaning}."
    return f"The DNS server {server} knows the name {name}, but has no {kind} record for it."


def _astray(topology: Topology, asker: str, target: str | None, name: str, answer: DnsAnswer, server: str) -> str:
    """What is said of a name that leads to another machine than the one which is meant."""
    wanted = set(map(str, topology.addresses_of(target))) if target else set()
    astray = sorted(value for value in answer.values if wanted and value not in wanted)
    if not astray or target is None:
        return ""
    addresses = listed([f"{value} ({topology.owner(value) or 'which is nobody here'})" for value in astray])
    six = all(":" in value for value in astray)
    right = (topology.address6_for(asker, target) if six else None) or topology.address_for(asker, target)
    all_right = topology.answers(asker, target, 6 if six else 4) if target in topology.scenario.groups else (right,)
    is_right = listed([str(address) for address in all_right or (right,)])
    return f"The DNS server {server} says that {name} is {addresses}, but {target} is {is_right}."


def name_probe(attempt: ConnectionAttempt) -> RunProgram:
    """The asker's question for the name, by its own resolv.conf or to the server that the check names."""
    assert attempt.claim is not None
    return question_probe(attempt.asker, attempt.claim.question, attempt.context)


def dns_works(attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether the name was resolved as it should be; true where none is needed."""
    return attempt.claim is None or _read_dns(attempt, results).verdict == "pass"


def resolved_values(attempt: ConnectionAttempt, results: Answers) -> tuple[str, ...]:
    """What the name led to."""
    result = results.get(name_probe(attempt)) if attempt.claim else None
    answer = read_answer(result.out) if isinstance(result, ProgramResult) else None
    return answer.values if answer else ()


def with_owner(attempt: ConnectionAttempt, address: str) -> str:
    owner = attempt.context.topology.owner(address)
    return f"{address} ({owner})" if owner else address


def _read_dns(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    assert attempt.claim is not None
    result, readings = ran_or_reason(results.get(name_probe(attempt))), LayerReadings()
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return readings.result()
    answer = read_answer(result.out)
    if answer is None and (starved := starved_text(result)):
        readings.not_probed.append(starved)
    elif answer is None and attempt.claim.silent:
        readings.held.append(f"{attempt.claim.name} {attempt.claim.type}: nobody answers, as the check says")
    elif answer is None:
        _no_answer(attempt, result, results, readings)
    if answer is None:
        return readings.result()
    server = attempt.context.topology.owner(answer.server) or answer.server
    header = f"{answer.server} answered {answer.rcode}, flags {' '.join(answer.flags)}"
    values = values_text(answer.values, lambda value: with_owner(attempt, printable(value)))
    summary = f"{answer.rcode} {values}".strip()
    sentence = attempt.claim.wrong(answer, server)
    earlier = attempt.claim.earlier
    if earlier and earlier.differs_from(answer) and (sentence or earlier.wrong):
        sentence = _changed(attempt, earlier, f"{summary}, from {server}", sentence)
        summary = f"the check was given {earlier.text}; now {summary}"
    if sentence:
        over_tcp = [str(lost) for lost in read_attempts(result.out) if lost.protocol == "TCP" and not lost.answer]
        evidence = [header, *(over_tcp if answer.truncated else ())]
        if kept := kept_clause(attempt, answer, results):
            sentence = f"{sentence} {kept}"
        readings.broken(f"{summary} from {server}", sentence, _by_hand(attempt, attempt.claim), evidence=evidence)
        readings.look_further = answer.rcode == "SERVFAIL"
    else:
        readings.evidence.append(header)
        readings.held.append(f"{attempt.claim.name} {attempt.claim.type}: {summary}, from {server}")
    return readings.result()


def _changed(attempt: ConnectionAttempt, earlier: EarlierAnswer, now: str, wrong: str) -> str:
    """That the answer is another one than the check was given, and what is wrong with it now, if anything is."""
    assert attempt.claim is not None
    changed = f"The answer for {attempt.claim.name} has changed meanwhile: the check was given {earlier.text}"
    if wrong:
        return f"{changed}. {wrong}"
    return f"{changed}, and now it is {now}, which is right; so it is where an answer in a cache expires (TTL)."


def _by_hand(attempt: ConnectionAttempt, claim: NameClaim) -> str:
    if attempt.target in attempt.dns_nodes and not attempt.port:  # a DNS server asks it, which has no dig
        return attempt.commands.logs(str(attempt.target))
    return attempt.commands.run(attempt.asker, "dig", *claim.question.dig_words)


def _no_answer(attempt: ConnectionAttempt, result: ProgramResult, results: Answers, readings: LayerReadings) -> None:
    assert attempt.claim is not None
    tries = read_attempts(result.out)
    why = tries[0].reason if tries else "silence"
    addresses = list(dict.fromkeys(attempt.server for attempt in tries)) or list(attempt.servers)
    servers = listed([with_owner(attempt, address) for address in addresses]) if addresses else "no DNS server"
    lost = f"{_nobody(attempt, addresses)} {attempt.asker}, so it does not learn the address of {attempt.claim.name}"
    summary, evidence = f"no answer from {servers}: {why}", list(map(str, tries))
    ends = _ends(attempt)
    port = Port(DNS_PORT, "tcp" if attempt.claim.question.tcp else "udp")
    if rules := found_rules(attempt, results, ends, port, addresses_of_ends(attempt, ends)):
        command = attempt.commands.start_anew(rules.nodes[0])
        readings.broken(summary, f"{lost}: {rules.clause}", command, evidence=[*evidence, *rules.evidence])
        return
    readings.look_further = True
    readings.broken(summary, f"{lost}.", _by_hand(attempt, attempt.claim), evidence=evidence)


def _ends(attempt: ConnectionAttempt) -> tuple[str, ...]:
    return (attempt.asker, *attempt.dns_nodes)


def _asks_further(attempt: ConnectionAttempt, results: Answers) -> tuple[Probe, ...]:
    """Rules in the nodes may explain why nobody answers; a resolver's cache may explain a wrong answer."""
    result = ran_or_reason(results.get(name_probe(attempt)))
    if isinstance(result, str):
        return ()
    if answer := read_answer(result.out):
        probe = authority_probe(attempt, answer)
        return (probe,) if probe else ()
    return () if starved_text(result) else rule_probes(attempt, _ends(attempt))


def _nobody(attempt: ConnectionAttempt, addresses: list[str]) -> str:
    """Who does not answer: the DNS server by its name where only one was asked."""
    server = attempt.servers.get(addresses[0]) if len(addresses) == 1 else None
    return f"The DNS server {server} does not answer" if server else "No DNS server answers"


DNS = LayerProbe(
    "dns",
    "DNS answer",
    lambda attempt: (name_probe(attempt),),
    _read_dns,
    needed=lambda attempt: attempt.claim is not None,
    asks_further=_asks_further,
)
