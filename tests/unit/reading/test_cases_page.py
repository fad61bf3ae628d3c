"""The public reports of docs/cases.md can be said in the language, or are refused in the words of the page."""

from __future__ import annotations

import re

import pytest
from public_cases import PAGE, PublicCase, public_cases

from orchestrator.errors import FileInvalid
from orchestrator.reading.scenario import read_scenario

CASES = public_cases()
REPORT = re.compile(r"[\w.-]+/[\w.-]+#[0-9]+")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_case_is_read_as_the_page_says(case: PublicCase) -> None:
    said = ""
    try:
        read_scenario(case.scenario, file="scenario.yaml", read_companion=case.beside.get)
    except FileInvalid as error:
        said = "".join(f"{problem}\n" for problem in error.problems)
    assert said.split() == case.refused.split()


def test_the_page_has_cases_and_each_names_its_report() -> None:
    """One section a case, with the reference of the report; at least ten, one of which is refused."""
    assert len(CASES) >= 10
    assert [case.title for case in CASES if case.refused] != []
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    assert [text.splitlines()[0] for text in sections if "```yaml" in text and not REPORT.search(text)] == []
