"""`make clean` removes everything that wirelab keeps in its state folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.host.members.registry import FILE as MEMBERS
from orchestrator.operations.compiled_scenarios import FOLDER

ROOT = Path(__file__).resolve().parents[2]
BELOW_STATE = re.compile(r'\bstate\.root / "([a-z.-]+)"')
CLEANED = re.compile(r"^for part in (.*); do$", re.MULTILINE)


def kept_in_state() -> set[str]:
    """What the code keeps below the state folder, by the first part of its path."""
    sources = [path.read_text("utf-8") for path in (ROOT / "orchestrator").rglob("*.py")]
    below = {name for source in sources for name in BELOW_STATE.findall(source)}
    state = (ROOT / "orchestrator" / "host" / "state_folder.py").read_text("utf-8")
    return below | {FOLDER, MEMBERS, f"{MEMBERS}.lock"} | set(re.findall(r'self\.root / "([a-z.-]+)"', state))


@pytest.mark.slow
def test_every_part_of_the_state_folder_is_cleaned() -> None:
    match = CLEANED.search((ROOT / "setup" / "clean").read_text("utf-8"))
    assert match
    assert kept_in_state() >= {"engine", "labs", "journals", "lessons", "runs"}  # or else nothing is compared
    assert kept_in_state() - set(match[1].split()) == set()
