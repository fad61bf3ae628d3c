"""Findings are shown as they come: in the order of the file, but for those that take longer than a second."""

from __future__ import annotations

import pytest
from probe_calls import Clock

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.verdict import Verdict
from orchestrator.cli.check_progress import HOLD_SECONDS, SELDOM_SECONDS, CheckProgress


def finding(name: str, verdict: Verdict = "pass") -> Finding:
    return Finding(name, "runs", "a", Judgement(verdict, "", ""), 0.1)


class Shown:
    """What was shown, on a clock that the test moves."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.clock = Clock()
        self.progress = CheckProgress(lambda finding: self.names.append(finding.check), self.clock)
        self.progress.begin(["one", "two", "three"])

    def judged(self, name: str) -> list[str]:
        self.progress.finding(finding(name))
        return self.names


def test_at_first_the_order_is_that_of_the_file() -> None:
    shown = Shown()
    assert shown.judged("two") == []
    assert shown.judged("one") == ["one", "two"]
    assert shown.judged("three") == ["one", "two", "three"]


def test_one_that_takes_long_does_not_hold_up_the_others() -> None:
    """What is known is shown once a second has passed, though nothing new comes; then each as it comes."""
    shown = Shown()
    assert shown.judged("three") == []
    shown.clock.now += HOLD_SECONDS + 0.1
    shown.progress.waiting(["one", "two"])
    assert shown.names == ["three"]
    assert shown.judged("two") == ["three", "two"]
    assert shown.judged("one") == ["three", "two", "one"]


def test_nothing_is_lost_and_nothing_is_shown_twice() -> None:
    shown = Shown()
    shown.judged("three")
    shown.progress.end()
    shown.progress.end()
    assert shown.names == ["three"]


def test_in_a_pipe_it_is_told_now_and_then_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is quick says nothing."""
    shown = Shown()
    for _ in range(11):
        shown.clock.now += 1.0
        shown.progress.waiting(["one", "two"])
    shown.progress.waiting([])
    assert SELDOM_SECONDS == 5
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["waiting for 2 checks (5 s): one", "waiting for 2 checks (10 s): one"])


def test_where_one_document_is_printed_no_finding_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    progress = CheckProgress(None, Clock())
    progress.begin(["one"])
    progress.finding(finding("one"))
    progress.end()
    assert capsys.readouterr() == ("", "")
