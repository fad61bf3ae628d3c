"""Write the files about a run of checks: JUnit XML and the HTML report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid, WirelabError
from orchestrator.operations.output_file import replace_file

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lab.capture.window import CaptureWindow
    from orchestrator.lab.lab import Lab
    from orchestrator.model.checks import BaseCheck
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.rendering.check_report import CheckReport

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class ReportFiles:
    """The files to write about a run of checks. Raises UsageInvalid before the checks run if a folder is missing."""

    junit: Path | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        for file in filter(None, (self.junit, self.report)):
            if not file.parent.is_dir():
                why, hint = f"there is no folder {file.parent}", f"mkdir -p {shlex.quote(str(file.parent))}"
                raise UsageInvalid(f"{file} cannot be written", why=why, hint=hint)

    def __bool__(self) -> bool:
        return self.junit is not None or self.report is not None

    @property
    def images(self) -> tuple[str, ...]:
        """The images needed besides those of the lab: a report tells what crossed the wire."""
        return ("capture",) if self.report else ()


NO_FILES = ReportFiles()


@dataclass(frozen=True)
class ReportWriter:
    """Writes the files about one run of checks; `window` holds the packets of that time if a report is wanted."""

    scenario: LoadedScenario
    lab: Lab
    files: ReportFiles
    versions: Mapping[str, str]
    began: datetime
    window: CaptureWindow | None

    def write(self, checks: Sequence[BaseCheck], findings: Sequence[Finding]) -> tuple[Path, ...]:
        """Write the files, and return where they are."""
        if not self.files:
            return ()
        check_report = self._check_report(checks, findings)
        written = []
        if self.files.junit:
            from orchestrator.rendering.junit import junit

            written.append(replace_file(self.files.junit, (junit(check_report).encode(),)))
        if self.files.report and self.window:
            text = report_text(self.lab, check_report, self.window)
            written.append(replace_file(self.files.report, (text.encode(),)))
        return tuple(written)

    def _check_report(self, checks: Sequence[BaseCheck], findings: Sequence[Finding]) -> CheckReport:
        from orchestrator.rendering.check_report import CheckReport, locate_findings

        reading = self.scenario.reading
        scenario = reading.scenario
        return CheckReport(
            scenario.name,
            scenario.title,
            self.lab.name,
            self.scenario.file,
            locate_findings(scenario, checks, findings, reading.positions),
            self.began.strftime(TIME_FORMAT),
            (datetime.now(UTC) - self.began).total_seconds(),
            self.versions,
        )


@contextmanager
def report_writer(scenario: LoadedScenario, lab: Lab, files: ReportFiles) -> Iterator[ReportWriter]:
    """Record the traffic while the checks run, if a report is wanted; a recorder started for it is removed again."""
    named = versions(lab) if files else {}
    window = None
    if files.report:
        from orchestrator.lab.capture.window import CaptureWindow

        window = CaptureWindow.open(lab)
    try:
        yield ReportWriter(scenario, lab, files, named, datetime.now(UTC), window)
    finally:
        if window:
            window.close()


@contextmanager
def junit_on_error(scenario: LoadedScenario, lab_name: str, files: ReportFiles) -> Iterator[None]:
    """Write an error of the lab into the JUnit file: CI must not find nothing at all."""
    began = datetime.now(UTC)
    try:
        yield
    except WirelabError as error:
        if files.junit:
            from orchestrator.rendering.junit import junit

            replace_file(files.junit, (junit(_report_of_error(scenario, lab_name, error, began)).encode(),))
        raise


def _report_of_error(scenario: LoadedScenario, lab_name: str, error: WirelabError, began: datetime) -> CheckReport:
    """One finding: that nothing could be proved of the lab, with the error as what was seen."""
    from orchestrator import __version__
    from orchestrator.checks.findings import Finding, Judgement
    from orchestrator.reading.reading import Position
    from orchestrator.rendering.check_report import CheckReport, LocatedFinding

    declared = scenario.reading.scenario
    seconds = (datetime.now(UTC) - began).total_seconds()
    why = tuple(line for line in (error.why, error.hint and f"try: {error.hint}") if line)
    judgement = Judgement("unknown", "the lab stands and can be asked", error.what, why)
    finding = (LocatedFinding(Finding("The lab stands", "lab", "wirelab", judgement, seconds), Position(1, 1)),)
    at, versions = began.strftime(TIME_FORMAT), {"wirelab": __version__}
    return CheckReport(declared.name, declared.title, lab_name, scenario.file, finding, at, seconds, versions)


def versions(lab: Lab) -> dict[str, str]:
    """The versions of what takes part, by name."""
    from orchestrator import __version__

    return {"wirelab": __version__, "engine": lab.engine.version()}


def report_text(lab: Lab, check_report: CheckReport, window: CaptureWindow, failure: str = "") -> str:
    """The page on these findings, with the lab as it is now and the recorded traffic; `failure` is that of a test."""
    from orchestrator.operations.capture import seen_traffic
    from orchestrator.rendering import graph
    from orchestrator.rendering.nodes import node_states
    from orchestrator.rendering.report import Report, report_page
    from orchestrator.traffic.story import build_story

    observed = lab.observe()
    topology = lab.topology(observed)
    recorded = window.result(topology)
    picture = graph.make_picture(topology, node_states(topology, observed), seen_traffic(window, recorded))
    story = build_story(recorded.events, losses=recorded.losses) if recorded.missing == "" else None
    images = {f"image {name}": tag for name, tag in sorted(observed.images.items())}
    whole = replace(check_report, versions={**check_report.versions, **images})
    return report_page(Report(whole, picture, story, recorded.missing, failure))
