"""Each folder of scenarios/ is whole: a README with the present picture, and a broken.yaml that can be true."""

from __future__ import annotations

import re
from typing import Any

import click
import library
import pytest
import scenario_pages

from orchestrator.cli.main import cli

HEADINGS = ("## Try it", "## What is proved", "## What breaks it")
each = pytest.mark.parametrize("name", library.NAMES)


def readme(name: str) -> str:
    return (library.SCENARIOS / name / "README.md").read_text("utf-8")


@each
def test_the_readme_has_its_parts(name: str) -> None:
    """Its name, the idea, the picture, what to try, what is proved, and every breakage of broken.yaml by its name."""
    text = readme(name)
    assert text.startswith(f"# {name}\n\n")
    places = [text.find("```mermaid"), *(text.find(f"\n{heading}\n") for heading in HEADINGS)]
    assert -1 not in places
    assert places == sorted(places)
    parts = re.split(r"^(?:```mermaid|## .*)$", text, flags=re.MULTILINE)
    assert all(len(part.split()) > 15 for part in parts), "a part says almost nothing"
    causes = " ".join(parts[-1].split())
    assert [one.name for one in library.breakages(name) if one.name not in causes] == []


@each
def test_the_picture_is_the_present_one(name: str) -> None:
    """Byte for byte what `wirelab graph` prints; `python tests/support/library.py` writes it."""
    assert library.PICTURE.findall(readme(name)) == [library.mermaid_of(name)]


@pytest.mark.slow
def test_the_page_of_the_scenarios_has_a_row_for_each() -> None:
    """Name, link and title of every scenario; `python tests/support/library.py` writes the table."""
    assert library.TABLE.findall(library.TABLE_PAGE.read_text("utf-8")) == [library.table()]


@each
def test_what_is_to_be_tried_can_be_typed(name: str) -> None:
    """The page begins with `make scenario` and the virtual environment, and every wirelab command of it is one."""
    shown = scenario_pages.steps(readme(name))
    assert [step.text for step in shown[:2]] == [f"make scenario NAME={name}", ". .venv/bin/activate"]
    typed = [step.words for step in shown if step.text.startswith("wirelab ")]
    assert typed
    for words in typed:
        command, rest = _command(words[1:])
        context = command.make_context(words[0], [word for word in rest if word != "</dev/null"])
        if words[1] == "trace":  # which takes no node before the program
            assert context.params["argv"][0] not in library.loaded(name).reading.scenario.nodes


@each
def test_every_program_that_the_page_runs_shows_something(name: str) -> None:
    """A command that looks at the lab has its output below it, and no option of curl hides an error."""
    looking = [
        step for step in scenario_pages.steps(readme(name)) if step.words[:2][-1] in ("exec", "trace", "logs", "shell")
    ]
    assert [step.text for step in looking if not step.output] == []
    assert [step.text for step in looking if re.search(r"curl .*-s(?!S)", step.text)] == []


def _command(words: list[str]) -> tuple[click.Command, list[str]]:
    command: Any = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.slow
@each
def test_what_breaks_it_can_be_true(name: str) -> None:
    """At least one breakage; each breaks something, turns a check, and names checks and nodes that are there."""
    found = library.breakages(name)
    assert found
    assert len({finding.name for finding in found}) == len(found)
    scenario = library.loaded(name).reading.scenario
    for finding in found:
        there = library.changed(name, finding.instead).scenario if finding.instead else scenario
        named = [*finding.red, *finding.unknown]
        assert finding.all_faults or finding.instead, f"{finding.name} breaks nothing"
        assert named, f"{finding.name} turns no check"
        assert set(named) <= {check.name for check in library.calm(there)}
        assert not set(finding.red) & set(finding.unknown)


def test_a_surprise_is_told() -> None:
    """A breakage is met only by the verdict and the reason that it names, and by a pass of everything else."""
    from orchestrator.checks.findings import Finding, Judgement
    from orchestrator.model.faults.stop import Stop

    one = library.Breakage(name="b", fault=Stop(stop="dns"), red={"r": "no answer"}, unknown={"u": "stopped"})

    def finding(check: str, verdict: Any, actual: str) -> Finding:
        return Finding(check, "resolves", "client", Judgement(verdict, "", actual), 0.1)

    as_said = (
        finding("r", "fail", "no answer in 2 s"),
        finding("u", "unknown", "db is stopped"),
        finding("p", "pass", ""),
    )
    assert one.surprises(as_said) == []
    otherwise = (
        finding("r", "pass", "no answer"),
        finding("r", "fail", "refused"),
        finding("u", "fail", "db is stopped"),
        finding("p", "unknown", ""),
    )
    assert len(one.surprises(otherwise)) == len(otherwise)
