"""What people and programs read: plans, steps, findings, nodes and labs."""

from __future__ import annotations

import io
from dataclasses import replace
from ipaddress import IPv4Address
from textwrap import dedent
from typing import Any

import pytest

from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.cli.console import verdict_marks
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.step_events import step_event
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.plan import AwaitReady, Plan, RemoveVolume, Step, WriteFiles
from orchestrator.planning.snapshot import ContainerRecord, ObservedContainer, ObservedFiles, Snapshot
from orchestrator.planning.split import Split
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.findings import finding_text, findings_document, findings_text, reasons_text, summary_text
from orchestrator.rendering.nodes import exhausted_text, nodes_document, nodes_text, state_of
from orchestrator.rendering.plans import plan_text, step_text
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.tables import table

TEXT = "name: one\ntitle: One\nnodes:\n  a: {role: client}\n  b: {role: client}\n"
REMOVE = Step("remove:volume:v", RemoveVolume("v"), "down")


def finding(verdict: Verdict, name: str = "A claim") -> Finding:
    return Finding(name, "http", "client", Judgement(verdict, "this", "that", ("first", "second")), 0.5)


def container(state: Any = "running", node: str = "a", **labels: str) -> ObservedContainer:
    whole = {"wirelab.lab": "one", "wirelab.scenario": "one", "wirelab.node": node, **labels}
    addresses = {"n": IPv4Address("192.168.7.10") if state == "running" else None}
    return ObservedContainer("0123456789abcdef", f"wirelab-one-{node}", state, "t1", 0, whole, addresses)


def places(observed: Snapshot) -> Topology:
    scenario = read_scenario(TEXT, file="f", read_companion=dict[str, str]().get).scenario
    return assign_addresses("one", scenario, observed, {})


def test_a_finding_that_holds_shows_what_proves_it() -> None:
    assert finding_text(finding("pass")) == dedent("""\
        pass    A claim
                  seen: that
                  evidence: first
                  evidence: second""")


def test_briefly_a_finding_that_holds_is_one_line_and_one_that_does_not_keeps_its_evidence() -> None:
    assert findings_text([finding("pass", "One")], briefly=True) == "pass    One"
    assert "evidence: first" in findings_text([finding("pass", "One")])
    for verdict in ("fail", "unknown"):
        text = findings_text([finding(verdict, "One")], briefly=True)
        assert "expected: this" in text
        assert "evidence: second" in text


class Stream(io.TextIOWrapper):
    """Standard output, as a terminal or as a pipe."""

    def __init__(self, encoding: str, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("encoding", "terminal", "environ", "mark"),
    [
        ("utf-8", True, {}, "\x1b[32m✓ pass   \x1b[0m"),
        ("utf-8", True, {"NO_COLOR": "1"}, "✓ pass   "),
        ("utf-8", True, {"TERM": "dumb"}, "✓ pass   "),
        ("ascii", True, {}, "\x1b[32mpass   \x1b[0m"),
        ("utf-8", False, {}, "pass   "),
    ],
)
def test_symbols_and_colour_are_for_a_terminal_that_can_show_them(
    encoding: str, terminal: bool, environ: dict[str, str], mark: str
) -> None:
    assert verdict_marks(Stream(encoding, terminal), environ)["pass"] == mark


@pytest.mark.parametrize(("verdict", "mark"), [("fail", "FAIL   "), ("unknown", "UNKNOWN")])
def test_a_finding_that_does_not_hold_shows_what_was_expected(verdict: Verdict, mark: str) -> None:
    assert finding_text(finding(verdict)).splitlines()[:3] == [
        f"{mark} A claim",
        "          expected: this",
        "          but seen: that",
    ]


def explained(name: str, sentence: str, actual: str = "db is stopped") -> Finding:
    away = Cause(sentence, "wirelab heal one")
    layers = (Layer("node", "a", "b", "fail", actual, (), (away,)), Layer("tcp", "a", "b", "fail", "no answer"))
    return replace(finding("fail", name), why=make_walk(layers, away))


def test_a_cause_of_several_checks_comes_first_with_one_walk_and_a_line_for_each_of_them() -> None:
    """What was seen in passing may differ: the broken layer and its cause make two causes the same."""
    found = [
        finding("pass", "Two"),
        explained("One", "It is away."),
        explained("Three", "It is away.", "db is no more"),
        explained("Four", "It is slow."),
    ]
    text = findings_text(found, briefly=True)
    assert text.count("BROKEN") == 2
    first, rest = text.split("\n\n")
    assert first.splitlines()[0] == "One cause explains 2 checks: It is away."
    assert first.splitlines()[-2:] == ["FAIL    One: that", "FAIL    Three: that"]
    assert first.count("It is away.") == 1
    assert rest.startswith("pass    Two\nFAIL    Four\n          expected: this\n")


