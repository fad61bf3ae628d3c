"""The public reports of docs/cases.md can be said in the language, or are refused in the words of the page."""

from __future__ import annotations

import re

import pytest
from public_cases import PAGE, CaseTrace, PublicCase, public_cases

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


def test_a_line_of_a_story_that_is_not_told_is_missed() -> None:
    """Times, the tree and the subnet may differ; the order of the lines may not."""
    story = "    0.0  client asks dns for app.shop.lab A     1.2 ms\n     |  -> 192.168.9.12 = app\n"
    lines = ("client asks dns for app.shop.lab A", "-> 192.168.7.12 = app")
    assert CaseTrace("client", ("true",), lines).missing(story) == []
    assert CaseTrace("client", ("true",), lines[::-1]).missing(story) == ["client asks dns for app.shop.lab A"]
    assert CaseTrace("client", ("true",), ("-> 192.168.7.13 = app",)).missing(story) == ["-> 192.168.7.13 = app"]
    assert len([trace for case in CASES for trace in case.traces]) >= 1
