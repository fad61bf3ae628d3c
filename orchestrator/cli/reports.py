"""What `check` and `run` write besides what they print: JUnit XML and the report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.console import say
from orchestrator.errors import UsageInvalid

if TYPE_CHECKING:
    from orchestrator.cli.scenarios import Loaded
    from orchestrator.cli.session import Session
    from orchestrator.judging.findings import Finding
    from orchestrator.model.checks import Common
    from orchestrator.showing.proof import Proof


@dataclass(frozen=True)
class Wanted:
    """The files that a command was told to write."""

    junit: Path | None = None

    def __post_init__(self) -> None:
        """A folder that is not there is told before the checks run, not after."""
        for file in filter(None, (self.junit,)):
            if not file.parent.is_dir():
                raise UsageInvalid(f"{file} cannot be written", why=f"there is no folder {file.parent}")

    def __bool__(self) -> bool:
        return self.junit is not None


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--junit FILE, as `wanted`."""
    file = click.Path(dir_okay=False, path_type=Path)

    def with_wanted(*arguments: Any, junit: Path | None, **more: Any) -> Any:
        return command(*arguments, wanted=Wanted(junit), **more)

    with_wanted.__doc__ = command.__doc__
    with_wanted.__name__ = command.__name__
    junit = click.option("--junit", type=file, metavar="FILE", help="Write the findings as JUnit XML, for CI.")
    return junit(with_wanted)


@dataclass(frozen=True)
class Reported:
    """What the files tell of: a scenario as it was read, its lab, and the session that asked it."""

    loaded: Loaded
    lab: str
    session: Session
    began: datetime

    def write(self, wanted: Wanted, checks: Sequence[Common], findings: Sequence[Finding]) -> None:
        """Write what is wanted, and say where it is."""
        from orchestrator.showing.junit import junit

        proof = self._proof(checks, findings)
        if wanted.junit:
            written(wanted.junit, junit(proof))

    def _proof(self, checks: Sequence[Common], findings: Sequence[Finding]) -> Proof:
        from orchestrator.showing.proof import Proof, placed

        reading = self.loaded.reading
        scenario = reading.scenario
        return Proof(
            scenario.name,
            scenario.title,
            self.lab,
            self.loaded.file,
            placed(scenario, checks, findings, reading.marks),
            self.began.strftime("%Y-%m-%dT%H:%M:%S"),
            (datetime.now(UTC) - self.began).total_seconds(),
            versions(self.session),
        )


def versions(session: Session) -> dict[str, str]:
    """What took part, by name."""
    from orchestrator import __version__

    return {"wirelab": __version__, "engine": session.engine.version()}


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
