"""`up` says of an engine that does not hold nodes to their limits, when it makes nodes there, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from lab_in_memory import SEED, TEXT, InMemoryWorkspace, LabHost
from small_engine import Answers, served

from orchestrator.cli.lab_commands import say_up
from orchestrator.operations.lifecycle import UpOptions, UpResult, bring_up_in_run
from orchestrator.operations.scenario_library import LoadedScenario
from orchestrator.reading.scenario import read_scenario

pytestmark = pytest.mark.slow
LIMITS: dict[str, object] = {"MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True, "CgroupVersion": "2"}


class Limiting(Answers):
    """An engine that says which limits it sets."""

    limits: ClassVar[dict[str, object]] = LIMITS

    def do_GET(self) -> None:
        if not self.pinged():
            self.whole(self.limits)


class WithoutMemory(Limiting):
    limits: ClassVar[dict[str, object]] = {**LIMITS, "MemoryLimit": False}


class Rootless(Limiting):
    """As Podman says it: it has all limits, and its user has no control groups."""

    limits: ClassVar[dict[str, object]] = {**LIMITS, "CgroupVersion": "1", "SecurityOptions": ["name=rootless"]}


def brought_up(lab_host: LabHost, url: str, folder: Path, member: str = "") -> UpResult:
    reading = read_scenario(TEXT, file="shop.yaml", read_companion=SEED.get)
    scenario = LoadedScenario(folder / "shop.yaml", "shop.yaml", reading, TEXT, "shop")
    workspace = InMemoryWorkspace(lab_host.state, url, lab_host.engine, member=member)
    return bring_up_in_run(workspace, scenario, "shop", UpOptions(ready_seconds=0.2), "run1")


@pytest.mark.parametrize(
    ("answers", "unlimited"),
    [(Limiting, ()), (WithoutMemory, ("memory",)), (Rootless, ("memory", "CPU", "processes"))],
)
def test_an_engine_without_limits_is_named_once(
    lab_host: LabHost,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answers: type[Limiting],
    unlimited: tuple[str, ...],
) -> None:
    with served(tmp_path / "engine.sock", answers) as url:
        first, again = (brought_up(lab_host, url, tmp_path) for _ in range(2))
    assert (first.unlimited, again.unlimited) == (unlimited, ())
    say_up(first)
    note = (
        f"note: the engine sets no limit on {', '.join(unlimited)}: a node may use all that its machine has\n"
        "      details: wirelab doctor\n"
    )
    said = capsys.readouterr().err
    assert (note in said) is bool(unlimited)
    assert ("no limit" in said) is bool(unlimited)


def test_a_member_without_limits_is_named(
    lab_host: LabHost, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.operations.members.images.send_author_images", lambda *_words: None)
    with served(tmp_path / "engine.sock", WithoutMemory) as url:
        say_up(brought_up(lab_host, url, tmp_path, "big"))
    said = capsys.readouterr().err
    assert "note: the member 'big' sets no limit on memory: a node may use all that its machine has" in said
    assert "details: wirelab members doctor big" in said


def test_an_engine_that_does_not_tell_spoils_no_lab(lab_host: LabHost, tmp_path: Path) -> None:
    assert brought_up(lab_host, f"unix://{tmp_path}/nobody", tmp_path).unlimited == ()
