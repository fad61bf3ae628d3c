"""The documentation shows only commands that exist, scenarios that are valid, and links that lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import truth_page
from doc_pages import GUIDES, NOT_RUN, PAGES, REMARK, RESULTS, ROOT, DocPage

from orchestrator import __version__
from orchestrator.cli.main import cli
from orchestrator.reading.scenario import read_scenario

README = next(page for page in PAGES if page.name == "README.md")
SHOWN = [page for page in PAGES if page.name != "CHANGELOG.md"]


def shown_commands(program: str, pages: list[DocPage] = SHOWN) -> list[str]:
    """Every command of a program: lines of shell and text blocks, CI steps, and what stands between backquotes."""
    lines = []
    for page in pages:
        blocks = (*page.blocks("sh"), *page.blocks("text"))
        lines += [REMARK.sub("", line) for text in blocks for line in text.splitlines()]
        lines += [*page.ci_steps(), *page.spans()]
    commands = [re.sub(r"  +.*| [>|] .*$", "", line.strip().removeprefix(".venv/bin/")) for line in lines]
    return sorted({command for command in commands if command.startswith(f"{program} ")})


def subcommand(words: list[str]) -> tuple[click.Command, list[str]]:
    """The subcommand that these words name, and the words after it."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        known = command.get_command(click.Context(command), words[0])
        assert known is not None, f"{command.name} has no subcommand {words[0]!r}"
        command, words = known, words[1:]
    return command, words


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_every_wirelab_command_shown_can_be_typed(
    page: DocPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subcommand, options and the number of arguments are those of the program; nothing is run."""
    (tmp_path / "lab.pcapng").touch()  # the file that pages save, and read again
    monkeypatch.chdir(tmp_path)
    typed = {step.text for step in page.commands()}
    refused = {}
    for line in shown_commands("wirelab", [page]):
        command, words = subcommand(shlex.split(line)[1:])
        # A bare name in a sentence is not a command to type.
        if (words[:1] != ["--version"] and words) or line in typed:
            try:
                command.make_context(line, words)
            except click.ClickException as error:
                refused[line] = error.format_message()
    assert refused == {}


@pytest.mark.parametrize("line", shown_commands("make"))
def test_every_make_target_shown_exists(line: str) -> None:
    """The Makefile has the target, and the variables are those that it reads."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in line.split("#")[0].split()[1:]:
        name, _, value = word.partition("=")
        pattern = rf"^{re.escape(name)} \?=" if value else rf"^{re.escape(name)}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"the Makefile does not know {word!r}"


def test_both_kinds_of_command_are_found() -> None:
    """The two tests above look at something: the two commands that the README begins with, and CI's."""
    assert {"make scenario NAME=basic", "make test"} <= set(shown_commands("make", [README]))
    assert {"wirelab run basic --rm", "wirelab ps basic", "wirelab down basic"} <= set(shown_commands("wirelab"))


def test_a_pages_commands_are_found_in_sentences_and_blocks() -> None:
    """In the order of the page, with the exit code that a line names; names, forms and other languages are skipped."""
    page = DocPage(
        "page.md",
        "`wirelab new shop` writes; `wirelab heal`, `wirelab run NAME` and `docker stop x` are words.\n"
        "```sh\nwirelab check basic  # exit code 1: it is broken\n# a word\n\nmake logs NAME=basic NODE=app\n```\n"
        "```text\nwirelab prints\n```\n"
        "```sh\nmake scenario NAME=basic\n```\n",
    )
    commands = [(command.line, command.typed, command.code) for command in page.commands()]
    before_the_lab = [(1, "wirelab new shop", 0), (3, "wirelab check basic", 1), (6, "wirelab logs basic app", 0)]
    assert commands == [(12, "wirelab run basic", 0), *before_the_lab]


def test_the_results_of_a_run_are_not_typed_again() -> None:
    """Commands before them are found; those in them name a lab that is gone."""
    page = DocPage("page.md", f"`wirelab ps basic`\n{RESULTS}\n`wirelab exec basic client --lab gone -- dig x`\n")
    assert [command.text for command in page.commands()] == ["wirelab ps basic"]


def test_the_page_of_truth_says_where_its_results_begin() -> None:
    """Also after the next whole run, which writes the last part of the page anew."""
    page = next(page for page in PAGES if page.name == "docs/truth.md")
    assert RESULTS in page.text.partition("## The table of situations")[2]
    assert RESULTS in truth_page.tables([], {}, [], "2026-11-27")


def test_every_exception_is_still_shown() -> None:
    """The list of commands that no test runs holds nothing that the pages no longer show."""
    assert set(NOT_RUN) <= {command.text for page in PAGES for command in page.commands()}


def test_the_ci_example_has_no_command_that_no_test_runs() -> None:
    """Each wirelab step of a workflow in a page is also a command of that page."""
    for page in GUIDES:
        steps = {step for step in page.ci_steps() if step.startswith("wirelab ")}
        assert steps <= {command.text for command in page.commands()}, page.name


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_the_scenarios_shown_are_valid(page: DocPage) -> None:
    """What a page offers as a whole scenario is read without a mistake."""
    for text in page.blocks("yaml"):
        # tests/unit/reading/test_cases_page.py reads those of cases.md, with the files beside them.
        if "nodes:" in text and page.name != "docs/cases.md":
            assert read_scenario(text, file=page.name, read_companion=lambda _name: None).scenario.name == "shop"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: DocPage) -> None:
    """Each relative link names a file of this checkout, and each anchor a heading of that file."""
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)", page.text):
        path, _, anchor = link.partition("#")
        file = ((ROOT / page.name).parent / path) if path else ROOT / page.name
        if "://" in link:
            continue
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            wrong.append(link)
    assert not wrong


def anchors(text: str) -> list[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings]


def test_the_readme_is_short() -> None:
    """At most 150 lines: what wirelab is, the picture, the two commands, where to go on."""
    assert len(README.text.splitlines()) <= 150


def test_the_readme_links_every_guide() -> None:
    """No page of docs/ can be missed by somebody who begins with the README."""
    links = set(re.findall(r"\]\(([^)#\s]+)", README.text))
    assert {page.name for page in PAGES if page.name.startswith("docs/") and page.name.count("/") == 1} <= links


def test_every_path_in_contributing_exists() -> None:
    """Each path between backquotes is there, in the checkout or in the package; so are the tests that commands name."""
    page = next(page for page in PAGES if page.name == "CONTRIBUTING.md")
    words = [word for command in page.commands() for word in command.text.split() if word.startswith("tests/")]
    words += [span for span in page.spans() if re.fullmatch(r"[\w.-]+/[\w./-]*|\w+\.(py|yaml|md)", span)]
    made = {"build/programs", "build/site", "broken.yaml", "scenario.yaml"}
    missing = [word for word in words if not ((ROOT / word).exists() or (ROOT / "orchestrator" / word).exists())]
    assert len(words) > 20
    assert set(missing) <= made


def test_the_version_of_the_changelog_is_that_of_the_package() -> None:
    """The newest heading of the changelog names the version that `wirelab --version` prints."""
    text = next(page for page in PAGES if page.name == "CHANGELOG.md").text
    assert re.search(r"^## (\S+)", text, re.MULTILINE)[1] == __version__  # type: ignore[index]
