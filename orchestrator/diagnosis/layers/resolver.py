"""resolv.conf and the hosts file: whom the asker asks for addresses (resolv.conf(5), hosts(5))."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.checks.dns_answer import read_answer
from orchestrator.checks.dns_query import DnsQuestion
from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    listed,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.dns import dns_works, name_probe, nameservers, with_owner

CONF = "/etc/resolv.conf"
HOSTS = "/etc/hosts"


def _file(attempt: ConnectionAttempt, name: str) -> RunProgram:
    # Inside: a container beside the node has files of its own.
    return RunProgram(attempt.asker, ("cat", name), inside=True)


def _asks_conf(attempt: ConnectionAttempt) -> tuple[RunProgram, ...]:
    """A DNS question does not heed the hosts file; a program that connects does (hosts(5))."""
    hosts = [_file(attempt, HOSTS)] if attempt.port and attempt.target else []
    return (_file(attempt, CONF), *hosts, *(probe for _, probe in _earlier_names(attempt)))


def _earlier_names(attempt: ConnectionAttempt) -> list[tuple[str, RunProgram]]:
    """The names that the asker's programs try before the one that is meant, and the question for each."""
    if attempt.claim is None:
        return []
    questions = [(name, DnsQuestion(name, attempt.claim.type)) for name in attempt.tried_before]
    return [
        (name, name_probe(replace(attempt, claim=replace(attempt.claim, question=question))))
        for name, question in questions
    ]


def _read_search(attempt: ConnectionAttempt, results: Answers, readings: LayerReadings) -> None:
    """A name of the search list that leads elsewhere, before the name that is meant is tried (resolv.conf(5))."""
    if not attempt.claim or not attempt.target:
        return
    right = {str(address) for address in attempt.context.topology.addresses_of(attempt.target)}
    for name, probe in _earlier_names(attempt):
        result = results.get(probe)
        answer = read_answer(result.out) if isinstance(result, ProgramResult) else None
        astray = [value for value in answer.values if value not in right] if answer else []
        if astray:
            place = f"{astray[0]} ({attempt.owner(astray[0])})"
            sentence = (
                f"Programs of {attempt.asker} try {name} before {attempt.claim.name} (search list and ndots), "
                f"and it is {place}; but {attempt.target} is {attempt.address}."
            )
            command = attempt.commands.run(attempt.asker, "cat", CONF)
            evidence = [f"{name} is {', '.join(astray)}"]
            readings.broken(f"{name} is tried first", sentence, command, "answer", evidence=evidence)
            return


def names_tried(conf: str, written: str) -> tuple[str, ...]:
    """The full names that the C library tries for a written name, by this resolv.conf (resolv.conf(5))."""
    lists = re.findall(r"^(?:search|domain)[ \t]+(.*)$", conf, re.MULTILINE)
    options = re.findall(r"^options[ \t].*\bndots:(\d+)", conf, re.MULTILINE)
    domains = [domain.rstrip(".") for domain in lists[-1].split()] if lists else []
    name = written.lower()
    completed = [f"{name}.{domain}" for domain in domains if domain]
    as_it_is_first = name.count(".") >= (int(options[-1]) if options else 1)
    return tuple([name, *completed] if as_it_is_first else [*completed, name])


def _read_completion(attempt: ConnectionAttempt, conf: str, readings: LayerReadings) -> None:
    """Report a search list by which no tried name is the right one."""
    own = attempt.target == attempt.asker  # whose name stands in its hosts file
    if not attempt.claim or not attempt.written or attempt.written.endswith(".") or own:
        return
    tried = names_tried(conf, attempt.written)
    if attempt.claim.name.rstrip(".").lower() in tried:
        return
    sentence = (
        f"Programs of {attempt.asker} try {listed(list(tried))} for the name {attempt.written}, by the search list in "
        f"{CONF}, and never {attempt.claim.name}."
    )
    command = attempt.commands.run(attempt.asker, "cat", CONF)
    lines = [line for line in conf.splitlines() if line.startswith(("search", "domain", "options"))]
    summary = f"{attempt.written} is not completed to {attempt.claim.name}"
    readings.broken(summary, sentence, command, "answer", evidence=lines)


def _read_hosts(attempt: ConnectionAttempt, results: Answers, readings: LayerReadings) -> None:
    """An entry for the name with another address than the target's."""
    result = results.get(_file(attempt, HOSTS))
    if not isinstance(result, ProgramResult) or not attempt.claim or not attempt.target:
        return
    right = {str(address) for address in attempt.context.topology.addresses_of(attempt.target)}
    for line in result.out.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if attempt.claim.name.rstrip(".") in names and address not in right:
            where = f"the file {HOSTS} of {attempt.asker}, where programs look before they ask a DNS server"
            sentence = (
                f"{attempt.claim.name} is {address} ({attempt.owner(address)}) in {where}; "
                f"but {attempt.target} is {attempt.address}."
            )
            command = attempt.commands.run(attempt.asker, "cat", HOSTS)
            readings.broken(f"{address} stands in {HOSTS}", sentence, command, evidence=[line.strip()])


def _read_conf(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    result, readings = ran_or_reason(results.get(_file(attempt, CONF))), LayerReadings()
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return readings.result()
    _read_hosts(attempt, results, readings)
    _read_search(attempt, results, readings)
    if result.exit_code == 0:
        _read_completion(attempt, result.out, readings)
    lines = [line for line in result.out.splitlines() if line.strip()]
    there = nameservers(result.out)
    astray = [address for address in there if address not in attempt.servers]
    command = attempt.commands.run(attempt.asker, "cat", CONF)
    right = listed([f"{node} ({address})" for address, node in attempt.servers.items()]) if attempt.servers else "none"
    if result.exit_code != 0:
        reason = result.err.strip().rpartition(": ")[2] or f"exit code {result.exit_code}"
        sentence = f"The file {CONF} of {attempt.asker} cannot be read ({reason}), so it knows no DNS server."
        readings.broken(
            reason, sentence, attempt.commands.run(attempt.asker, "ls", "-l", CONF), "dns", evidence=[result.err]
        )
    elif not there:
        sentence = f"No DNS server stands in the file {CONF} of {attempt.asker}, so it can ask nobody for an address."
        readings.broken("no nameserver", sentence, command, "dns", evidence=lines)
    elif astray and not dns_works(attempt, results):
        sentence = f"{attempt.asker} asks {listed(astray)} for names, but the lab's DNS server is {right}."
        readings.broken(f"nameserver {', '.join(astray)}, not {right}", sentence, command, "dns", evidence=lines)
    else:
        readings.evidence += lines
        readings.held.append("nameserver " + ", ".join(with_owner(attempt, address) for address in there))
    return readings.result()


def _needed(attempt: ConnectionAttempt) -> bool:
    """A question that names its server heeds no resolv.conf."""
    return attempt.claim is not None and not attempt.claim.question.server


RESOLVER = LayerProbe("resolver", "resolv.conf", _asks_conf, _read_conf, _needed)
