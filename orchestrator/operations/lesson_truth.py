"""Find the right answer of a question, and its choices, in the running lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.lessons.lesson import AddressOf, BrokenLayer, FirstServer, PredictTask
from orchestrator.lessons.questions import Question, order_question, question_of
from orchestrator.lessons.steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.lessons.lesson import AskTask, QuestionTask, Run
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.traffic.exchanges.events import CompletedEvent
    from orchestrator.traffic.story import Span


def ask_lab(lab: LabHandle, task: QuestionTask, seed: int) -> Question:
    """The question with its choices and its right answer. Raises NotFound where the lab does not show any."""
    if isinstance(task, PredictTask):
        return order_question(task, _steps(lab, task.predict), seed)
    topology = lab.made.topology(lab.made.observe())
    return question_of(task, _truth(lab, task), topology, seed)


def _truth(lab: LabHandle, task: AskTask) -> str:
    match task.truth:
        case AddressOf(address_of=node):
            return lab.address(node)
        case FirstServer(first_server=run):
            return _first_server(lab, run)
        case BrokenLayer(broken_layer=check_name):
            return _broken_layer(lab, check_name)
    return task.truth.value


def _steps(lab: LabHandle, run: Run) -> tuple[str, ...]:
    """The steps that a program caused on all nodes, by a trace of it."""
    from orchestrator.traffic.story import EarlierConnection

    def events(spans: Iterable[Span]) -> Iterator[CompletedEvent]:
        for span in spans:
            if not isinstance(span.event, EarlierConnection):
                yield span.event
            yield from events(span.children)

    steps = steps_of(events(lab.trace(*run.run, node=run.node).story.spans))
    if len(steps) < 2:
        line = " ".join(run.run)
        raise NotFound(f"{line!r} has fewer than two steps", why="a task of the lesson asks for their order")
    return steps


def _first_server(lab: LabHandle, run: Run) -> str:
    """The node to which the first packets of a program went, by a trace of it."""
    from orchestrator.traffic.exchanges.events import server_node
    from orchestrator.traffic.story import EarlierConnection

    story = lab.trace(*run.run, node=run.node).story
    event = next((span.event for span in story.spans if span.client_node == run.node), None)
    if event is None:
        raise NotFound(f"{' '.join(run.run)!r} sent no packet", why="a question of the lesson asks for its first one")
    return event.flow.server.node if isinstance(event, EarlierConnection) else server_node(event)


def _broken_layer(lab: LabHandle, check_name: str) -> str:
    """The first broken layer of a check, as `wirelab why` names it."""
    walks = [finding.why for finding in lab.check(check_name) if finding.why]
    broken = next((walk.broken for walk in walks if walk.broken), None)
    if broken is None:
        raise NotFound(f"no layer of {check_name!r} is broken", why="a question of the lesson asks for the broken one")
    return broken.title
