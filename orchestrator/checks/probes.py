"""What a check asks of the world, and what comes back, as values.

A check is a generator: it yields questions, is sent the answers, and returns a judgement. So it can be tested with
recorded answers, and whoever asks can put the questions of many checks into one call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from math import inf
from string import Template
from typing import TYPE_CHECKING, TypeVar

from orchestrator.checks.dns_query import asks_from_own_port
from orchestrator.checks.exhaustion import Exhausted
from orchestrator.model.checks import Http, NodeCheck, Runs
from orchestrator.model.topology import Topology
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.traffic.roles import Proof


@dataclass(frozen=True)
class RunProgram:
    """Run a program in a node. `needs` are the tools that it takes.

    Unless `inside`, seeing the node's network is enough, so that a container beside it may run the program where the
    node's own image lacks a tool. `seconds` is the time after which the program is ended (exit code TIMED_OUT).
    """

    node: str
    argv: tuple[str, ...]
    needs: frozenset[str] = frozenset()
    inside: bool = False
    seconds: float = 5.0

    @property
    def is_marked(self) -> bool:
        """Whether all connections of it come from PROBE_PORTS, or it opens none (`program_batch.MARK`)."""
        if self.argv[0] in QUIET or self.argv[:2] in QUIET_COMMANDS:
            return True
        return not self.inside and (self.argv[0] == "curl" or asks_from_own_port(self.argv))

    @property
    def looks_up_names(self) -> bool:
        """Whether the resolver of glibc asks for it, from any port; the mark of its question is no port of ours."""
        return self.argv[0] == "curl"

    @property
    def opens_once(self) -> bool:
        """Whether it opens at most one connection to each address and port."""
        return not self.inside and self.argv[0] == "bash"

    @property
    def ports(self) -> frozenset[int]:
        """The numbers among its words that may be ports, also behind an address."""
        words = (word.rpartition(":")[2] for word in self.argv)
        return frozenset(int(word) for word in words if word.isdecimal() and len(word) <= len("65535"))


# The programs of checks that only look at their own machine.
QUIET, QUIET_COMMANDS = ("ss", "ip", "cat"), (("openssl", "x509"),)


@dataclass(frozen=True)
class ReadLog:
    """What a node wrote since that moment, in seconds since 1970 by the engine's clock."""

    node: str
    since: float


@dataclass(frozen=True)
class TrafficQuery:
    """Who was seen as client of whom on the lab's wires since that moment (seconds since 1970), by its capture."""

    since: float
    node: str = ""


@dataclass(frozen=True)
class GetNodeState:
    """Whether a node's container runs."""

    node: str


@dataclass(frozen=True)
class GetExhausted:
    """Which resources a node has no more of. Also a node that can start no further process can be asked."""

    node: str


@dataclass(frozen=True)
class LookAtNetwork:
    """What a node's network is like, with what only somebody with NET_ADMIN may read: its packet filter rules.

    The answer is a LogText for `planning.seen_network.read_network`. A helper of its own looks, which takes longer than
    other probes: it is asked only where something is known to be wrong.
    """

    node: str


@dataclass(frozen=True)
class PingEngine:
    """Whether the engine answers at all. What a node does, or fails to do, does not hold the answer up."""

    node: str = ""


Probe = RunProgram | ReadLog | TrafficQuery | GetNodeState | GetExhausted | LookAtNetwork | PingEngine
# Exit codes of timeout(1) and bash(1): ended by it; failed itself, not executable, not found.
TIMED_OUT = 124
NOT_RUN_CODES = (125, 126, 127)
# What timeout(1), bash(1) and curl(1) say where the node may have no further process: then nothing was asked.
NO_PROCESS = re.compile(
    r"^.*(?:fork system call failed|fork: .*temporarily unavailable|thread failed to start).*$", re.M
)
# Ended by timeout(1): by SIGTERM, or by SIGKILL where that was not enough.
ENDED_CODES = (TIMED_OUT, 128 + 9)
# A program that was kept from running for so many seconds, and for that share of its time, has not had its time.
STARVED_SECONDS, STARVED_SHARE = 1.0, 0.5


@dataclass(frozen=True)
class ProgramResult:
    """A program's exit code and output; `started` by the engine's clock, and the seconds until its end.

    `cut`: it wrote more than is read, so that nothing is known of the rest. `raw`: the bytes of its standard output,
    where they were read; `out` is what they are as UTF-8. `starved`: for so many of the seconds until its end, what was
    due to run in its node did not get a processor.
    """

    exit_code: int
    out: str
    err: str
    started: float = 0.0
    seconds: float = 0.0
    cut: bool = False
    raw: bytes = field(default=b"", repr=False)
    starved: float = 0.0


@dataclass(frozen=True)
class LogText:
    text: str


@dataclass(frozen=True)
class Flows:
    """What the capture proves; None where no capture is running."""

    proofs: tuple[Proof, ...] | None


@dataclass(frozen=True)
class Unavailable:
    """The question could not be put: the node is gone or stopped, the tool is missing, the engine did not answer."""

    reason: str


@dataclass(frozen=True)
class NodeState:
    """running, paused, stopped, restarting, removing, dead or missing; with the exit code where it has ended.

    `out_of_memory`: the kernel ended a program in it, which wanted more memory than the node may have.
    """

    state: str
    exit_code: int = 0
    out_of_memory: bool = False


