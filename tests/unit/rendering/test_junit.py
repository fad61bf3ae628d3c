"""JUnit output: valid, complete, and with the place of each check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from lxml import etree

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.reading.reading import Position
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.check_report import CheckReport, LocatedFinding, locate_findings
from orchestrator.rendering.junit import junit

SCHEMA = etree.XMLSchema(file=Path(__file__).with_name("junit.xsd"))
FILE = "scenarios/one/scenario.yaml"
TEXT = """\
name: one
title: One
nodes:
  a: {role: client}
checks:
  - name: The first
    from: a
    connects: 127.0.0.1:80
  - name: The second
    from: a
    cannot_connect: 127.0.0.1:80
"""


def finding(verdict: Verdict, name: str, actual: str = "that") -> Finding:
    return Finding(name, "http", "client", Judgement(verdict, "this", actual, ("a line",)), 0.25)


def document(*findings: Finding) -> str:
    found = tuple(LocatedFinding(one, Position(10 + number, 5)) for number, one in enumerate(findings))
    return junit(CheckReport("one", "One", "one-2", FILE, found, "2026-01-31T12:00:00", 1.5, {"wirelab": "0.1.0"}))


def suite_of(text: str) -> Element:
    SCHEMA.assertValid(etree.fromstring(text.encode()))
    found = fromstring(text).find("testsuite")
    assert found is not None
    return found


def test_each_verdict_has_its_element_and_is_counted() -> None:
    """A fail is a failure; an unknown is an error, never a pass; a pass has neither."""
    suite = suite_of(document(finding("pass", "A"), finding("fail", "B"), finding("unknown", "C")))
    assert [suite.get(word) for word in ("tests", "failures", "errors")] == ["3", "1", "1"]
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [[], ["failure"], ["error"]]


def test_a_failure_says_where_the_check_stands_and_what_proves_it() -> None:
    """file:line:column, what was expected, what was seen, and the evidence."""
    failure = suite_of(document(finding("fail", "B"))).find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "expected: this; but seen: that"
    assert (failure.text or "").splitlines()[0] == f"{FILE}:10:5"
    assert "evidence: a line" in (failure.text or "")


def because(name: str, sentence: str) -> Finding:
    cause = Cause(sentence, "wirelab heal one", what="dns is stopped")
    layer = Layer("node", name, "dns", "fail", "dns is stopped", (), (cause,))
    return replace(finding("fail", name), why=make_walk((layer,), cause))


def test_a_failure_names_its_cause_and_the_walk_of_a_cause_stands_once() -> None:
    """A list of failures shows the messages alone; the later failures name the test case that has the walk."""
    suite = suite_of(document(because("A", "dns is stopped, so A waits."), because("B", "dns is stopped, so B waits.")))
    first, second = suite.iter("failure")
    assert first.get("message") == "dns is stopped, so A waits. (expected: this; but seen: that)"
    assert second.get("message") == "dns is stopped, so B waits. (expected: this; but seen: that)"
    assert "BROKEN" in (first.text or "")
    assert "BROKEN" not in (second.text or "")
    assert 'The walk stands under "A"' in (second.text or "")
    output = suite.findtext("system-out") or ""
    assert output.startswith("One cause explains 2 checks: dns is stopped, so A waits.\n")


def test_failures_with_different_causes_have_a_walk_each() -> None:
    other = Cause("nobody listens", "wirelab logs one app")
    walk = make_walk((Layer("listen", "client", "app", "fail", "nobody", (), (other,)),), other)
    suite = suite_of(document(because("A", "dns is stopped."), replace(finding("fail", "B"), why=walk)))
    assert all("BROKEN" in (failure.text or "") for failure in suite.iter("failure"))
    assert "One cause" not in (suite.findtext("system-out") or "")


def test_the_place_of_a_check_that_holds_is_told_too() -> None:
    output = suite_of(document(finding("pass", "A"), finding("pass", "B"))).findtext("system-out") or ""
    assert output.splitlines() == [f"{FILE}:10:5: pass: A", f"{FILE}:11:5: pass: B"]


@pytest.mark.parametrize("text", ["\x00\x1b[31mred", "]]><&\"'", "\ud800", "  two  blanks \n"])
def test_whatever_a_server_answers_the_document_is_valid(text: str) -> None:
    """Control characters, markup and half characters cannot break it."""
    suite_of(document(finding("fail", f"A{text}", text)))


def test_no_check_at_all_is_a_valid_document() -> None:
    assert suite_of(document()).get("tests") == "0"


def test_the_schema_of_these_tests_can_say_no() -> None:
    """A case with an attribute that one of the schemas does not know is refused."""
    wrong = document(finding("pass", "A")).replace("<testcase ", '<testcase line="3" ')
    assert not SCHEMA.validate(etree.fromstring(wrong.encode()))


def test_a_finding_is_placed_where_its_check_begins() -> None:
    """Also where only some checks were asked, in any order."""
    reading = read_scenario(TEXT, file=FILE, read_companion=lambda _name: None)
    asked = tuple(reversed(reading.scenario.checks))
    found = locate_findings(
        reading.scenario, asked, [finding("pass", check.name) for check in asked], reading.positions
    )
    assert [(finding.finding.check, finding.position.line) for finding in found] == [
        ("The second", 9),
        ("The first", 6),
    ]
