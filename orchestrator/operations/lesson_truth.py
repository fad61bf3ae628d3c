"""Find the right answer of a question, and its choices, in the running lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.lessons.lesson import AddressOf, BrokenLayer, FirstServer
from orchestrator.lessons.questions import Question, question_of

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AskTask, Run
    from orchestrator.operations.lab_handle import LabHandle


def ask_lab(lab: LabHandle, task: AskTask, seed: int) -> Question:
    """The question with its choices and its right answer. Raises NotFound where the lab does not show any."""
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