def test_a_stopped_node_is_one_cause_whoever_wants_to_reach_it() -> None:
    """The sentences differ by who asks; what is broken does not."""
    found = [stopped("One", "client"), stopped("Two", "app")]
    text = findings_text(found, briefly=True)
    assert text.startswith("One cause explains 2 checks: dns is stopped, so client gets no answer.\n")
    assert text.count("BROKEN") == 1


def stopped(name: str, asker: str) -> Finding:
    cause = Cause(f"dns is stopped, so {asker} gets no answer.", "wirelab heal basic", what="dns is stopped")
    layer = Layer("node", asker, "db", "fail", "dns is stopped", causes=(cause,))
    return replace(finding("fail", name), why=make_walk([layer], cause))


def test_with_evidence_a_cause_comes_first_with_one_walk_and_the_evidence_of_its_checks() -> None:
    found = [
        finding("pass", "Two"),
        explained("One", "It is away."),
        explained("Three", "It is away.", "db is no more"),
    ]
    text = findings_text(found)
    assert text.startswith("One cause explains 2 checks: It is away.\n")
    assert text.count("BROKEN") == 1
    assert text.count("evidence: first") == 3
    assert text.index("FAIL    Three") < text.index("pass    Two")


def test_what_explains_one_check_alone_is_printed_under_it() -> None:
    found = [explained("One", "It is away."), explained("Two", "It is slow.")]
    assert "explains" not in findings_text(found, briefly=True)


def test_the_summary_counts_each_verdict() -> None:
    found = [finding("pass"), finding("fail"), finding("unknown"), finding("pass")]
    assert summary_text(found, 1.26) == "4 checks: 2 passed, 1 failed, 1 unknown in 1.3 s"
    assert summary_text([finding("fail")] * 2, 1) == "2 checks: 0 passed, 2 failed in 1.0 s"


def test_the_document_of_findings_has_one_verdict_on_all() -> None:
    document = findings_document("basic", "mine", [finding("pass"), finding("unknown")])
    assert (document["schema"], document["scenario"], document["lab"]) == (1, "basic", "mine")
    assert document["verdict"] == "unknown"
    assert [finding["verdict"] for finding in document["findings"]] == ["pass", "unknown"]


def test_a_plan_is_a_line_a_step_or_a_sentence() -> None:
    assert plan_text(Plan("one", (REMOVE, REMOVE))) == "remove:volume:v  (down)\nremove:volume:v  (down)"
    assert plan_text(Plan("one", ())) == "nothing to do: the lab 'one' is as its file declares"


def test_a_step_of_a_plan_is_followed_by_what_it_needs() -> None:
    """Beside it, or below it where the line would be longer than the terminal is wide."""
    short, long = replace(REMOVE, needs=("remove:a",)), replace(REMOVE, needs=tuple(f"remove:{i:05}" for i in range(6)))
    assert plan_text(Plan("one", (short,)), 46) == "remove:volume:v  (down)  needs: remove:a"
    assert plan_text(Plan("one", (long,)), 46) == (
        "remove:volume:v  (down)\n"
        "    needs: remove:00000, remove:00001,\n"
        "           remove:00002, remove:00003,\n"
        "           remove:00004, remove:00005"
    )


def test_progress_says_what_was_done_and_why_something_was_not() -> None:
    assert step_text(step_event(REMOVE, "done", 0.5)) == "    0.50s  ok       remove:volume:v"
    assert step_text(step_event(REMOVE, "failed", 12.5)) == "   12.50s  FAILED   remove:volume:v  (down)"
    assert step_text(step_event(REMOVE, "skipped", 1)) == "    1.00s  skipped  remove:volume:v  (down)"


def test_progress_is_silent_about_what_is_no_news() -> None:
    files = Step("files:a", WriteFiles("a", {}), "missing")
    assert step_text(step_event(REMOVE, "begun", 0)) == ""
    assert step_text(step_event(files, "done", 0)) == ""
    assert step_text(step_event(files, "failed", 0)) != ""
    assert step_text(step_event(Step("ready:a", AwaitReady("a", "dns:53", None), "dns:53"), "done", 0)).endswith(
        "ready:a"
    )


PROVED = ObservedFiles(record=ContainerRecord("0123456789abcdef", ready="t1"))


