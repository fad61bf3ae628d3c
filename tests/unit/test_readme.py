"""The README shows only commands that exist, a scenario that is valid, and links that lead somewhere."""

from __future__ import annotations

import re
import shlex

import click
import pytest
import readme
from readme import README, ROOT, blocks

from orchestrator.cli.main import cli
from orchestrator.reading.scenario import read_scenario


def commands(program: str) -> list[str]:
    """Every command of a program: lines of shell blocks and of CI steps, and what stands between backquotes."""
    lines = [readme.EXIT_CODE.sub("", line) for text in (*blocks("sh"), *blocks("text")) for line in text.splitlines()]
    lines += ci_steps()
    lines += re.findall(r"`([^`\n]+)`", readme.BLOCK.sub("", README))
    found = [re.sub(r"  +.*| > \S+$", "", line.strip().removeprefix(".venv/bin/")) for line in lines]
    return sorted({line for line in found if line.startswith(f"{program} ")})


def ci_steps() -> list[str]:
    return [line.partition("run: ")[2] for text in blocks("yaml") for line in text.splitlines() if "run: " in line]


def group_in(words: list[str]) -> tuple[click.Command, list[str]]:
    """The subcommand that these words name, and what is left of them."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        known = command.get_command(click.Context(command), words[0])
        assert known is not None, f"{command.name} has no subcommand {words[0]!r}"
        command, words = known, words[1:]
    return command, words


@pytest.mark.parametrize("line", commands("wirelab"))
def test_every_wirelab_command_shown_can_be_typed(line: str) -> None:
    """Subcommand, options and the number of arguments are those of the program; nothing is run."""
    command, words = group_in(shlex.split(line)[1:])
    # A bare name in a sentence is not a command to type.
    if words or line in [step.text for step in readme.steps(README)]:
        command.make_context(line, words)


@pytest.mark.parametrize("line", commands("make"))
def test_every_make_target_shown_exists(line: str) -> None:
    """The Makefile has the target, and the variables are those that it reads."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in line.split()[1:]:
        name, _, value = word.partition("=")
        pattern = rf"^{re.escape(name)} \?=" if value else rf"^{re.escape(name)}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"the Makefile does not know {word!r}"


def test_both_kinds_of_command_are_found() -> None:
    """The two tests above look at something: the two commands that the README begins with, and CI's."""
    assert {"make scenario NAME=basic", "make test"} <= set(commands("make"))
    assert {"wirelab run basic --rm", "wirelab ps basic", "wirelab down basic"} <= set(commands("wirelab"))


def test_what_is_run_is_found_in_sentences_and_blocks() -> None:
    """In the order of the page, with the exit code that a line names; names, forms and other languages are none."""
    page = (
        "`wirelab new shop` writes; `wirelab heal`, `wirelab run NAME` and `docker stop x` are words.\n"
        "```sh\nwirelab check basic  # exit code 1: it is broken\n# a word\n\nmake logs NAME=basic NODE=app\n```\n"
        "```text\nwirelab is told\n```\n"
        "```sh\nmake scenario NAME=basic\n```\n"
    )
    found = [(step.line, readme.typed(step.text), step.code) for step in readme.steps(page)]
    foretaste = [(1, "wirelab new shop", 0), (3, "wirelab check basic", 1), (6, "wirelab logs basic app", 0)]
    assert found == [(12, "wirelab run basic", 0), *foretaste]


def test_what_the_tests_do_not_run_is_still_shown_and_what_ci_would_run_is_run() -> None:
    """The list of exceptions holds nothing that the README no longer has; the example for CI has no step of its own."""
    texts = {step.text for step in readme.steps(README)}
    assert set(readme.NOT_RUN) <= texts
    assert {step for step in ci_steps() if step.startswith("wirelab ")} <= texts


def test_the_scenario_shown_is_valid() -> None:
    """What the README offers to start from is read without a mistake."""
    shown = next(text for text in blocks("yaml") if "nodes:" in text)
    assert read_scenario(shown, file="README.md", beside=lambda _name: None).scenario.name == "shop"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "images/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link of a page names a file of this checkout."""
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert not missing
