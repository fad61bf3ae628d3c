"""What `check` and `run` write besides what they print: JUnit XML and the report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.console import say
from orchestrator.errors import UsageInvalid, WirelabError

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding
    from orchestrator.lab.capture.window import CaptureWindow
    from orchestrator.lab.lab import Lab
    from orchestrator.model.checks import BaseCheck
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.rendering.check_results import Proof

MOMENT = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class Wanted:
    """The files that a command was told to write."""

    junit: Path | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        """A folder that is not there is told before the checks run, not after."""
        for file in filter(None, (self.junit, self.report)):
            if not file.parent.is_dir():
                raise UsageInvalid(f"{file} cannot be written", why=f"there is no folder {file.parent}")

    def __bool__(self) -> bool:
        return self.junit is not None or self.report is not None

    @property
    def images(self) -> tuple[str, ...]:
        """The images that writing them needs besides those of the lab: a report tells what crossed the wire."""
        return ("capture",) if self.report else ()


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--junit FILE and --report FILE, as `wanted`."""
    file = click.Path(dir_okay=False, path_type=Path)

    def with_wanted(*arguments: Any, junit: Path | None, report: Path | None, **more: Any) -> Any:
        return command(*arguments, wanted=Wanted(junit, report), **more)

    with_wanted.__doc__ = command.__doc__
    with_wanted.__name__ = command.__name__
    junit = click.option("--junit", type=file, metavar="FILE", help="Write the findings as JUnit XML, for CI.")
    report = click.option("--report", type=file, metavar="FILE", help="Write a report as one HTML page.")
    return junit(report(with_wanted))


@dataclass(frozen=True)
class Reporting:
    """One run of checks while somebody listens, if a report is wanted."""

    loaded: LoadedScenario
    lab: Lab
    wanted: Wanted
    versions: Mapping[str, str]
    began: datetime
    window: CaptureWindow | None

    def write(self, checks: Sequence[BaseCheck], findings: Sequence[Finding]) -> None:
        """Write what is wanted, and say where it is."""
        if not self.wanted:
            return
        proof = self._proof(checks, findings)
        if self.wanted.junit:
            from orchestrator.rendering.junit import junit

            written(self.wanted.junit, junit(proof))
        if self.wanted.report and self.window:
            written(self.wanted.report, report_text(self.lab, proof, self.window))

    def _proof(self, checks: Sequence[BaseCheck], findings: Sequence[Finding]) -> Proof:
        from orchestrator.rendering.check_results import Proof, placed

        reading = self.loaded.reading
        scenario = reading.scenario
        return Proof(
            scenario.name,
            scenario.title,
            self.lab.name,
            self.loaded.file,
            placed(scenario, checks, findings, reading.positions),
            self.began.strftime(MOMENT),
            (datetime.now(UTC) - self.began).total_seconds(),
            self.versions,
        )


@contextmanager
def reporting(loaded: LoadedScenario, lab: Lab, wanted: Wanted) -> Iterator[Reporting]:
    """Listen while the checks run, if a report is wanted; a recorder that was started for it is removed again."""
    named = versions(lab) if wanted else {}
    window = None
    if wanted.report:
        from orchestrator.lab.capture.window import CaptureWindow

        window = CaptureWindow.open(lab)
    try:
        yield Reporting(loaded, lab, wanted, named, datetime.now(UTC), window)
    finally:
        if window:
            window.close()


@contextmanager
def failure_told(loaded: LoadedScenario, lab: str, wanted: Wanted) -> Iterator[None]:
    """A lab that does not stand, or cannot be asked, is an error in the JUnit file: CI must not find nothing at all."""
    began = datetime.now(UTC)
    try:
        yield
    except WirelabError as error:
        if wanted.junit:
            from orchestrator.rendering.junit import junit

            written(wanted.junit, junit(_unproved(loaded, lab, error, began)))
        raise


def _unproved(loaded: LoadedScenario, lab: str, error: WirelabError, began: datetime) -> Proof:
    """One finding: that the lab could not be proved, with the error as what was seen."""
    from orchestrator import __version__
    from orchestrator.checks.findings import Finding, Judgement
    from orchestrator.reading.document import Position
    from orchestrator.rendering.check_results import Placed, Proof

    scenario = loaded.reading.scenario
    seconds = (datetime.now(UTC) - began).total_seconds()
    why = tuple(line for line in (error.why, error.hint and f"try: {error.hint}") if line)
    judgement = Judgement("unknown", "the lab stands and can be asked", error.what, why)
    found = (Placed(Finding("The lab stands", "lab", "wirelab", judgement, seconds), Position(1, 1)),)
    at = began.strftime(MOMENT)
    return Proof(scenario.name, scenario.title, lab, loaded.file, found, at, seconds, {"wirelab": __version__})


def versions(lab: Lab) -> dict[str, str]:
    """What takes part, by name."""
    from orchestrator import __version__

    return {"wirelab": __version__, "engine": lab.engine.version()}


def report_text(lab: Lab, proof: Proof, window: CaptureWindow, failure: str = "") -> str:
    """The page on these findings, with the lab as it is now and the recorded traffic; `failure` is that of a test."""
    from orchestrator.cli.graph import states
    from orchestrator.host.graph_layout import lay_out
    from orchestrator.rendering import graph
    from orchestrator.rendering import graph_svg as drawing
    from orchestrator.rendering.report import Report, report_page
    from orchestrator.traffic.roles import traffic_roles
    from orchestrator.traffic.story import build_story

    observed = lab.observe()
    topology = lab.topology(observed)
    result = window.result(topology)
    traffic = traffic_roles(result.events) if result.missing == "" else None
    picture = graph.picture(topology, states(topology, observed), traffic)
    drawn, no_drawing = "", ""
    try:
        drawn = drawing.svg(picture, lay_out(drawing.layout_text(picture)))
    except WirelabError as error:
        no_drawing = f"{error.what} ({error.why}); {error.hint}"
    told = build_story(result.events, losses=result.losses) if result.missing == "" else None
    images = {f"image {name}": tag for name, tag in sorted(observed.images.items())}
    whole = replace(proof, versions={**proof.versions, **images})
    return report_page(Report(whole, picture, drawn, no_drawing, told, result.missing, failure))


def written(file: Path, text: str) -> None:
    """Put the text in place as a whole. Raises UsageInvalid where it cannot be written."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageInvalid(f"{file} cannot be written", why=error.strerror or str(error)) from error
    say(f"written: {file}")
