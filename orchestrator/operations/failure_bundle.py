"""Keep what is left of a lab in which a test failed: a folder for each test, with the report and the raw texts."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.operations.reports import TIME_FORMAT, report_text, versions

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lab.lab import Lab
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.rendering.check_report import CheckReport


@dataclass(frozen=True)
class FailureBundle:
    """Where the bundle is, empty where it could not be written, and a sentence that says so."""

    path: str
    sentence: str


def write_bundle(
    folder: Path, test: str, failure: str, lab: Lab, scenario: LoadedScenario, findings: Mapping[int, Finding]
) -> FailureBundle:
    """Write the bundle of a test. A bundle that cannot be written fails no test twice.

    `findings` are those that the tests of this lab had, by the place of their checks in the file.
    """
    place = folder / _folder_name(test)
    try:
        contents = _contents(test, failure, lab, scenario, findings)
        shutil.rmtree(place, ignore_errors=True)
        for name, content in contents.items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    except (WirelabError, OSError) as error:
        return FailureBundle("", f"nothing of the lab could be kept: {error}")
    path = os.path.relpath(place)
    return FailureBundle(path, f"what is left of the lab: {path}")


def _folder_name(test: str) -> str:
    """Readable, allowed everywhere, and another one for each test."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", test).strip("-.")[-80:]
    return f"{plain}-{zlib.crc32(test.encode()):08x}"


def _contents(
    test: str, failure: str, lab: Lab, scenario: LoadedScenario, findings: Mapping[int, Finding]
) -> dict[str, bytes]:
    from orchestrator.lab.bundle import bundle
    from orchestrator.lab.capture.window import CaptureWindow

    summary = f"{test}\n\n{failure}\n"
    page = report_text(lab, _check_report(lab, scenario, findings), CaptureWindow.of_running_capture(lab), summary)
    return {"report.html": page.encode(), "failure.txt": summary.encode(), **bundle(lab)}


def _check_report(lab: Lab, scenario: LoadedScenario, findings: Mapping[int, Finding]) -> CheckReport:
    from orchestrator.rendering.check_report import CheckReport, locate_findings

    declared = lab.scenario
    places = sorted(findings)
    dig_each_server = [findings[place] for place in places]
    return CheckReport(
        declared.name,
        declared.title,
        lab.name,
        scenario.file,
        locate_findings(
            declared, [declared.checks[place] for place in places], dig_each_server, scenario.reading.positions
        ),
        datetime.now(UTC).strftime(TIME_FORMAT),
        sum(finding.seconds for finding in dig_each_server),
        versions(lab),
    )
