"""The README shows only commands that exist, a scenario that is valid, and links that lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import cli
from orchestrator.reading.scenario import read_scenario

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def commands(program: str) -> list[str]:
    """Every command of a program: lines of shell blocks and of CI steps, and what stands between backquotes."""
    lines = [line for text in (*blocks("sh"), *blocks("text")) for line in text.splitlines()]
    lines += [line.partition("run: ")[2] for text in blocks("yaml") for line in text.splitlines() if "run: " in line]
    lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", README))
    found = [re.sub(r"  +.*", "", line.strip().removeprefix(".venv/bin/")) for line in lines]
    return sorted({line for line in found if line.startswith(f"{program} ")})


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
    if words or line in "\n".join(blocks("sh")).splitlines():  # a bare name in a sentence is not a command to type
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
