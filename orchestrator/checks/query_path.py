"""Which servers were asked on the way to an answer, by the query logs of all of them.

A line in a log proves that a server was asked. That none is there proves nothing until the log is known to be
complete: so each server that should not have been asked is given a question of ours afterwards, and its log is read up
to that one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import inf

from orchestrator.checks.dns_answer import read_answer
from orchestrator.checks.dns_query import NEEDS, DnsQuestion
from orchestrator.checks.probes import (
    CheckContext,
    ReadLog,
    ResultUnavailable,
    RunProgram,
    require_log,
    require_output,
)
from orchestrator.checks.steps import ProbeSteps
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.roles.dns.servers import asked_by, delegated_by
from orchestrator.quick_dataclass import dataclass

MARKS_FROM = 40  # source ports of the questions that mark a log's end, above that of the check


@dataclass(frozen=True)
class QueryPath:
    """The servers that were asked, in their order, with the line of each; `wrong` where that is not as declared."""

    servers: tuple[str, ...]
    lines: tuple[str, ...]
    wrong: str


def trace_query_path(
    context: CheckContext, asker: str, answerer: str, name: str, kind: str, declared: tuple[str, ...]
) -> ProbeSteps[QueryPath]:
    """Look into the log of each DNS server but the one that answered, for this name since the check's try began."""
    others = [node for node in context.topology.servers_of(ApplicationProtocol.DNS) if node != answerer]
    silent = [node for node in others if node not in declared]
    marks = {node: context.port + MARKS_FROM + at for at, node in enumerate(silent)}
    results = yield tuple(_mark(context, asker, node, port) for node, port in marks.items())
    answered = {node for node, result in zip(silent, results, strict=True) if read_answer(require_output(result).out)}
    logs = yield tuple(ReadLog(node, context.began) for node in others)
    texts = {node: require_log(log) for node, log in zip(others, logs, strict=True)}
    for node in sorted(answered):
        if mark_of(context) not in texts[node]:
            raise ResultUnavailable(f"the log of {node} is not complete yet")
    first_lines = {node: line for node in others if (line := _first_line(texts[node], context, name, kind))}
    path = tuple(sorted(first_lines, key=lambda node: (_moment(first_lines[node]), -_knows_the_way_to(context, node))))
    lines = [f"query log of {node}: {first_lines[node]}" for node in path]
    lines += [
        f"query log of {node}, up to a question of ours: nothing"
        for node in silent
        if node in answered - {*first_lines}
    ]
    return QueryPath(path, tuple(lines), _difference(path, declared))


def _mark(context: CheckContext, asker: str, node: str, port: int) -> RunProgram:
    server = str(context.topology.address_for(asker, node))
    return RunProgram(asker, DnsQuestion(mark_of(context), "A", server, recursive=False).argv(port), NEEDS)


def mark_of(context: CheckContext) -> str:
    """The name of our own question at the end of a log."""
    return f"{context.word}.log-mark"


def _first_line(text: str, context: CheckContext, name: str, kind: str) -> str | None:
    """The first question for this name that came from another DNS server, and not after ours had its answer."""
    topology = context.topology
    dns_servers = topology.servers_of(ApplicationProtocol.DNS)
    servers = {str(address) for node in dns_servers for address in topology.addresses_of(node)}
    until = _written(context.ended)
    for line in text.splitlines():
        match = re.search(r"client \S+ (\S+)#\d+ .*query: (\S+) IN (\w+) ", line)
        if match and match[1] in servers and (match[2].lower(), match[3]) == (name.lower(), kind):
            return line if _moment(line)[:23] <= until else None
    return None


def _written(moment: float) -> str:
    """A moment as it stands at the beginning of a line, to the millisecond; inf is after all of them."""
    return "9999" if moment == inf else datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:23]


def _moment(line: str) -> str:
    """The time at the beginning of a line, which sorts as text; BIND's clock moves in steps of some milliseconds."""
    return line.split(" ", 1)[0]


def _knows_the_way_to(context: CheckContext, node: str) -> int:
    """How many servers can be reached by what this one says: of two in one step of the clock it comes first."""
    reached: set[str] = set()
    todo = [node]
    while todo:
        current = todo.pop()
        scenario = context.topology.scenario
        todo += {*asked_by(scenario, current), *delegated_by(scenario, current)} - reached
        reached.add(current)
    return len(reached)


def _difference(path: tuple[str, ...], declared: tuple[str, ...]) -> str:
    if path == declared:
        return ""
    return f"asked on the way: {' -> '.join(path) or 'nobody'}, not {' -> '.join(declared) or 'nobody'}"