@dataclass(frozen=True)
class NodeExhausted:
    """The resources of which a node has no more; none where nothing is known to be used up."""

    resources: tuple[Exhausted, ...] = ()


@dataclass(frozen=True)
class EngineAnswer:
    """The engine answers."""


ProbeResult = ProgramResult | LogText | Flows | NodeState | NodeExhausted | EngineAnswer | Unavailable
ResultT = TypeVar("ResultT", ProgramResult, LogText, Flows)
CheckT = TypeVar("CheckT", bound=NodeCheck)


class ResultUnavailable(Exception):
    """Raised inside a check when an answer that it needs is Unavailable; the check is then unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# Source ports of our questions: below the range that Linux gives to programs that do not choose (32768-60999).
PROBE_PORTS = (20000, 32000)
MOST_SERVERS = 10  # in a resolv.conf; each of them is asked from the next port
FIRST_PORTS = (PROBE_PORTS[0], PROBE_PORTS[1] - MOST_SERVERS)


@dataclass(frozen=True)
class HeldConnection:
    """A connection that a process in the asker's network holds open under a name.

    `address` is the server's; `ends` are the asker's address and port and the server's, as `a:1 -> b:2`.
    """

    name: str
    address: str
    ends: str


@dataclass(frozen=True)
class CheckContext:
    """Where a check plays: the topology, a word that is new at each try, a source port likewise, and when it began.

    `ended`: when its question was answered, in seconds since 1970; what came later was none of its doing. `halted` are
    the nodes that did not run when the checks began. `held` is the connection that was opened for the check before its
    fault.
    """

    topology: Topology
    word: str
    port: int
    began: float
    ended: float = inf
    halted: frozenset[str] = frozenset()
    held: HeldConnection | None = None

    def fill(self, text: str, asker: str) -> str:
        """Put in ${random}, and what a node, a network or the loopback stands for (`Topology.placeholder`)."""
        template = Placeholders(text)
        words = {word for word in template.get_identifiers() if word != "random"}
        values = {word: value for word in words if (value := self.topology.placeholder(asker, word)) is not None}
        return template.safe_substitute({**values, "random": self.word})

    def fill_fields(self, check: CheckT, *keys: str) -> CheckT:
        """The check with these of its texts filled in; what it does not say stays unsaid."""
        texts = ((key, getattr(check, key)) for key in keys)
        return check.model_copy(update={key: self.fill(text, check.asker) for key, text in texts if text is not None})

    def fill_all(self, value: object, asker: str) -> object:
        """The same for every text inside a JSON value."""
        if isinstance(value, str):
            return self.fill(value, asker)
        if isinstance(value, dict):
            return {key: self.fill_all(item, asker) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill_all(item, asker) for item in value]
        return value


class Placeholders(Template):
    """Only ${...}, with names of nodes and networks in it; a lone $ is a lone $."""

    braceidpattern = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?){0,2}"
    idpattern = r"(?!)"


def require_result(result: ProbeResult) -> ProgramResult:
    """The result of a RunProgram; raises ResultUnavailable if there is none."""
    return _require(result, ProgramResult)


def starved_text(result: ProgramResult) -> str:
    """Why it proves nothing that a program's time was over; empty where the program has had its time."""
    if result.starved < max(STARVED_SECONDS, STARVED_SHARE * result.seconds):
        return ""
    return f"not measured: for {result.starved:.1f} s the node got no processor time"


def require_time(result: ProgramResult) -> None:
    """Raises ResultUnavailable if a program has not had its time: what did not come in it may come all the same."""
    if text := starved_text(result):
        raise ResultUnavailable(text)


def require_output(result: ProbeResult, *, may_time_out: bool = False) -> ProgramResult:
    """The same, of a program by which a check looks: where it could not be run (126, 127), or could not start one that
    it needs, nothing was seen. Nor where it was ended before its end, unless the check knows what follows from that."""
    program = require_result(result)
    if program.exit_code != 0 and (lacking := NO_PROCESS.search(f"{program.err}\n{program.out}")):
        raise ResultUnavailable(f"no further process could be started in the node: {lacking[0].strip()}")
    if program.exit_code in ENDED_CODES and not may_time_out:
        raise ResultUnavailable(starved_text(program) or f"the program had not ended after {program.seconds:.1f} s")
    if program.exit_code in NOT_RUN_CODES:
        errors = program.err.strip().splitlines()
        raise ResultUnavailable(errors[-1] if errors else f"the program could not be run ({program.exit_code})")
    return program


TOO_LONG = "the output is too long, only its first megabyte was read"


def require_known_text(check: Http | Runs, context: CheckContext, texts: Sequence[str], doubt: str) -> None:
    """Raises ResultUnavailable where the texts are in doubt, and one that matters is not seen in any of them."""
    wanted = [context.fill(text, check.asker) for text in (check.contains, check.lacks) if text is not None]
    if doubt and not all(any(text in part for part in texts) for text in wanted):
        raise ResultUnavailable(doubt)


def require_log(result: ProbeResult) -> str:
    """The text of a ReadLog; raises ResultUnavailable if there is none."""
    return _require(result, LogText).text


def require_flows(result: ProbeResult) -> Flows:
    """The result of a TrafficQuery; raises ResultUnavailable if there is none."""
    return _require(result, Flows)


def _require(result: ProbeResult, kind: type[ResultT]) -> ResultT:
    if isinstance(result, kind):
        return result
    raise ResultUnavailable(result.reason if isinstance(result, Unavailable) else "the answer is of another kind")
