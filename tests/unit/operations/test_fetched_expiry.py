"""What was fetched does not stay for ever, and a lab that stands keeps what it was made from."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.source import LabSource, keep_source
from orchestrator.operations.remote_scenarios import expiry
from orchestrator.operations.remote_scenarios.address import parse_address
from orchestrator.operations.remote_scenarios.expiry import LEAST_SECONDS, MOST_DAYS, expire, mark_used
from orchestrator.operations.remote_scenarios.fetch import obtain_scenario

pytestmark = pytest.mark.slow
DAY = 86400.0
TEXT = "name: small\ntitle: One machine\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def put(state: StateFolder, pin: str, days: float, size: int = 100) -> Path:
    """A scenario that was fetched, and used last so many days ago."""
    folder = state.root / "fetched" / pin
    (folder / "tree" / "lab").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "tree" / "lab" / "scenario.yaml").write_bytes(bytes(size))
    used_at = time.time() - days * DAY
    os.utime(folder, (used_at, used_at))
    return folder


def left(state: StateFolder) -> list[str]:
    return sorted(path.name for path in (state.root / "fetched").iterdir())


def test_what_nobody_has_used_for_long_goes(state: StateFolder) -> None:
    put(state, "old", MOST_DAYS + 1)
    put(state, "young", MOST_DAYS - 1)
    expire(state, state.root / "fetched")
    assert left(state) == ["young"]


def test_what_was_used_longest_ago_goes_until_the_rest_fits(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "MOST_BYTES", 2500)
    for days, pin in enumerate(("first", "second", "third", "fourth"), start=1):
        put(state, pin, days, 1000)
    mark_used(state.root / "fetched" / "fourth")
    expire(state, state.root / "fetched")
    assert left(state) == ["first", "fourth"]


def test_what_fits_stays(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "MOST_BYTES", 2500)
    for days, pin in enumerate(("first", "second"), start=1):
        put(state, pin, days, 1000)
    assert expire(state, state.root / "fetched") == []
    assert left(state) == ["first", "second"]


def test_what_a_lab_was_made_from_and_what_was_just_found_stay(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "MOST_BYTES", 0)
    file = put(state, "of-a-lab", MOST_DAYS + 1) / "tree" / "lab" / "scenario.yaml"
    put(state, "found", (LEAST_SECONDS - 60) / DAY)
    put(state, "before", (LEAST_SECONDS + 60) / DAY)
    keep_source(state, "small", LabSource("small", str(file), TEXT, {}), time.time())
    expire(state, state.root / "fetched")
    assert left(state) == ["found", "of-a-lab"]


def test_the_next_address_that_is_fetched_removes_what_is_old(state: StateFolder, tmp_path: Path) -> None:
    """And marks itself as used, also where it is found again."""
    import tarfile

    (tmp_path / "scenario.yaml").write_text(TEXT)
    with tarfile.open(tmp_path / "small.tar", "w") as tar:
        tar.add(tmp_path / "scenario.yaml", "small/scenario.yaml")
    url = f"file://{tmp_path}/small.tar"
    put(state, "old", MOST_DAYS + 1)
    lines: list[str] = []
    pins: list[str] = []
    obtain_scenario(state, parse_address(url, None), None, None, lambda found: pins.append(found.pin), lines.append)
    assert left(state) == pins
    long_ago = time.time() - (MOST_DAYS + 1) * DAY
    os.utime(state.root / "fetched" / pins[0], (long_ago, long_ago))
    address = parse_address(url, pins[0].replace("-", ":"))
    obtain_scenario(state, address, None, None, lambda _found: None, lines.append)
    assert left(state) == pins
    assert "was fetched before" in lines[-1]
