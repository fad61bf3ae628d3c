"""Makes the recordings of walks again: each breakage of `breakages.py` in a real lab, and what was answered.

python tests/recordings/walks/record.py: needs an engine (DOCKER_HOST), whose networks leave the lab's range free, and
the folder of its labs (WIRELAB_STATE).
"""

# ruff: noqa: E402 (pytest would know where the modules lie that the tests share)
from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

import docker
from breakages import BREAKAGES, PAIRS, Breakage, Broken, named, trust
from lab_bench import Engine
from walks import answer_document, places, probe_key

from orchestrator.checks.findings import Finding
from orchestrator.checks.probes import Probe, ProbeResult
from orchestrator.cli.workspace import open_workspace
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.check_runner import CheckRunner
from orchestrator.lab.diagnosis_runner import DiagnosisRunner
from orchestrator.lab.judging import probe_targets
from orchestrator.lab.lab import Lab
from orchestrator.lab.probe_runner import ProbeRunner
from orchestrator.operations.scenario_library import load_scenario


def main() -> None:
    url = os.environ["DOCKER_HOST"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    client = docker.DockerClient(base_url=url, version="auto")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "scenario.yaml", folder)
        shutil.copy(ROOT / "scenarios/basic/seed.sql", folder)
        lab = Broken(Engine(url, client, environ), "layers", folder)
        lab.up()
        try:
            trust(lab)
            record_all(lab, folder)
        finally:
            lab.cli("down")


def record_all(lab: Broken, folder: str) -> None:
    record(lab, folder, "nothing broken", "the items", ())
    for breakage in BREAKAGES:
        record(lab, folder, breakage.name, breakage.check, (breakage,))
    for first, second, check in PAIRS:
        record(lab, folder, f"{first}, {second}", check, (named(first), named(second)))


def record(lab: Broken, folder: str, name: str, check: str, broken: Sequence[Breakage]) -> None:
    for one in broken:
        one.put(lab)
    try:
        document = recorded(folder, check)
    finally:
        for one in reversed(broken):
            one.mend(lab)
    file = name.replace("'", "").replace(", ", "+").replace(" ", "-")
    (HERE / f"{file}.json").write_text(json.dumps(document, indent=1) + "\n")
    print(name)


def recorded(folder: str, name: str) -> dict[str, Any]:
    """One check, judged once and explained, with every answer that its walk was given."""
    answers: list[dict[str, Any]] = []
    workspace = open_workspace(start=False)
    with workspace.guard() as run:
        lab: Lab = workspace.lab(load_scenario(folder), "layers", run=run)
        observed = lab.observe()
        topology = lab.topology(observed)
        assert topology.attachments == places().attachments, "the lab's range is taken: end the lab that has it"
        asker = ProbeRunner(lab.engine, probe_targets(topology, observed))

        def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
            found = asker.answer(probes)
            answers.extend(
                {"asked": probe_key(q), "told": answer_document(a)} for q, a in zip(probes, found, strict=True)
            )
            return found

        checks = [check for check in lab.scenario.checks if check.name == name]
        findings = CheckRunner(topology, asker.start, lambda _finding: None).check(checks)
        DiagnosisRunner(Commands(topology), run_probes).explain(checks, findings, include_passed=True)
        asker.close()
    return {**document(findings[0]), "answers": answers}


def document(finding: Finding) -> dict[str, Any]:
    judgement = finding.judgement
    return {
        "check": finding.check,
        "kind": finding.kind,
        "from": finding.asker,
        "judgement": {
            "verdict": judgement.verdict,
            "expected": judgement.expected,
            "actual": judgement.actual,
            "evidence": list(judgement.evidence),
        },
    }


if __name__ == "__main__":
    main()
