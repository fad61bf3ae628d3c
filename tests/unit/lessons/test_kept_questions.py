"""A question is drawn once, and stays the same until what it was drawn from is another."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from check_harness import shop

from orchestrator.lessons.kept_questions import basis_of, kept_question, typed_answers, with_question
from orchestrator.lessons.lesson import AskTask, PredictTask, QuestionTask, Run
from orchestrator.lessons.progress import Progress, progress_of
from orchestrator.lessons.questions import Question
from orchestrator.lessons.sealed_result import ResultOrigin, sealed_document
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology

TEXT = """\
name: shop
title: A server
domain: shop.lab
networks: {lab: {subnet: SUBNET}}
nodes:
  dns:    {role: dns}
  app:    {role: app}
  client: {role: client}
"""
CURL = {"from": "client", "run": ("curl", "-s", "http://app.shop.lab/")}
ORDER = Question(("b", "a", "c"), "2 1 3", in_order=True)
ASKED = {"ask": "nodes", "title": "Which?", "because": "So it is."}
PREDICT = PredictTask.model_validate({"title": "In which order?", "predict": CURL, "because": "So it is."})
FIRST = AskTask.model_validate({**ASKED, "truth": {"first_server": CURL}})
LAYER = AskTask.model_validate({**ASKED, "ask": "layers", "truth": {"broken_layer": "It works"}})
ADDRESS = AskTask.model_validate({**ASKED, "ask": "address", "truth": {"address_of": "app"}})
ADDRESSES = AskTask.model_validate({**ASKED, "ask": "addresses", "truth": {"value": "no", "source": "RFC 791"}})


def topology(subnet: str = "192.168.7.0/24") -> Topology:
    return shop(TEXT.replace("SUBNET", subnet))


def again(progress: Progress) -> Progress:
    """The progress as another process reads it."""
    read = progress_of(json.loads(json.dumps(progress.document())))
    assert read
    return read


@pytest.mark.parametrize("question", [ORDER, Question(("dns", "app"), "dns"), Question((), "192.168.7.11")])
def test_a_question_is_the_same_when_the_learner_comes_back(question: Question) -> None:
    basis = basis_of(PREDICT, topology(), 7)
    kept = with_question(Progress("shop", 7), "order", question, basis)
    answers = typed_answers(ADDRESS, topology())
    assert kept_question(again(kept), "order", basis_of(PREDICT, topology(), 7), answers) == question
    assert kept_question(kept, "another", basis, answers) is None


@pytest.mark.parametrize("question", [ORDER, Question(("dns", "app"), "dns"), Question((), "192.168.7.11")])
def test_who_opens_the_file_reads_no_right_answer(question: Question) -> None:
    kept = with_question(Progress("shop", 7), "order", question, "1")
    document = kept.document()["questions"]["order"]
    assert document["choices"] == list(question.choices)
    assert not {question.right, *question.choices} & set(document["right"])
    assert question.right not in json.dumps({**document, "choices": []})
    another = with_question(Progress("shop", 7), "order", question, "2").document()["questions"]["order"]
    assert not set(document["right"]) & set(another["right"])  # a salt: nobody learns the digest of an answer by heart


def test_a_typed_answer_that_cannot_be_found_again_is_drawn_anew() -> None:
    kept = with_question(Progress("shop", 7), "port", Question((), "8080"), "1")
    fact = AskTask.model_validate({**ASKED, "ask": "port", "truth": {"value": "8080", "source": "RFC 9293"}})
    assert kept_question(kept, "port", "1", typed_answers(fact, topology())) == Question((), "8080")
    assert kept_question(kept, "port", "1", typed_answers(PREDICT, topology())) is None


def test_an_answer_that_an_earlier_version_kept_as_text_is_drawn_anew() -> None:
    document = {"basis": "1", "choices": ["a", "b"], "right": "a", "in_order": False}
    assert kept_question(replace(Progress("shop", 7), questions={"one": document}), "one", "1") is None


@pytest.mark.parametrize("task", [PREDICT, FIRST, LAYER])
def test_what_packets_and_walks_showed_is_kept_where_the_lab_has_other_addresses(task: QuestionTask) -> None:
    assert basis_of(task, topology(), 7) == basis_of(task, topology("192.168.8.0/24"), 7)


@pytest.mark.parametrize("task", [ADDRESS, ADDRESSES])
def test_a_question_for_addresses_is_another_one_where_the_lab_has_others(task: QuestionTask) -> None:
    kept = with_question(Progress("shop", 7), "one", ORDER, basis_of(task, topology(), 7))
    assert kept_question(kept, "one", basis_of(task, topology(), 7)) == ORDER
    assert kept_question(kept, "one", basis_of(task, topology("192.168.8.0/24"), 7)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Which order?"},
        {"predict": Run.model_validate({**CURL, "run": ("curl", "/")})},
    ],
)
def test_a_question_is_drawn_anew_where_its_author_has_changed_it(change: dict[str, object]) -> None:
    kept = with_question(Progress("shop", 7), "order", ORDER, basis_of(PREDICT, topology(), 7))
    changed = PREDICT.model_copy(update=change)
    assert kept_question(kept, "order", basis_of(changed, topology(), 7)) is None
    other_hints = PREDICT.model_copy(update={"hints": ("Look.",), "because": "It is."})
    assert kept_question(kept, "order", basis_of(other_hints, topology(), 7)) == ORDER


def test_another_seed_has_another_question() -> None:
    assert basis_of(FIRST, topology(), 7) != basis_of(FIRST, topology(), 8)


def test_reset_forgets_the_questions_of_what_begins_anew() -> None:
    progress = replace(Progress("shop", 7), questions={"one": {"basis": "1"}, "two": {"basis": "2"}})
    assert progress.at("two", ("one", "two", "three")).questions == {"one": {"basis": "1"}}
    assert progress.at("three", ("one", "two", "three")).questions == progress.questions
    assert progress.reset() == Progress("shop", 7)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"right": 1},
        {"choices": ["a"], "right": ["0"]},
        {"choices": "ab", "right": ["0"], "in_order": False},
        {"choices": ["a"], "right": [], "in_order": False},
        {"choices": ["a"], "right": [1, None], "in_order": True},
        {"choices": ["a"], "right": ["0"], "in_order": False},
    ],
)
def test_a_damaged_question_is_drawn_anew(document: dict[str, object]) -> None:
    progress = replace(Progress("shop", 7), questions={"one": {**document, "basis": "1"}})
    assert kept_question(progress, "one", "1") is None


@pytest.mark.parametrize("questions", [[], {"one": 1}, "one"])
def test_a_progress_whose_questions_are_none_is_no_progress(questions: object) -> None:
    assert progress_of({**Progress("shop", 7).document(), "questions": questions}) is None


def test_the_progress_of_an_earlier_version_has_no_questions() -> None:
    document = Progress("shop", 7).document()
    del document["questions"]
    assert progress_of(document) == Progress("shop", 7)


def test_a_result_that_is_handed_in_tells_no_answer_of_an_open_question() -> None:
    kept = with_question(Progress("shop", 7), "order", ORDER, "1")
    document = sealed_document(ResultOrigin("1", "monday", "seat03", "abc"), kept, 1.0, Secret("1" * 20))
    assert "2 1 3" not in json.dumps(document)
