"""Every mistake that an author can make is told in the words that the golden files hold."""

from __future__ import annotations

import pytest
from golden_scenarios import BESIDE, cases, said

from orchestrator.model.scenario import Scenario
from orchestrator.reading.document import read_document
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.rules import RULES
from orchestrator.reading.schema_forms import form_of

CASES = cases()
HINT = (
    "after a change of the language: PYTHONPATH=.:tests/support python tests/support/golden_scenarios.py; read the diff"
)


@pytest.mark.slow
@pytest.mark.parametrize("rule", sorted({case.rule for case in CASES}))
def test_mistakes_are_told_in_exactly_these_words(rule: str) -> None:
    """Each bad file is refused with its text, and its near-twin is accepted."""
    of_rule = [case for case in CASES if case.rule == rule]
    assert all(case.says for case in of_rule), "a golden case says something"
    assert {case.what: said(case.bad) for case in of_rule} == {case.what: case.says for case in of_rule}, HINT
    refused = {case.what: answer for case in of_rule if (answer := said(case.good))}
    assert refused == {}, "the near-twin is a good scenario"


def test_the_golden_files_cover_the_language() -> None:
    """There are at least 230 mistakes over at least 55 rules, and no two cases bear one name."""
    assert len(CASES) >= 230
    assert len({case.rule for case in CASES}) >= 55
    assert len({(case.rule, case.what) for case in CASES}) == len(CASES)


@pytest.mark.slow
def test_every_rule_has_a_golden_case() -> None:
    """Each cross rule complains of some bad file, so it can fail; of none of the good ones."""
    drafts = [raw for case in CASES if (raw := _draft(case.bad))]
    assert [rule.__name__ for rule in RULES if not any(any(rule(raw)) for raw in drafts)] == []


def _draft(text: str) -> RawScenario | None:
    document = read_document(text)
    if document.fatal:
        return None
    return RawScenario(document.value, form_of(Scenario), BESIDE.get, lambda path: document.positions[path].line)
