"""A layer of `why` as a value, the connection attempt that it is probed for, and what reading it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.checks.dns_answer import DnsAnswer
from orchestrator.checks.dns_query import DnsQuestion
from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.probes import (
    NOT_RUN_CODES,
    CheckContext,
    GetExhausted,
    GetNodeState,
    NodeExhausted,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    Unavailable,
    starved_text,
)
from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.planning.routes import routers

Answers = Mapping[Probe, ProbeResult]
DNS_PORT = 53


@dataclass(frozen=True)
class Port:
    """Where a server is expected."""

    number: int
    protocol: str = "tcp"


@dataclass(frozen=True)
class EarlierAnswer:
    """What the check itself was given for a name: its values, in words, and whether that was `wrong`.

    Unless `complete`, these are only the addresses that its program tried.
    """

    values: frozenset[str]
    text: str
    wrong: bool
    complete: bool = True

    def differs_from(self, answer: DnsAnswer) -> bool:
        """Whether another answer leads elsewhere."""
        now = frozenset(answer.values)
        return self.values != now if self.complete else not self.values <= now


@dataclass(frozen=True)
class NameClaim:
    """A name that has to be resolved, and the sentence on an answer that is wrong (empty where it is right).

    `wrong` takes the answer and the name of the server that gave it; where `silent`, no answer at all is right. Where
    `may_lack`, a name without such a record is right: the client has another address then. `earlier` is what the check
    itself was given, if that is known.
    """

    question: DnsQuestion
    wrong: Callable[[DnsAnswer, str], str]
    silent: bool = False
    may_lack: bool = False
    earlier: EarlierAnswer | None = None

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def type(self) -> str:
        return self.question.type


@dataclass(frozen=True)
class ConnectionAttempt:
    """`target` is the node that is meant, None where no node of the lab is.

    `claim` is the name that has to be resolved, None where an address was given; `address` is where the target is on
    the asker's network, None where nobody knows before the name is resolved. `servers` are the DNS nodes that the
    asker should ask, by address. `tried_before` are the names that the asker's C library tries before that of the
    claim (resolv.conf(5): search, ndots). `source` is the asker's address from which the connection leaves, empty where
    its kernel chooses. `written` is the host as the check writes it, empty where it names none.
    """

    asker: str
    target: str | None
    port: Port | None
    claim: NameClaim | None
    address: str | None
    context: CheckContext
    commands: Commands
    servers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    tried_before: tuple[str, ...] = ()
    written: str = ""

    @property
    def target_name(self) -> str:
        """The other end in one word, for people."""
        return self.target or (self.claim.name if self.claim else None) or self.address or self.asker

    @property
    def dns_nodes(self) -> tuple[str, ...]:
        """The DNS nodes that must work for this attempt."""
        return tuple(dict.fromkeys(self.servers.values())) if self.claim else ()

    def owner(self, address: str) -> str:
        """Whose address it is, in words."""
        return self.context.topology.owner(address) or "nobody in this lab"

    def on_the_way(self) -> tuple[str, ...]:
        """The nodes that must work: the asker, the target, and the DNS servers if a name is used."""
        return tuple(dict.fromkeys((self.asker, *([self.target] if self.target else []), *self.dns_nodes)))

    @property
    def routers(self) -> tuple[str, ...]:
        """The routers of the lab, if the asker shares no network with one whom it must reach."""
        others = (*([self.target] if self.target else []), *self.dns_nodes)
        far = any(not self.shares_network_with(other) for other in others)
        return (
            tuple(router for router in routers(self.context.topology) if router not in self.on_the_way()) if far else ()
        )

    def shares_network_with(self, other: str) -> bool:
        """Whether the asker and another node stand on a common network."""
        own, theirs = (
            {attachment.network for attachment in self.context.topology.attachments_of(n)} for n in (self.asker, other)
        )
        return bool(own & theirs)

    def address_of(self, node: str, seen_from: str) -> str:
        """The address of a node on the network that it shares with another one."""
        return str(self.context.topology.address_for(seen_from, node))


@dataclass(frozen=True)
class LayerReading:
    """What a layer showed. `affects` are the later layers that cannot work for that reason.

    `look_further` says that the cause may lie further on: with the servers that the target itself uses, or that the DNS
    server asks in turn. `not_probed` says why a part could not be asked.
    """

    verdict: Verdict
    summary: str
    evidence: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    affects: frozenset[str] = frozenset()
    look_further: bool = False
    not_probed: tuple[str, ...] = ()


def _nothing_seen(_attempt: ConnectionAttempt, _results: Answers) -> Answers:
    return {}


def _no_probes(_attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    return ()


def _no_further_probes(_attempt: ConnectionAttempt, _results: Answers) -> tuple[Probe, ...]:
    return ()


def _nothing(_attempt: ConnectionAttempt, _results: Answers) -> LayerReading:
    return LayerReading("unknown", "not asked")


@dataclass(frozen=True)
class LayerProbe:
    """A layer: which attempts need it, what it asks, and how the answers are read.

    `needed` is false where only a kind of check knows how to ask: that kind then brings the layer itself. A layer
    cannot work without those that it `depends_on`: where one of them does not work, it is no cause. `repeats_check`: it
    repeats what the check itself met, which anything that is broken before it explains. `seen` gives the results of its
    own probes that follow from those of the check. `asks_further` gives what it asks once the first answers are known.
    """

    name: str
    title: str
    probes: Callable[[ConnectionAttempt], tuple[Probe, ...]] = _no_probes
    reads: Callable[[ConnectionAttempt, Answers], LayerReading] = _nothing
    needed: Callable[[ConnectionAttempt], bool] = lambda _attempt: False
    depends_on: tuple[str, ...] = ()
    repeats_check: bool = False
    seen: Callable[[ConnectionAttempt, Answers], Answers] = _nothing_seen
    asks_further: Callable[[ConnectionAttempt, Answers], tuple[Probe, ...]] = _no_further_probes


class LayerReadings:
    """Gathers what one layer shows of several nodes into one value."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.wrong: list[str] = []
        self.not_probed: list[str] = []
        self.evidence: list[str] = []
        self.notes: list[str] = []
        self.causes: list[Cause] = []
        self.affects: set[str] = set()
        self.look_further = False

    def broken(self, summary: str, sentence: str, command: str, *affects: str, evidence: Sequence[str] = ()) -> None:
        """Something is broken by itself; the layers that it strikes cannot work."""
        self.fails_because_of_another(summary, evidence)
        self.causes.append(Cause(sentence, command, tuple(evidence), summary))
        self.affects.update(affects)

    def fails_because_of_another(self, summary: str, evidence: Sequence[str] = ()) -> None:
        """Something does not work, for a reason that lies elsewhere."""
        self.wrong.append(summary)
        self.evidence += evidence

    def result(self) -> LayerReading:
        """Broken if anything is; otherwise unknown if anything could not be asked."""
        verdict: Verdict = "fail" if self.wrong else "unknown" if self.not_probed else "pass"
        words = self.wrong or [*self.held, *self.not_probed]
        summary = "; ".join(dict.fromkeys(words)) or "nothing to see"
        evidence = tuple(dict.fromkeys(self.evidence))
        causes, affects, not_probed = tuple(self.causes), frozenset(self.affects), tuple(self.not_probed)
        return LayerReading(verdict, summary, evidence, causes, affects, self.look_further, not_probed)


def ran_or_reason(answer: ProbeResult | None) -> ProgramResult | str:
    """What a program left, or why it could not be asked; a program that could not be run was not asked."""
    if isinstance(answer, ProgramResult):
        if answer.exit_code in NOT_RUN_CODES:
            return answer.err.strip().splitlines()[-1] if answer.err.strip() else "the program could not be run"
        # What it saw by itself counts; that something failed may be for want of time.
        return (starved_text(answer) if answer.exit_code else "") or answer
    return answer.reason if isinstance(answer, Unavailable) else "it was not asked"


def state_of(node: str, results: Answers) -> NodeState | None:
    """The state of a node's container, if somebody could say."""
    result = results.get(GetNodeState(node))
    return result if isinstance(result, NodeState) else None


def exhausted_of(node: str, results: Answers) -> tuple[Exhausted, ...]:
    """The resources of which a node has no more, as far as somebody could say."""
    result = results.get(GetExhausted(node))
    return result.resources if isinstance(result, NodeExhausted) else ()


def listed(words: tuple[str, ...] | list[str]) -> str:
    """a, b and c"""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
