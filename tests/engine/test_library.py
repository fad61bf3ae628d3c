"""Every scenario of the library holds; broken as its broken.yaml says, the named checks say why, and it heals whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import library
import pytest
from lab_bench import Bench, Engine

from orchestrator.checks.findings import Finding
from orchestrator.cli.workspace import open_workspace
from orchestrator.engine.podman.engine import PodmanEngine
from orchestrator.errors import WORLD
from orchestrator.lab import faults as breaking
from orchestrator.lab.lab import Lab
from orchestrator.model.checks import BaseCheck

pytestmark = [pytest.mark.truth, pytest.mark.engines, pytest.mark.waits]


@pytest.fixture
def bench(engine: Engine, name: str) -> Iterator[Bench]:
    """A lab of the library's scenario, taken down afterwards; nothing of it may be left."""
    one = Bench(engine, f"l{secrets.token_hex(4)}", str(library.SCENARIOS / name), seconds=180)
    yield one
    ran = one.cli("down")
    assert ran.code == 0, ran.err
    assert one.left() == []
    assert not one.folder.exists()


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", library.NAMES)
def test_a_scenario_holds_breaks_and_heals(bench: Bench, name: str, pytestconfig: pytest.Config) -> None:
    """Each breakage turns red the checks that it names, and no other, for its reason; it heals.

    That `run` is green is what test_scenario_pages.py sees, too: it begins each page with it.
    With --full a check that must fail is tried again until its own deadline, and then walked through its layers.
    """
    full = bool(pytestconfig.getoption("full"))
    ran = bench.cli("run" if full else "up", "--json")
    if ran.code == WORLD and "skipped: " in ran.err and "isolates IPv6" in ran.err:
        pytest.skip("the engine does not isolate IPv6")
    assert ran.code == 0, ran.out + ran.err
    loaded = library.loaded(name)
    workspace = open_workspace(start=False)
    try:
        with workspace.guard() as run:
            lab = workspace.lab(loaded, bench.lab, run=run)
            told = [line for breakage in library.breakages(name) for line in _broken_and_healed(lab, breakage, full)]
            told += _not_green(lab, library.calm(lab.scenario), "at the end")
    finally:
        workspace.engine.close()
    assert not told, "\n".join(told)


def _broken_and_healed(lab: Lab, breakage: library.Breakage, full: bool) -> list[str]:
    """What was not as the breakage says, and what was not green, or not as before, once it was healed.

    What had stayed green is not asked at once: the next breakage asks it, or the end, and each of its waits is real.
    """
    before = lab.topology(lab.observe()).attachments
    findings = [
        finding for finding in _judged_broken(lab, breakage, full) if not _proves_more(lab.engine, breakage, finding)
    ]
    told = breakage.surprises(tuple(findings))
    lab.up(healed=[fault.id for fault in lab.faults()])
    checks = [check for check in library.calm(lab.scenario) if full or breakage.wanted(check.name)[0] != "pass"]
    told += _not_green(lab, checks, f"after healing {breakage.name}")
    if lab.topology(lab.observe()).attachments != before or lab.plan():
        told.append(f"after healing {breakage.name} the lab is not what it was: {lab.plan()}")
    return told


def _proves_more(engine: object, breakage: library.Breakage, finding: Finding) -> bool:
    """Podman gives a node on a closed network no route at all, which proves what silence does not."""
    no_route = finding.verdict == "pass" and "Network is unreachable" in finding.judgement.actual
    return no_route and breakage.wanted(finding.check)[0] == "unknown" and isinstance(engine, PodmanEngine)


def _not_green(lab: Lab, checks: list[BaseCheck], when: str) -> list[str]:
    findings = [finding for finding in breaking.check(lab, checks) if finding.verdict != "pass"]
    return [f"{when}: {finding.check}: {finding.verdict}, {finding.judgement.actual!r}" for finding in findings]


def _judged_broken(lab: Lab, breakage: library.Breakage, full: bool) -> tuple[Finding, ...]:
    if breakage.instead:
        reading = library.changed(lab.scenario.name, breakage.instead)
        lab = replace(lab, scenario=reading.scenario, texts=reading.texts)
        lab.up()
    for fault in breakage.all_faults:
        breaking.inject(lab, fault)
    checks = library.calm(lab.scenario)
    if full:
        return lab.judge(checks)
    return lab.judge([breakage.hurried(check) for check in checks], walks="none")
