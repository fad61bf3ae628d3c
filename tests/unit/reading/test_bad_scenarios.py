"""Every mistake that an author can make is told in the words that the golden files hold."""

from __future__ import annotations

from functools import cache

import pytest
from golden_scenarios import BESIDE, Case, cases, said

from orchestrator.model.scenario import Scenario
from orchestrator.reading.document import read_document
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.rules import RULES, Rule
from orchestrator.reading.schema_forms import form_of

CASES = cases()
HINT = (
    "after a change of the language: PYTHONPATH=.:tests/support python tests/support/golden_scenarios.py; read the diff"
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.what}")
def test_a_mistake_is_told_in_exactly_these_words(case: Case) -> None:
    """A bad file is refused with this text, and its near-twin is accepted."""
    assert case.says, "a golden case says something"
    assert said(case.bad) == case.says, HINT
    assert said(case.good) == "", "the near-twin is a good scenario"


def test_the_golden_files_cover_the_language() -> None:
    """There are at least 230 mistakes over at least 55 rules, and no two cases bear one name."""
    assert len(CASES) >= 230
    assert len({case.rule for case in CASES}) >= 55
    assert len({(case.rule, case.what) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_golden_case(rule: Rule) -> None:
    """Each cross rule complains of some bad file, so it can fail; of none of the good ones."""
    drafts = [_draft(case.bad) for case in CASES]
    assert any(list(rule(raw)) for raw in drafts if raw)


@cache
def _draft(text: str) -> RawScenario | None:
    document = read_document(text)
    if document.fatal:
        return None
    return RawScenario(document.value, form_of(Scenario), BESIDE.get, lambda path: document.positions[path].line)
