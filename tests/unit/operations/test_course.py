"""The course says which lesson comes next."""

from __future__ import annotations

import pytest

from orchestrator.operations.lessons.course import lesson_after
from orchestrator.rendering.lesson import course_text

ROWS = [
    {"name": name, "title": "A title", "minutes": "15", "progress": progress}
    for name, progress in (("basic", "done"), ("ports", "2 of 7 tasks done"), ("tiers", "done"), ("https", "not begun"))
]


@pytest.mark.parametrize(
    ("name", "following"), [("basic", "ports"), ("ports", "https"), ("https", None), ("shop", None)]
)
def test_the_next_lesson_is_the_first_behind_it_that_is_not_done(name: str, following: str | None) -> None:
    assert lesson_after(ROWS, name) == following


def test_the_list_ends_with_the_command_for_the_first_lesson_that_is_not_done() -> None:
    assert course_text(ROWS, 80).endswith("\n\nBegin or continue: wirelab learn ports")
    assert "Begin" not in course_text([row | {"progress": "done"} for row in ROWS], 80)
