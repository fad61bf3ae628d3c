"""The scenarios of this checkout, and what turns their checks red: `scenarios/NAME/broken.yaml`.

Such a file is a list of breakages. Each has a `name` and what breaks the lab: a `fault`, or several `faults`, as under
`during:` of a check; or `instead`, which is laid over the scenario's file (a counter-example: mappings are merged,
other values are replaced, null removes a key). Then `red` and `unknown` name the checks that change, each with a text
that the finding's `actual` must hold. Every other check keeps its pass. Checks with a `during` or an `after` break the
lab by themselves, so they are not asked while another fault is in.

`python tests/support/library.py` (with the repository on PYTHONPATH) writes the present picture into each README, and
the table of the scenarios into docs/scenarios.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.checks.findings import Finding
from orchestrator.model.checks import BaseCheck, Runs
from orchestrator.model.faults import Fault
from orchestrator.model.scenario import Scenario
from orchestrator.model.topology import Topology
from orchestrator.operations.scenario_library import CompanionFiles, LoadedScenario, load_scenario
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.reading import Reading
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering import graph

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
NAMES = tuple(sorted(file.parent.name for file in SCENARIOS.glob("*/scenario.yaml")))
TABLE_PAGE = SCENARIOS.parent / "docs" / "scenarios.md"
TABLE = re.compile(r"^\| scenario \| the idea \|\n\|---\|---\|\n((?:\|.*\n)*)", re.MULTILINE)
PICTURE = re.compile(r"^```mermaid\n(.*?)\n?```$", re.MULTILINE | re.DOTALL)
Text = Annotated[str, Field(min_length=1)]


class Breakage(BaseModel):
    """One thing that breaks, and the checks that must say so: check -> a text that what was seen must hold.

    `silent || No route` is one of two texts: the kernel may say either, by which of its timers ends first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    fault: Fault | None = None
    faults: Annotated[tuple[Fault, ...], Field(strict=False)] = ()
    instead: dict[str, Any] = Field(default_factory=dict)
    red: dict[str, Text] = Field(default_factory=dict)
    unknown: dict[str, Text] = Field(default_factory=dict)

    @property
    def all_faults(self) -> tuple[Any, ...]:
        return (*self.faults, *((self.fault,) if self.fault else ()))

    def wanted(self, check: str) -> tuple[str, str]:
        """The verdict that a check must have, and a text that what it saw must hold."""
        if check in self.red:
            return "fail", self.red[check]
        return ("unknown", self.unknown[check]) if check in self.unknown else ("pass", "")

    def hurried(self, check: BaseCheck) -> BaseCheck:
        """The check; where it must not pass, with no more tries than every check has. Of `runs`, `within` is also the
        time that its program may take."""
        if self.wanted(check.name)[0] == "pass" or isinstance(check, Runs):
            return check
        return check.model_copy(update={"within": 0.001})

    def surprises(self, findings: tuple[Finding, ...]) -> list[str]:
        """What came out otherwise than this breakage says, as one would write it into the file."""
        told = []
        for finding in findings:
            verdict, text = self.wanted(finding.check)
            seen_text = any(part in finding.judgement.actual for part in text.split(" || "))
            if finding.verdict != verdict or not seen_text:
                seen = f"{finding.verdict}:  {json.dumps(finding.check)}: {json.dumps(finding.judgement.actual)}"
                told.append(f"{self.name}: {seen}  (wanted {verdict} {text!r})")
        return told


def loaded(name: str) -> LoadedScenario:
    return load_scenario(str(SCENARIOS / name))


def calm(scenario: Scenario) -> list[BaseCheck]:
    """The checks that break nothing by themselves."""
    return [check for check in scenario.checks if not check.fault_steps]


def breakages(name: str) -> list[Breakage]:
    """What the scenario's broken.yaml says; ValidationError where it is no list of breakages."""
    document = yaml.safe_load((SCENARIOS / name / "broken.yaml").read_text("utf-8"))
    return [Breakage.model_validate(one) for one in document]


def changed(name: str, instead: Mapping[str, Any]) -> Reading:
    """The scenario with something laid over its file; FileInvalid where that is no scenario."""
    folder = SCENARIOS / name
    document = _laid_over(yaml.safe_load((folder / "scenario.yaml").read_text("utf-8")), instead)
    return read_scenario(
        yaml.safe_dump(document, sort_keys=False), file="broken.yaml", read_companion=CompanionFiles(folder)
    )


def _laid_over(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    merged = {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    return {key: value for key, value in merged.items() if value is not None or key not in above}


def mermaid_of(name: str) -> str:
    """What `wirelab graph NAME` prints where the lab is down and no other network is in its way."""
    return graph.mermaid(graph.make_picture(addressed(name), {}))


def addressed(name: str) -> Topology:
    """The scenario with the addresses that it has where no other network is in its way."""
    reading = loaded(name).reading
    return assign_addresses(name, reading.scenario, Snapshot(folder="", run="", images={}), reading.texts)


def table() -> str:
    """A row for each scenario, with its title: the idea that it shows."""
    titles = {name: loaded(name).reading.scenario.title for name in NAMES}
    return "".join(f"| [{name}](../scenarios/{name}/README.md) | {title} |\n" for name, title in titles.items())


def _rewrite() -> None:
    text = TABLE_PAGE.read_text("utf-8")
    TABLE_PAGE.write_text(TABLE.sub(lambda found: found[0].removesuffix(found[1]) + table(), text), "utf-8")
    pages = {SCENARIOS / name / "README.md": name for name in NAMES}
    for file, name in pages.items():
        if file.exists():
            block = f"```mermaid\n{mermaid_of(name)}\n```"
            drawn = PICTURE.sub(block.replace("\\", r"\\"), file.read_text("utf-8"), count=1)
            file.write_text(drawn, "utf-8")


if __name__ == "__main__":
    _rewrite()
