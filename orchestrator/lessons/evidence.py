"""What completed a task, as JSON, so that somebody else can judge it again later.

A task that packets complete keeps the exchange that was read from them, at a seat the packets too, and each task the
addresses of its lab; a question keeps its choices and the answer. That a check held is told, and cannot be judged again
without the lab. A judgement says by what it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.comparison import Matched
from orchestrator.lessons.lesson import AddressOf, AnyTask, AskTask, Fact, HoldsTask, ObserveTask, QuestionTask
from orchestrator.lessons.observations import ListensObservation
from orchestrator.lessons.packet_evidence import Decode, NoPackets, PacketJudge, WrongPackets, packet_fingerprints
from orchestrator.lessons.questions import Question, order_mistake, wrong_because
from orchestrator.lessons.seed import shuffled
from orchestrator.lessons.server_records import SecureRequest, SshLogin
from orchestrator.traffic.exchanges.events import (
    CompletedEvent,
    DatagramFlow,
    DnsExchange,
    HttpExchange,
    SqlStatement,
    TcpHandshake,
    TlsHandshake,
    start_time,
)

MOST_BYTES = 16_384
KINDS: Mapping[str, type[Any]] = {
    "dns": DnsExchange,
    "tcp": TcpHandshake,
    "https": SecureRequest,  # before its base
    "http": HttpExchange,
    "sql": SqlStatement,
    "tls": TlsHandshake,
    "udp": DatagramFlow,
    "ssh": SshLogin,
}
Evidence = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """Whether the evidence of a task holds, and why it does not, or why nobody can say.

    `no packets`: nobody can say, and could if the packets that belong to it were there. `by`: what of the evidence was
    judged, and what was taken as the result tells it.
    """

    verdict: Literal["holds", "does not hold", "not judged", "no packets"]
    why: str = ""
    by: str = ""


TOLD = "as the result tells it"
BY_PACKETS = "packets"
# Packets do not show what is encrypted in them.
BY_LOG: Mapping[type[CompletedEvent], str] = {
    SecureRequest: f"packets of the TLS connection; the request, from the server's log, {TOLD}",
    SshLogin: f"packets of the SSH connection; the login, from the server's log, {TOLD}",
}
BY_SOCKET = f"the socket, {TOLD}"
BY_ANSWER = "the answer"
BY_ANSWER_ALONE = f"the answer; that it is the right one, {TOLD}"
A_CHECK_HELD = Judgement("not judged", f"a check held, {TOLD}")


def exchange_evidence(event: CompletedEvent, earlier: float | None) -> Any:
    """An exchange, and when what the task wants first was over. Of more than MOST_BYTES, the size alone is kept."""
    kind = next(kind for kind, event_type in KINDS.items() if isinstance(event, event_type))
    values = {"kind": kind, "exchange": asdict(event), "earlier": earlier}
    text = json.dumps(values)
    return json.loads(text) if len(text) <= MOST_BYTES else {"kind": kind, "size": len(text)}


def socket_evidence(socket: BoundSocket) -> Evidence:
    """The socket on which a program began to listen."""
    return {"kind": "socket", "address": socket.address, "port": socket.port}


def answer_evidence(question: Question, answer: str) -> Evidence:
    """An answer, with the choices in the order in which they were shown."""
    return {"kind": "answer", "choices": list(question.choices), "right": question.right, "answer": answer.strip()}


def check_evidence(seen: str) -> Evidence:
    """What a check has seen as it held."""
    return {"kind": "check", "seen": seen}


def judge(task: AnyTask, evidence: Evidence, seed: int, decode: Decode | None = None) -> Judgement:
    """Judge what completed a task once more. Whatever stands in `evidence`, it raises nothing.

    `decode` reads packets; without it, a task that they completed is not judged.
    """
    try:
        match task:
            case ObserveTask():
                return _judge_observation(task, evidence, decode)
            case HoldsTask():
                is_check = evidence["kind"] == "check"
                return A_CHECK_HELD if is_check else _unfit(evidence)
            case _:
                return _judge_answer(task, evidence, seed)
    except WrongPackets as error:
        return Judgement("does not hold", str(error))
    except NoPackets as error:
        return Judgement("no packets", str(error))
    except (KeyError, TypeError, ValueError, AttributeError):  # pydantic's error is a ValueError
        return Judgement("does not hold", "the evidence has another form than wirelab writes")


def _unfit(evidence: Evidence) -> Judgement:
    return Judgement("does not hold", f"evidence of the kind {str(evidence['kind'])[:20]!r} completes no such task")


def _judge_observation(task: ObserveTask, evidence: Evidence, decode: Decode | None) -> Judgement:
    if evidence["kind"] == "socket" and isinstance(task.observe, ListensObservation):
        socket = BoundSocket("tcp", str(evidence["address"]), int(evidence["port"]), "", "")
        return _judgement(task.observe.compare_socket(task.observe.client, socket), BY_SOCKET)
    if evidence["kind"] not in KINDS:
        return _unfit(evidence)
    if "size" in evidence:
        return Judgement("not judged", f"the exchange has {int(evidence['size'])} bytes, and was not kept")
    event = exchange_of(evidence)
    addresses = {str(host).lower(): tuple(map(str, known)) for host, known in evidence["hosts"].items()}
    earlier = evidence["earlier"]
    if task.after and (earlier is None or start_time(event) < float(earlier)):
        return Judgement("does not hold", f"first comes {task.after.wanted}")
    packets = PacketJudge(task, addresses, tuple(map(str, evidence["nodes"])))
    judgement = _judgement(task.observe.compare(event, packets.addresses_of), BY_LOG.get(type(event), BY_PACKETS))
    if judgement.verdict == "holds":
        packets.require(evidence, event, decode)
    return judgement


def _judgement(comparison: Any, by: str) -> Judgement:
    if isinstance(comparison, Matched):
        return Judgement("holds", by=by)
    return Judgement("does not hold", comparison.sentence if comparison else "it is no attempt at this task")


def exchange_of(evidence: Evidence) -> CompletedEvent:
    """The exchange that evidence holds. Raises KeyError, ValueError."""
    from pydantic import TypeAdapter

    event: CompletedEvent = TypeAdapter(KINDS[evidence["kind"]]).validate_json(json.dumps(evidence["exchange"]))
    return event


def _judge_answer(task: QuestionTask, evidence: Evidence, seed: int) -> Judgement:
    if evidence["kind"] != "answer":
        return _unfit(evidence)
    choices, right = tuple(map(str, evidence["choices"])), str(evidence["right"])
    if choices != shuffled(choices, seed, task.title):
        return Judgement("does not hold", "the choices stand in the order of another seed")
    question = Question(choices, right, in_order=not isinstance(task, AskTask))
    answer = str(evidence["answer"])
    reason = wrong_because(task, question, answer) if isinstance(task, AskTask) else order_mistake(question, answer)
    return Judgement("does not hold", reason) if reason else _judge_truth(task, choices, right, evidence)


def _judge_truth(task: QuestionTask, choices: tuple[str, ...], right: str, evidence: Evidence) -> Judgement:
    """Whether the answer that was right in the learner's lab can be: a lab alone knows what its packets show."""
    by = BY_ANSWER_ALONE
    if not isinstance(task, AskTask):
        is_possible = sorted(right.split()) == sorted(map(str, range(1, len(choices) + 1)))
    elif not set(task.choices) <= set(choices):
        return Judgement("does not hold", "the choices are those of another question")
    elif isinstance(task.truth, Fact):
        is_possible, by = right == task.truth.value, BY_ANSWER
    elif isinstance(task.truth, AddressOf) and right not in evidence["hosts"][task.truth.address_of]:
        is_possible = False
    else:
        is_possible = not choices or right in choices
    return Judgement("holds", by=by) if is_possible else _other_truth(right)


def _other_truth(right: str) -> Judgement:
    return Judgement("does not hold", f"{right[:80]!r} is not the right answer")


def identities(evidence: Evidence, done_at: float | None) -> frozenset[tuple[Any, ...]]:
    """All that no two seats have alike of the evidence of a task."""
    known = identity(evidence, done_at)
    own = {known} if known is not None else set()
    return frozenset(own | {("packet", text) for text in packet_fingerprints(evidence)})


def identity(evidence: Evidence, done_at: float | None) -> tuple[Any, ...] | None:
    """What no two seats have alike: the time and the ports of packets, or when a task without packets was done."""
    try:
        exchange = evidence["exchange"]
        flow = exchange["flow"]
        ends = (str(flow["client"]["address"]), str(flow["client"]["port"]), str(flow["server"]["address"]))
        return ("packets", float(exchange["started"]), *ends)
    except (KeyError, TypeError, ValueError):
        return None if done_at is None else ("done", done_at)
