"""The commands of a class without an engine: what is refused, and what is printed of a class that nobody serves."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT

from orchestrator.errors import INVALID, OK, WORLD
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.classroom.folder import ClassStore, new_class

RUN_EACH = """
import sys
from orchestrator.cli.main import main
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as ended:
        print(f"[{ended.code}]", flush=True)
"""
LICENSE = ROOT / "LICENSE"
REFUSED = {
    "class status friday": "error: there is no class 'friday'\nwhy:   the classes are monday\n"
    "try:   wirelab class start friday --seats 12\n",
    "class start friday": "error: how many seats?\ntry:   wirelab class start friday --seats 12\n",
    "class start Friday --seats 2": "error: 'Friday' is no name for a class\n"
    "why:   it is 1 to 31 of the letters a-z, the digits and '-', and neither begins nor ends with '-'\n"
    "try:   wirelab class start monday --seats 12\n",
    "class start monday --seats 1": "error: the class 'monday' has 2 seats, and keeps them\n"
    "try:   wirelab class stop monday --forget, to begin another class\n",
    "class start monday --scenario ports": "error: the class 'monday' has another scenario\nwhy:   it has basic\n"
    "try:   wirelab class stop monday --forget, to begin another class\n",
    "class start monday --address 10.0.0.5": "error: --address needs --lan\n"
    "why:   without it the class is served on this machine alone\n",
    "class start monday --lan --cert none.pem --key none.key": f"error: {ROOT / 'none.pem'} cannot be read\n"
    "why:   No such file or directory\n",
    f"class start monday --lan --cert {LICENSE} --key {LICENSE}": f"error: {LICENSE} holds no certificate\n"
    "why:   it has no part from BEGIN CERTIFICATE to END CERTIFICATE that can be read\n"
    "try:   --cert takes a file in the PEM format\n",
    "class hint monday hello": "error: the class 'monday' is not served\nwhy:   its server makes this change\n"
    "try:   wirelab class start monday\n",
}


def run_each(state: Path, *lines: str) -> tuple[str, str]:
    """What the commands print, on standard output with their exit codes, and on standard error."""
    environ = {**os.environ, "WIRELAB_STATE": str(state)}
    argv = (sys.executable, "-c", RUN_EACH, *lines)
    ran = subprocess.run(argv, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout, ran.stderr


@pytest.mark.slow
def test_what_a_class_cannot_do_is_said_before_anything_is_made(tmp_path: Path) -> None:
    store = ClassStore(StateFolder(tmp_path))
    store.save(new_class("monday", ROOT / "scenarios" / "basic" / "scenario.yaml").with_seats(2))
    assert run_each(tmp_path, *REFUSED) == (f"[{INVALID}]\n" * len(REFUSED), "".join(REFUSED.values()))


@pytest.mark.slow
def test_the_board_and_the_results_are_there_without_a_server(tmp_path: Path) -> None:
    store = ClassStore(StateFolder(tmp_path))
    classroom = new_class("monday", ROOT / "scenarios" / "basic" / "scenario.yaml").with_seats(1)
    store.save(classroom)
    out, _ = run_each(tmp_path, "class status", "class status monday", "class export monday", "class links monday")
    assert out.startswith(f"monday\n[{OK}]\nclass monday: basic, 1 seat, not served\n\nSEAT")
    assert "monday,basic,seat01,look-up,later,0,0,no\n" in out
    assert f"seat01  http://127.0.0.1:0/?launch={classroom.seats[0].token}\n[{OK}]" in out


@pytest.mark.slow
def test_codes_are_handed_out_and_results_collected(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "notes.txt").write_text("no result", "utf-8")
    make = f"class codes monday --seats 2 --scenario {ROOT / 'scenarios' / 'basic'}"
    take = f"class collect {folder} --class monday --output {tmp_path / 'out'}"
    out, err = run_each(tmp_path / "state", make, "class codes monday", take, "learn basic --seat monday-seat01")
    made = [line for line in out.splitlines() if line.startswith("seat")]
    assert made[:2] == made[2:]
    assert made[1].startswith("seat02  monday-seat02-")
    assert f"notes.txt: it is no JSON (line 1, column 1)\n\nno result of: seat01, seat02\n[{WORLD}]\n" in out
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["results.csv", "results.html", "results.json"]
    assert "error: that is no code of a seat\n" in err
    kept = tmp_path / "state" / "classes" / "monday" / "class.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
