"""The JSON Schema of the front matter of `lesson.md`, from the same model that validates it."""

from __future__ import annotations

from typing import Any

from orchestrator.lessons.lesson import Lesson
from orchestrator.reading.schema import schema_of


def lesson_schema() -> dict[str, Any]:
    """The schema of the front matter, draft-07."""
    return schema_of(Lesson, "wirelab lesson")
