"""How a server tells who its peers were: by its access log, its sessions, its query log, or its socket table.

A witness is a question and the reading of its answer into addresses, each with the line that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.judging.questions import Answer, Log, Question, Run, logged, told
from orchestrator.model.node import Node
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import LogWitness

SESSIONS = (
    "select client_addr, client_port from pg_stat_activity where client_addr is not null order by backend_start desc"
)


@dataclass(frozen=True)
class Sighting:
    """A peer's address, and the line in which it stands."""

    address: str
    line: str


@dataclass(frozen=True)
class Witness:
    """`asks(node, since)` gives the questions; `reads(answers)` the sightings, what the server writes in `says`."""

    says: str
    asks: Callable[[str, float], tuple[Question, ...]]
    reads: Callable[[tuple[Answer, ...]], Iterator[Sighting]]


def _log(node: str, since: float) -> tuple[Question, ...]:
    return (Log(node, since),)


def _by_log(witness: LogWitness) -> Witness:
    def reads(answers: tuple[Answer, ...]) -> Iterator[Sighting]:
        for line in logged(answers[0]).splitlines():
            if witness.without and witness.without in line:
                continue
            if found := re.search(witness.pattern, line):
                yield Sighting(found[1].removeprefix("::ffff:"), line)

    return Witness(witness.says, _log, reads)


def _sessions_asked(node: str, since: float) -> tuple[Question, ...]:
    psql = ("psql", "-X", "-U", "app", "-d", "app", "--csv", "-t", "-c", SESSIONS)
    return (Run(node, psql, frozenset({"psql"})), Log(node, since))


def _sessions(answers: tuple[Answer, ...]) -> Iterator[Sighting]:
    """Sessions that are open now, and connections that the log says were received."""
    for row in told(answers[0]).out.splitlines():
        address, _, port = row.partition(",")
        yield Sighting(address, f"pg_stat_activity: client_addr {address}, client_port {port}")
    for line in logged(answers[1]).splitlines():
        if found := re.search(r"connection received: host=([0-9a-f.:]+) port=\d+", line):
            yield Sighting(found[1], line)


def _sockets_asked(node: str, _since: float) -> tuple[Question, ...]:
    return (Run(node, ("ss", "-Htn", "state", "connected"), frozenset({"ss"})),)


def _sockets(answers: tuple[Answer, ...]) -> Iterator[Sighting]:
    for row in told(answers[0]).out.splitlines():
        columns = row.split()
        if len(columns) >= 5:
            address = columns[-1].rpartition(":")[0].strip("[]").removeprefix("::ffff:")
            yield Sighting(address, " ".join(columns))


WITNESSES: dict[str, Witness] = {
    "sessions": Witness("its sessions", _sessions_asked, _sessions),
    "sockets": Witness("its socket table", _sockets_asked, _sockets),
}


def witness_of(node: Node) -> Witness:
    """How this server tells who its peers were; of an image of the author's own only the socket table is known."""
    witness = "sockets" if node.image else ROLES[node.role].witness  # type: ignore[attr-defined]
    return _by_log(witness) if isinstance(witness, LogWitness) else WITNESSES[witness]
