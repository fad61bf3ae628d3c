"""Which exchanges on the wire are attempts of the learner, and which of them nobody answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.lessons.comparison import Comparison, Different
from orchestrator.lessons.host_addresses import host_addresses, known_hosts
from orchestrator.lessons.lookups import Lookup, lookup_of
from orchestrator.lessons.messages import Message, TaskDone
from orchestrator.lessons.open_exchanges import OpenExchanges
from orchestrator.lessons.other_attempts import other_attempt
from orchestrator.lessons.silent_lookups import FinishedLookup, SilentLookups, finished_lookup
from orchestrator.lessons.variables import address_values
from orchestrator.lessons.waits import Waits
from orchestrator.lessons.wrong_node import failed_elsewhere
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.traffic.exchanges.events import (
    DnsExchange,
    ExchangeStart,
    HttpExchange,
    TcpHandshake,
    TlsHandshake,
    client_node,
    start_time,
)

if TYPE_CHECKING:
    from orchestrator.events import ProbeEvent
    from orchestrator.lessons.observations import AnyObservation
    from orchestrator.lessons.progress import Progress
    from orchestrator.model.scenario import Scenario
    from orchestrator.model.topology import Topology
    from orchestrator.operations.lessons.own_probes import OwnProbes
    from orchestrator.traffic.exchanges.events import CompletedEvent

# A program that asks for A and AAAA, or tries several addresses, does the one milliseconds after the other.
FOLLOWED_SECONDS = 1.0
# So long it waits for the answer to what has followed; whether one comes is said by then.
LONGEST_SECONDS = 1.7


@dataclass
class LearnerTraffic:
    """The exchanges since the task began that neither a check nor an explanation caused.

    `probes` says when checks probed from which node before a task, and grows; `own_probes` knows those of the lesson.
    """

    probes: Sequence[ProbeEvent]
    own_probes: OwnProbes
    monotonic: Callable[[], float] = time.monotonic
    _scenario: Scenario | None = None
    _topology: Topology | None = None
    _began: float = 0.0
    _later: tuple[Different, float] | None = None
    _lookup: Lookup | None = None
    _sent: dict[str, float] = field(default_factory=dict)
    _open: OpenExchanges = field(default_factory=OpenExchanges)
    _finished: FinishedLookup | None = None
    _names: set[tuple[str, str]] = field(default_factory=set)
    waits: Waits = field(default_factory=Waits)
    silent_lookups: SilentLookups = field(default_factory=SilentLookups)

    def begin(self, scenario: Scenario, topology: Topology) -> None:
        """Begin a task in a lab that is as these say."""
        self._scenario, self._topology = scenario, topology
        self.start_again()

    def start_again(self) -> None:
        """Let nothing count that crossed the wire so far."""
        self._began, self._lookup, self._later = time.time(), None, None
        self._open.clear()
        self.waits.clear()
        self.silent_lookups.clear()
        self._names.clear()

    @property
    def _domain(self) -> str:
        return self._scenario.domain if self._scenario else ""

    def note_finished(self, event: CompletedEvent) -> None:
        """This exchange has completed the task; what its program asks after that is no attempt at the next one."""
        self._finished = finished_lookup(event, self._domain)

    def forget_finished(self) -> None:
        """The learner goes back: the same program again is an attempt."""
        self._finished = None

    def note_lookup(self, event: CompletedEvent) -> None:
        """Remember each name that was looked up since the task began, and by which node."""
        if isinstance(event, DnsExchange) and event.answers and event.started >= self._began:
            self._names.add((client_node(event), event.name.rstrip(".").lower()))

    def without_old_name(self, event: CompletedEvent) -> CompletedEvent:
        """The exchange, as one with an address where its name was looked up before the task: now it is by address."""
        if not isinstance(event, TcpHandshake | TlsHandshake | HttpExchange) or not event.flow.name:
            return event
        if (client_node(event), event.flow.name.rstrip(".").lower()) in self._names:
            return event
        return replace(event, flow=replace(event.flow, name=""))

    def _is_rest(self, start: ExchangeStart) -> bool:
        """Whether the program that has completed the task before this one goes on."""
        if self._finished is None:
            return False
        if start.kind != "dns":
            return self._finished.has_search(start, self.servers_of(start.client))
        name, _, kind = start.subject.partition(" ")
        if self._finished.has(start.client, name, kind, start.at):
            return True
        self._finished = None
        return False

    def is_begun_by_learner(self, start: ExchangeStart, shells: Sequence[str], *, awaits_others: bool = False) -> bool:
        """Whether the learner began it, in one of the nodes in which they work; then its answer is awaited.

        With `awaits_others`, so is that of any other node, where nobody may work.
        """
        is_ours = self._is_ours(start.client, start.at) or self.own_probes.is_own_start(start)
        is_in_shell = start.client in shells
        if not is_ours:
            self._sent[start.client] = start.at
        if is_ours or not (is_in_shell or (awaits_others and self._is_for_people(start.client))):
            return False
        if self._is_rest(start):
            return False
        self._open.begin(start, self.monotonic())
        self.waits.begin(start)
        self.silent_lookups.begin(start, self._domain, self.servers_of(start.client))
        return is_in_shell

    def has_sent(self, node: str, since: float) -> bool:
        """Whether the node has sent something to another one since then, beside what our probes send."""
        return self._sent.get(node, 0.0) >= since

    def has_ended(self, event: CompletedEvent) -> bool:
        """Await no answer to it any more. Returns whether its silence was counted as an attempt."""
        self.waits.end(event)
        return self._open.end(event, self.monotonic())

    def unanswered(self) -> list[ExchangeStart]:
        """The exchanges of the learner that have waited too long for an answer; each is named once."""
        return self._open.take_silent(self.monotonic())

    def count_silence(self, start: ExchangeStart) -> None:
        """Note that the silence of an exchange was counted as an attempt; what came before it is the same attempt."""
        self._open.count(start.exchange)
        self._later = None

    @property
    def awaits_answer(self) -> bool:
        """Whether something of the learner may still be answered, or named as unanswered."""
        return self._open.awaits_answer

    def compare(self, observation: AnyObservation, event: CompletedEvent, shells: Sequence[str]) -> Comparison:
        """How an exchange compares with what is wanted.

        Of what is of another kind something is said, too, where a person works in the node: a server's own program may
        do anything there.
        """
        if comparison := observation.compare(event, self.addresses_of):
            return comparison
        if elsewhere := failed_elsewhere(event, observation, self.addresses_of):
            return elsewhere
        return other_attempt(event, observation) if observation.client in shells else None

    def tells_later(self, comparison: Comparison) -> bool:
        """Keep what is said of an exchange that the same program may follow by a better one; this one replaces it."""
        if isinstance(comparison, Different) and comparison.may_be_followed:
            if comparison.yields and self._later is not None and self._later[0].name == comparison.name:
                return True
            self._later = (comparison, self.monotonic())
            return True
        if comparison is not None:
            self._later = None
        return False

    def told_later(self) -> str | None:
        """What was kept, once no better exchange has come for a while."""
        if self._later is None:
            return None
        waited = self.monotonic() - self._later[1]
        if waited < FOLLOWED_SECONDS or (self.awaits_answer and waited < LONGEST_SECONDS):
            return None
        different, self._later = self._later[0], None
        return different.sentence

    def is_attempt(self, event: CompletedEvent) -> bool:
        """Whether the learner's program caused it, and no resolver's search list.

        A stub resolver completes a name that leads nowhere with the lab's domain (resolv.conf(5), search).
        """
        node, scenario = client_node(event), self._scenario
        if scenario is None or (node in scenario.nodes and getattr(scenario.nodes[node], "command", None)):
            return False  # its own program asks all the time, whatever the learner does
        if isinstance(event, DnsExchange) and self._serves_dns(node):
            return False  # it asks others because it was asked
        if self._is_ours(node, start_time(event)) or self.own_probes.is_own(event):
            return False
        finished = self._finished
        if isinstance(event, DnsExchange) and finished and finished.has(node, event.name, event.type, event.started):
            return False  # of the program that has completed the task before
        domain = scenario.domain
        return not (isinstance(event, DnsExchange) and event.name.rstrip(".").endswith(f".{domain}.{domain}"))

    def _is_for_people(self, node: str) -> bool:
        """Whether what this node does may be a learner's: it has no program of its own that asks others."""
        scenario = self._scenario
        if scenario is None or node not in scenario.nodes:
            return False
        return not getattr(scenario.nodes[node], "command", None) and not self._serves_dns(node)

    def _serves_dns(self, node: str) -> bool:
        scenario = self._scenario
        return (
            scenario is not None and node in scenario.nodes and (scenario.roles[node].serves == ApplicationProtocol.DNS)
        )

    def continues_lookup(self, event: CompletedEvent) -> bool:
        """Whether it is one more question of the lookup that failed last, and so of the same attempt."""
        if not isinstance(event, DnsExchange) or self._scenario is None:
            return False
        domain = self._scenario.domain
        joined = self._lookup.joined_by(event, domain) if self._lookup else None
        self._lookup = joined or lookup_of(event, domain)
        return joined is not None

    def _is_ours(self, node: str, began: float) -> bool:
        """Whether it began before this task, or by a probe of ours."""
        by_probe = any(probe.node == node and probe.since <= began <= probe.until for probe in self.probes)
        return began < self._began or by_probe

    def servers_of(self, node: str) -> tuple[str, ...]:
        """The DNS servers that a node asks by itself."""
        topology = self._topology
        return topology.resolvers_of(node) if topology and node in topology.scenario.nodes else ()

    def with_origin(self, progress: Progress, message: Message, node_name: str) -> Progress:
        """The progress, with when and at which addresses a task was done if that is the message.

        The addresses are those of all hosts, and those of nodes as this node reaches them.
        """
        topology = self._topology
        if topology is None or not isinstance(message, TaskDone):
            return progress
        addresses = {host: self.addresses_of(host) for host in known_hosts(topology)}
        return progress.completed_at(message.task, time.time(), address_values(topology, node_name), addresses)

    def addresses_of(self, host: str) -> tuple[str, ...]:
        """The addresses to which a host leads in this lab."""
        return host_addresses(self._topology, host) if self._topology else ()
