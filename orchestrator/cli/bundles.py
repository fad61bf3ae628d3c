"""Keeps what is left of a lab in which a test failed: for each test a folder, with the report and the raw texts."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lab.lab import Lab
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.rendering.check_results import Proof


def keep(folder: Path, test: str, failure: str, lab: Lab, loaded: LoadedScenario, found: Mapping[int, Finding]) -> str:
    """Write the bundle of a test and say where it is. A bundle that cannot be written fails no test twice.

    `found` are the findings that the tests of this lab had, by the place of their checks in the file.
    """
    place = folder / _folder_name(test)
    try:
        shutil.rmtree(place, ignore_errors=True)
        for name, content in _contents(test, failure, lab, loaded, found).items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    except (WirelabError, OSError) as error:
        return f"nothing of the lab could be kept: {error}"
    return f"what is left of the lab: {os.path.relpath(place)}"


def _folder_name(test: str) -> str:
    """Readable, allowed everywhere, and another one for each test."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", test).strip("-.")[-80:]
    return f"{plain}-{zlib.crc32(test.encode()):08x}"


def _contents(
    test: str, failure: str, lab: Lab, loaded: LoadedScenario, found: Mapping[int, Finding]
) -> dict[str, bytes]:
    from orchestrator.cli.reports import report_text
    from orchestrator.lab.bundle import bundle
    from orchestrator.lab.capture.window import CaptureWindow

    said = f"{test}\n\n{failure}\n"
    page = report_text(lab, _proof(lab, loaded, found), CaptureWindow.of_running_capture(lab), said)
    return {"report.html": page.encode(), "failure.txt": said.encode(), **bundle(lab)}


def _proof(lab: Lab, loaded: LoadedScenario, found: Mapping[int, Finding]) -> Proof:
    from orchestrator.cli.reports import MOMENT, versions
    from orchestrator.rendering.check_results import Proof, placed

    scenario = lab.scenario
    places = sorted(found)
    findings = [found[place] for place in places]
    return Proof(
        scenario.name,
        scenario.title,
        lab.name,
        loaded.file,
        placed(scenario, [scenario.checks[place] for place in places], findings, loaded.reading.positions),
        datetime.now(UTC).strftime(MOMENT),
        sum(finding.seconds for finding in findings),
        versions(lab),
    )
