"""The schema of lessons is made from the model, stands in the repository, and judges lessons as the model does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from orchestrator.lessons.schema import lesson_schema

ROOT = Path(__file__).parents[3]
LESSONS = sorted((ROOT / "scenarios").glob("*/lesson.md"))
VALIDATOR = Draft7Validator(lesson_schema())


def front_matter(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8").split("\n---\n")[0])


@pytest.mark.slow
def test_the_schema_in_the_repository_is_the_models() -> None:
    """lesson.schema.json is not stale: `wirelab schema --lesson > lesson.schema.json`."""
    assert json.loads((ROOT / "lesson.schema.json").read_text("utf-8")) == lesson_schema()


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.parent.name)
def test_each_lesson_fits_the_schema(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(front_matter(path))] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [("minutes", "ten"), ("minuts", 10), ("shell", "client"), ("tasks", {"one": {"title": "No kind"}})],
)
def test_what_the_model_refuses_does_not_fit(key: str, value: object) -> None:
    lesson = {**front_matter(LESSONS[0]), key: value}
    assert list(VALIDATOR.iter_errors(lesson))
