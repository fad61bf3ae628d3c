"""The page says nothing of a lesson that is true in the terminal only."""

from __future__ import annotations

import re

import library
import pytest

from orchestrator.operations.lessons.files import load_lesson
from orchestrator.rendering.lesson_documents import markdown_html
from orchestrator.rendering.lesson_on_page import allowed_on_page, page_words

OF_THE_TERMINAL = re.compile(r"third\s+terminal|type\s+their\s+numbers|in\s+this\s+terminal", re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.parametrize("name", library.NAMES)
def test_no_text_of_a_lesson_speaks_of_terminals_that_the_page_does_not_need(name: str) -> None:
    text = load_lesson(library.loaded(name))
    tasks = text.lesson.tasks.values()
    texts = (*text.before.values(), text.after, *(words for task in tasks for words in (task.title, *task.hints)))
    assert [found for words in texts if (found := OF_THE_TERMINAL.search(markdown_html(page_words(words))))] == []


def test_the_page_says_how_it_is_done_there() -> None:
    assert page_words("In which order? Type their\nnumbers, such as 2 1 3.") == (
        "In which order? Put them in order with the arrows."
    )
    assert (
        page_words("The third terminal; in a third\nterminal")
        == "The terminal of your machine; in a terminal of your machine"
    )
    assert page_words("Type the address.") == "Type the address."
    assert allowed_on_page("Take it back: wirelab heal basic").endswith('On this page: "Heal all" below Faults.')
    assert allowed_on_page("Change a record: wirelab inject basic") == "Change a record: wirelab inject basic"
