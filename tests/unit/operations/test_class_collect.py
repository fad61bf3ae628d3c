"""A folder of results: what learners' machines wrote is right, and no file in it can stop the others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from doc_pages import ROOT

from orchestrator.errors import UsageInvalid
from orchestrator.lessons.progress import Progress
from orchestrator.lessons.sealed_result import MOST_BYTES
from orchestrator.lessons.seat_code import parse_seat_code
from orchestrator.operations.classroom.collect import collect, write_results
from orchestrator.operations.classroom.folder import new_class
from orchestrator.operations.lessons.result import result_file
from orchestrator.operations.scenario_library import load_scenario

SCENARIO = ROOT / "scenarios" / "basic" / "scenario.yaml"
CLASS = new_class("monday", SCENARIO).with_seats(2)


def write_result(folder: Path, seat: int) -> Path:
    """What the machine of a learner writes at the beginning."""
    code = parse_seat_code(CLASS.seats[seat].code)
    result = result_file(folder, code, load_scenario(str(SCENARIO)), "0.2.0")
    result.write(Progress("basic", code.seed, code.seat_name))
    return result.file


@pytest.mark.slow
def test_each_file_is_judged_whatever_the_others_are(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "in" / "out"
    (folder / "anna").mkdir(parents=True)
    right = write_result(folder / "anna", 0)
    changed = write_result(folder, 1)
    changed.write_text(changed.read_text("utf-8").replace('"tasks": {}', '"tasks": {"x": {}}'), "utf-8")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(right)
    (folder / "large").write_bytes(b" " * (MOST_BYTES + 1))
    (folder / "cut").write_bytes(right.read_bytes()[:200])
    (folder / ".hidden").write_bytes(b"x")
    write_results(output, {"results.csv": "x"})
    collection = collect(folder, CLASS, output)
    assert [(judged.file, judged.verdict) for judged in collection.files] == [
        ("cut", "unreadable"),
        ("large", "unreadable"),
        ("link", "unreadable"),
        ("monday-seat02-basic.json", "altered"),
        ("pipe", "unreadable"),
        ("anna/monday-seat01-basic.json", "right"),
    ]
    assert collection.missing == ("seat02",)
    assert [task.state for task in collection.files[-1].tasks][:2] == ["now", "later"]
    assert (output / "results.csv").read_text("utf-8") == "x"


def test_what_is_no_folder_of_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid, match="there is no file"):
        collect(tmp_path, CLASS, tmp_path / "out")
    with pytest.raises(UsageInvalid, match="is no folder"):
        collect(tmp_path / "missing", CLASS, tmp_path / "out")
    without = replace(CLASS, seats=(replace(CLASS.seats[0], code=""),))
    with pytest.raises(UsageInvalid, match="no codes were handed out"):
        collect(tmp_path, without, tmp_path / "out")