@pytest.mark.parametrize(
    ("seen", "files", "state"),
    [
        (None, ObservedFiles(), "missing"),
        (container("paused"), PROVED, "paused"),
        (container("exited"), PROVED, "stopped"),
        (container("created"), ObservedFiles(), "stopped"),
        (container(), ObservedFiles(), "starting"),
        (container(), ObservedFiles(record=ContainerRecord("another", ready="t1")), "starting"),
        (container(), ObservedFiles(record=ContainerRecord("0123456789abcdef", ready="t0")), "starting"),
        (container(), PROVED, "ready"),
    ],
)
def test_a_node_is_ready_only_if_this_very_start_was_proved(seen: Any, files: ObservedFiles, state: str) -> None:
    assert state_of(seen, files) == state


def test_nodes_as_document_and_table() -> None:
    """Every node of the file has a row, also one that has no container."""
    observed = Snapshot("/s", "r", {}, containers=(container(),), files={"a": PROVED})
    document = nodes_document(places(observed), observed)
    assert (document["schema"], document["lab"]) == (1, "one")
    assert document["nodes"][0] == {
        "node": "a",
        "role": "client",
        "container": "0123456789abcdef",
        "addresses": ["192.168.7.10"],
        "state": "ready",
        "out_of_memory": False,
        "exhausted": [],
    }
    assert nodes_text(document) == dedent("""\
        NODE  ROLE    STATE    ADDRESSES     CONTAINER
        a     client  ready    192.168.7.10  0123456789ab
        b     client  missing  -             -""")


def test_nodes_of_a_split_lab_have_a_member() -> None:
    observed = Snapshot("/s", "r", {}, split=Split(("big", "small"), "big", {"a": "big", "b": "small"}))
    assert nodes_text(nodes_document(places(observed), observed)) == dedent("""\
        NODE  ROLE    STATE    ADDRESSES  CONTAINER  MEMBER
        a     client  missing  -          -          big
        b     client  missing  -          -          small""")


def test_a_node_that_reached_the_limit_of_its_memory_says_so() -> None:
    """Also one that runs on: the kernel ended one of its programs."""
    observed = Snapshot("/s", "r", {}, containers=(replace(container(), out_of_memory=True),), files={"a": PROVED})
    assert "ready, out of memory" in nodes_text(nodes_document(places(observed), observed))


def test_a_resource_that_is_used_up_stands_beside_the_state_and_in_a_sentence() -> None:
    observed = Snapshot("/s", "r", {}, containers=(container(),), files={"a": PROVED})
    exhausted = {"a": (Exhausted("processes", 8, 8), Exhausted("disk", 512, 512, "/tmp"))}
    document = nodes_document(places(observed), observed, exhausted)
    first = {"resource": "processes", "used": 8, "limit": 8, "where": None}
    assert document["nodes"][0]["exhausted"][0] == first
    assert "ready, no process left (8 of 8), /tmp is full" in nodes_text(document)
    lines = exhausted_text(exhausted, Commands(places(observed))).splitlines()
    assert lines == [
        "The node a has no process left: 8 of 8 processes and threads run (limits: pids), "
        "and a shell can start no program",
        "  try: wirelab inject one stop a && wirelab heal one",
        "The disk of the node a is full: /tmp holds 512 KiB, and nothing is free",
        "  try: wirelab inject one stop a && wirelab heal one",
    ]


def test_a_table_has_no_blanks_at_its_end() -> None:
    assert table(("A", "LONG"), [("x", "y"), ("wide", "")]) == "A     LONG\nx     y\nwide"


def test_a_noun_agrees_with_its_number() -> None:
    """Where more than an s differs, both forms are given."""
    assert [counted(number, "check") for number in range(3)] == ["0 checks", "1 check", "2 checks"]
    assert [counted(number, "try", "tries") for number in (1, 2)] == ["1 try", "2 tries"]


def test_of_checks_that_were_told_already_one_common_cause_lists_none() -> None:
    """Where there are several reasons, each says which checks it explains."""
    broken = Layer("node", "a", "b", "fail", "b is stopped", causes=(Cause("b is stopped.", "up", (), "b is stopped"),))
    walk = make_walk([broken], Cause("", ""))
    two = [replace(finding("fail", name), why=walk) for name in ("One", "Two")]
    text = reasons_text(two, briefly=True)
    assert text.startswith("One cause explains 2 checks: b is stopped.\n")
    assert "FAIL" not in text
    assert "FAIL    One: that\nFAIL    Two: that" in reasons_text([*two, finding("fail", "Three")], briefly=True)
    assert "evidence: first" in reasons_text(two, briefly=False)
