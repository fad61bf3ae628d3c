"""Learners who do it another way than the author of a lesson, and those who are nearly right, for all lessons."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_bench import CHECKOUT, Bench
from lesson_attempts import mistakes, read_attempts, try_all

from orchestrator.lessons.messages import Message
from orchestrator.operations.lessons.learn import open_lesson
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.operations.workspace import open_workspace

FILES = sorted((Path(__file__).parent / "lesson_sentences" / "attempts").glob("*.txt"))


@pytest.mark.waits
@pytest.mark.truth
@pytest.mark.sampled(len(FILES))
@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_other_ways_complete_a_task_and_near_misses_are_told_what_is_wrong(file: Path, bench: Bench) -> None:
    """Each attempt is answered, a near miss by the sentence in the file."""
    attempts, messages = read_attempts(file.read_text("utf-8")), list[Message]()
    workspace = open_workspace(notify=lambda _text: None, confirm=lambda _question: False).without_watcher()
    scenario = load_scenario(str(CHECKOUT / "scenarios" / file.stem))
    with open_lesson(workspace, scenario, bench.lab, tell=messages.append, seed=5) as lesson:
        came = list(try_all(lesson, messages, attempts))
    assert mistakes(attempts, came) == []
