"""The list of labs: the same values as JSON, as a table of 80 columns, and below each other on a narrow terminal."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest

from orchestrator.rendering.labs import LabSummary, LastCheck, labs_document, labs_text

NOW = 1_000_000.0
CHECK = LastCheck(NOW - 300, ("pass", "pass", "fail"))
OWN = LabSummary("second", "basic", 4, 3, "ann", "run-1", NOW - 7500, "/home/ann/basic/scenario.yaml", 2, CHECK)
FOREIGN = LabSummary("theirs", "proxy", 5, 5, None, "other-1", NOW - 5)


def test_each_lab_is_told_with_its_owner_age_faults_and_last_check() -> None:
    text = labs_text(labs_document([OWN, FOREIGN]), NOW, 80)
    assert text == dedent("""\
        LAB     SCENARIO  RUNNING  AGE    OWNER    FAULTS  LAST CHECK
        second  basic     3 of 4   2h 5m  ann      2       fail, 5m ago
        theirs  proxy     5 of 5   5s     another  -       -""")


def test_a_terminal_of_40_columns_shows_the_same_below_each_other() -> None:
    text = labs_text(labs_document([OWN, FOREIGN]), NOW, 40)
    assert max(map(len, text.splitlines())) <= 40
    assert text.startswith(
        dedent("""\
        second
          scenario    basic
          running     3 of 4
          age         2h 5m
          owner       ann
          faults      2
          last check  fail, 5m ago

        theirs
          scenario    proxy
        """)
    )


def test_the_document_has_the_same_values() -> None:
    document = labs_document([OWN, FOREIGN])
    assert document["labs"][0] == {
        "lab": "second",
        "scenario": "basic",
        "file": "/home/ann/basic/scenario.yaml",
        "nodes": 4,
        "running": 3,
        "owner": "ann",
        "member": None,
        "run": "run-1",
        "made": NOW - 7500,
        "faults": 2,
        "check": {"verdict": "fail", "pass": 2, "fail": 1, "unknown": 0, "at": NOW - 300},
        "ends": None,
        "timer": False,
    }
    assert document["labs"][1] | {"run": ""} == {
        "lab": "theirs", "scenario": "proxy", "file": None, "nodes": 5, "running": 5, "owner": None, "run": "",
        "member": None, "made": NOW - 5, "faults": 0, "check": None, "ends": None, "timer": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "has_timer", "text", "hint"),
    [
        (NOW + 6000, True, "in 1h 40m", ""),
        (NOW + 6000, False, "in 1h 40m", "nothing waits for the end of the lab 'second'; to start its timer again: "
         "wirelab up second"),
        (NOW - 60, True, "1m ago", ""),
        (NOW - 60, False, "1m ago", "the time of the lab 'second' is over; remove it: wirelab sweep"),
    ],
)  # fmt: skip
def test_the_end_of_a_lab_is_told_and_what_to_do_where_nobody_waits_for_it(
    ends: float, has_timer: bool, text: str, hint: str
) -> None:
    ending = replace(OWN, ends=ends, has_timer=has_timer)
    lines = labs_text(labs_document([ending, FOREIGN]), NOW, 80).splitlines()
    assert lines[0].endswith("LAST CHECK    ENDS")
    assert (lines[1].endswith(f"fail, 5m ago  {text}"), lines[2].endswith("  -")) == (True, True)
    assert lines[3:] == (["", hint] if hint else [])


def test_no_lab_is_told_in_words() -> None:
    assert labs_text(labs_document([]), NOW, 40) == "no lab is up"


def test_the_member_of_each_lab_is_shown_where_there_are_members() -> None:
    text = labs_text(labs_document([replace(OWN, member="big"), FOREIGN]), NOW, 80, has_members=True)
    assert [line.split()[-1] for line in text.splitlines()] == ["MEMBER", "big", "-"]
    assert labs_document([replace(OWN, member="big")])["labs"][0]["member"] == "big"
