"""Questions: what a learner can answer, which answer is right, and why a wrong one is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from orchestrator.diagnosis.layers import LAYERS
from orchestrator.lessons.lesson import AskTask, PredictTask
from orchestrator.lessons.seed import shuffled
from orchestrator.model.topology import Topology

PUNCTUATION = " .!\"'`"
THOUSANDS = re.compile(r"[ ,.'_]")
GROUPED = re.compile(rf"[0-9]{{1,3}}(?:{THOUSANDS.pattern}[0-9]{{3}})+")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
HIGHEST_PORT = 65535  # RFC 9293, section 3.1: 16 bits


@dataclass(frozen=True)
class Question:
    """What is asked: the choices in the order in which they are shown (none where the answer is typed).

    `in_order`: the choices are steps, and the right answer is their numbers in the right order.
    """

    choices: tuple[str, ...]
    right: str
    in_order: bool = False


def question_of(task: AskTask, right: str, topology: Topology, seed: int) -> Question:
    """The question with its choices, taken from the lab and shuffled by the learner's seed."""
    choices = list(choices_of(task, topology))
    if choices and right not in choices:
        choices.append(right)
    return Question(shown_order(choices, seed, task.title), right)


def shown_order(choices: Sequence[str], seed: int, title: str) -> tuple[str, ...]:
    """The choices, shuffled by the seed. Numbers stay in their order: who types 3 for three means no other number."""
    if choices and all(choice.lower() in NUMBERS for choice in choices):
        return tuple(sorted(choices, key=lambda choice: NUMBERS.index(choice.lower())))
    return shuffled(choices, seed, title)


def choices_of(task: AskTask, topology: Topology) -> Sequence[str]:
    """The answers to choose from, as the lab or the lesson gives them; none where the answer is typed."""
    match task.ask:
        case "nodes":
            return tuple(topology.scenario.nodes)
        case "addresses":
            nodes = topology.scenario.nodes
            return tuple(dict.fromkeys(str(address) for node in nodes for address in topology.addresses(node)))
        case "layers":
            return tuple(layer.title for layer in LAYERS)
        case "choices":
            return task.choices
    return ()


def order_question(task: PredictTask, steps: Sequence[str], seed: int) -> Question:
    """The steps in an order by the seed; the right answer is their numbers in the order in which they happened."""
    choices = shuffled(steps, seed, task.title)
    return Question(choices, " ".join(str(choices.index(step) + 1) for step in steps), in_order=True)


def order_mistake(question: Question, answer: str) -> str | None:
    """None where the steps are in the right order; otherwise the first place that is wrong."""
    numbers, right = re.findall(r"[0-9]+", answer), question.right.split()
    if sorted(numbers) != sorted(right):
        example = " ".join(str(number) for number in range(len(right), 0, -1))
        return f"Type each number from 1 to {len(right)} once, in the order of the steps, such as {example}."
    at = next((at for at, pair in enumerate(zip(numbers, right, strict=True)) if pair[0] != pair[1]), None)
    if at is None:
        return None
    step = question.choices[int(numbers[at]) - 1]
    before = f"The first {at} are right. " if at > 1 else "The first one is right. " if at else ""
    return f'{before}Place {at + 1} is wrong: "{step}" comes later.'  # what comes before it is right


def wrong_because(task: AskTask, question: Question, answer: str) -> str | None:
    """None where the answer is right; otherwise why it is not. A choice may be given by its number, from 1."""
    answer = answer.strip()
    if question.choices:
        choice = _choice(answer, question.choices)
        if choice is None:
            return f"{answer!r} is none of the choices; type a number from 1 to {len(question.choices)}."
        return None if choice == question.right else f'"{choice}" is not right.'
    if task.ask == "port":
        answer = _plain_number(answer)
    if answer.lower() == question.right.lower():
        return None
    return _wrong_address(answer) if task.ask == "address" else _wrong_port(answer, question.right)


def _choice(answer: str, choices: Sequence[str]) -> str | None:
    """The choice that is meant: by its number, or by its words in any case, with or without quotes and a full stop."""
    answer = answer.strip(PUNCTUATION)
    if answer.isdigit() and 1 <= int(answer) <= len(choices):
        return choices[int(answer) - 1]
    words = {choice.lower().strip(PUNCTUATION): choice for choice in choices}
    return words.get(answer.lower())


def _plain_number(answer: str) -> str:
    """A number without leading zeros and without what some people write between its thousands; else as it stands."""
    digits = THOUSANDS.sub("", answer) if GROUPED.fullmatch(answer) else answer
    return str(int(digits)) if digits.isascii() and digits.isdigit() else answer


def _wrong_address(answer: str) -> str:
    parts = answer.split(".")
    if len(parts) != 4:
        return f"{answer!r} is no address: an IPv4 address is four numbers with dots between them (RFC 791)."
    too_large = next((part for part in parts if part.isdigit() and int(part) > 255), None)
    if too_large:
        return f"{answer} is no address: {too_large} is more than 255; each number is 0 to 255 (RFC 791)."
    try:
        IPv4Address(answer)
    except AddressValueError:
        return f"{answer!r} is no address: it is four numbers from 0 to 255 with dots between them (RFC 791)."
    return f"{answer} is an address, but not this one."


def _wrong_port(answer: str, right: str) -> str:
    is_asked_for = right == str(HIGHEST_PORT)  # the sentence must not give the answer away
    numbers = f"a port is a number {'of 16 bits' if is_asked_for else f'from 0 to {HIGHEST_PORT}'} (RFC 9293)"
    if not answer.isdigit():
        return f"{answer!r} is no port: {numbers}."
    if int(answer) > HIGHEST_PORT:
        return f"{answer} is no port: {numbers}."
    return f"{answer} is a port, but not this one."
