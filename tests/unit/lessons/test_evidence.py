"""Evidence is judged again: the exchange that completed a task does so once more, and another one does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import recorded_packets
from doc_pages import ROOT
from pydantic import TypeAdapter

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.evidence import (
    KINDS,
    MOST_BYTES,
    Judgement,
    answer_evidence,
    check_evidence,
    exchange_evidence,
    identity,
    judge,
    socket_evidence,
)
from orchestrator.lessons.lesson import AnyTask, AskTask, ObserveTask, PredictTask, Task
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.questions import Question, order_question
from orchestrator.lessons.reactions import react_to_answer, react_to_exchange
from orchestrator.lessons.seed import shuffled
from orchestrator.traffic.exchanges.events import DnsExchange

ASKED = recorded_packets.lookup()
SOLVE = {"from": "client", "run": ["dig", "app.shop.lab"]}
SEED = 7


def task_of(**values: Any) -> AnyTask:
    task: AnyTask = TypeAdapter(Task).validate_python({"title": "Do it", **values})
    return task


LOOK_UP = task_of(observe={"from": "client", "resolves": "app.shop.lab", "to": "app"}, solve=SOLVE)
LISTEN = task_of(observe={"from": "app", "listens": 8080}, solve=SOLVE)
ASK = task_of(ask="choices", choices=["yes", "no", "never"], truth={"value": "no", "source": "x"}, because="x")
PREDICT = task_of(predict=SOLVE, because="x")


def written(progress: Progress) -> Any:
    """The evidence of the task as it is read from a file."""
    return json.loads(json.dumps(progress.document()))["tasks"]["look"]["evidence"]


def looked_up(event: DnsExchange = ASKED, earlier: float | None = None) -> Any:
    assert isinstance(LOOK_UP, ObserveTask)
    started = Progress("basic", SEED)
    hosts = recorded_packets.HOSTS
    comparison = LOOK_UP.observe.compare(event, lambda host: hosts.get(host, ()))
    progress, _ = react_to_exchange(started, "look", LOOK_UP, event, comparison, earlier)
    done = progress.completed_at("look", 20.0, recorded_packets.NODES, hosts)
    return written(done.with_packets("look", 20.0, recorded_packets.evidence("first", ASKED)["packets"]))


def judged(task: AnyTask, evidence: Any, seed: int = SEED) -> Judgement:
    return judge(task, evidence, seed, recorded_packets.decode)


def test_the_exchange_that_completed_a_task_completes_it_again() -> None:
    assert judged(LOOK_UP, looked_up()).verdict == "holds"


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("name", "ap.shop.lab.", "ap.shop.lab"),
        ("rcode", "NXDOMAIN", "NXDOMAIN"),
        ("answers", [], "empty"),
        ("answers", [{"type": "A", "value": "192.168.231.9"}], "192.168.231.9"),
        ("flow", {"client": 1}, "another form"),
        ("tries", "many", "another form"),
    ],
)
def test_another_exchange_does_not(key: str, value: Any, why: str) -> None:
    evidence = looked_up()
    evidence["exchange"][key] = value
    judgement = judged(LOOK_UP, evidence)
    assert judgement.verdict == "does not hold"
    assert why in judgement.why


@pytest.mark.slow
def test_what_comes_first_is_judged_too() -> None:
    both = task_of(
        observe={"from": "client", "resolves": "app.shop.lab"},
        after={"from": "client", "resolves": "db.shop.lab"},
        solve=SOLVE,
    )
    for earlier in (None, ASKED.started + 1):
        assert judged(both, looked_up(earlier=earlier)).why == "first comes a question for db.shop.lab A"


def test_a_large_exchange_is_not_kept_and_not_judged() -> None:
    large = replace(ASKED, reason="x" * MOST_BYTES)
    evidence = exchange_evidence(large, None)
    assert len(json.dumps(evidence)) < 100
    assert judge(LOOK_UP, evidence, SEED).verdict == "not judged"


def test_a_socket_is_judged_again() -> None:
    right, wrong = (socket_evidence(BoundSocket("tcp", "0.0.0.0", port, "", "")) for port in (8080, 8081))
    assert judge(LISTEN, right, SEED) == Judgement("holds", by="the socket, as the result tells it")
    assert judge(LISTEN, wrong, SEED).verdict == "does not hold"
    assert judge(LOOK_UP, right, SEED).verdict == "does not hold"


def test_an_answer_is_right_for_its_seed_alone() -> None:
    assert isinstance(ASK, AskTask)
    question = Question(shuffled(ASK.choices, SEED, ASK.title), "no")
    number = str(question.choices.index("no") + 1)
    progress, _ = react_to_answer(Progress("basic", SEED), "look", ASK, question, number)
    evidence = written(progress)
    assert judge(ASK, evidence, SEED) == Judgement("holds", by="the answer")
    others = [seed for seed in range(40) if shuffled(ASK.choices, seed, ASK.title) != question.choices]
    assert {judge(ASK, evidence, seed).why for seed in others} == {"the choices stand in the order of another seed"}
    assert judge(ASK, {**evidence, "answer": "yes"}, SEED).why == '"yes" is not right.'
    assert judge(ASK, {**evidence, "answer": "yes", "right": "yes"}, SEED).why == "'yes' is not the right answer"


def test_an_order_is_right_for_its_seed_alone() -> None:
    assert isinstance(PREDICT, PredictTask)
    question = order_question(PREDICT, ("one", "two", "three", "four"), SEED)
    evidence = answer_evidence(question, question.right)
    alone = "the answer; that it is the right one, as the result tells it"
    assert judge(PREDICT, evidence, SEED) == Judgement("holds", by=alone)
    assert judge(PREDICT, evidence, SEED + 1).verdict == "does not hold"
    assert judge(PREDICT, {**evidence, "answer": "4 4 4 4"}, SEED).verdict == "does not hold"


def test_a_check_is_told_and_not_judged() -> None:
    holds = task_of(holds={"name": "It answers", "from": "client", "resolves": "app.shop.lab"}, solve=SOLVE)
    told = Judgement("not judged", "a check held, as the result tells it")
    assert judge(holds, check_evidence("it answers"), SEED) == told
    assert judge(holds, looked_up(), SEED).verdict == "does not hold"


@pytest.mark.parametrize(
    "evidence", [{}, {"kind": None}, {"kind": []}, {"kind": "dns"}, {"kind": "answer", "choices": 1}]
)
@pytest.mark.parametrize("task", [LOOK_UP, LISTEN, ASK, PREDICT])
def test_hostile_evidence_raises_nothing(task: AnyTask, evidence: Any) -> None:
    assert judge(task, evidence, SEED).verdict == "does not hold"


def test_the_same_packets_have_one_identity_and_other_packets_another() -> None:
    later = replace(ASKED, started=20.0)
    assert identity(looked_up(), 1.0) == identity(looked_up(), 2.0)
    assert identity(looked_up(), 1.0) != identity(looked_up(later), 1.0)
    assert identity(check_evidence("x"), 1.0) != identity(check_evidence("x"), 2.0)
    assert identity(check_evidence("x"), None) is None


def test_each_kind_of_exchange_that_an_observation_can_match_is_kept() -> None:
    """A task that completes by an exchange which no evidence can hold would end the lesson by an error."""
    files = (ROOT / "orchestrator" / "lessons").glob("*observation*.py")
    source = "".join(file.read_text("utf-8") for file in files)
    only_differs = {"TcpClose", "SshGreeting"}  # by these no task is done
    matched = set(re.findall(r"isinstance\(event, (\w+)\)", source)) - only_differs
    assert matched == {kind.__name__ for kind in KINDS.values()}


def test_an_address_is_right_where_it_was_that_of_the_node() -> None:
    task = task_of(ask="address", truth={"address_of": "app"}, because="x")
    evidence = {**answer_evidence(Question((), "192.168.1.4"), "192.168.1.4"), "hosts": {"app": ["192.168.1.4"]}}
    assert judge(task, evidence, SEED).verdict == "holds"
    assert judge(task, {**evidence, "right": "10.0.0.1", "answer": "10.0.0.1"}, SEED).verdict == "does not hold"
