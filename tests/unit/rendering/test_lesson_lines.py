"""What a lesson prints in a terminal: its lines fit, and a command that a reader copies is on one of them."""

from __future__ import annotations

import pytest

from orchestrator.lessons.messages import HintShown, NotDone, Note, SolutionShown, TaskBegun
from orchestrator.lessons.words import help_text
from orchestrator.rendering.lesson import message_text

COMMAND = "wirelab exec c clerk -- curl http://app.shop.lab/"
HINT = f"Try it. In a third terminal, in the folder of wirelab: `. .venv/bin/activate`, then `{COMMAND}`"
ALLOWED = ("Edit the lab's own copy of the scenario file, scenario.yaml, and then: wirelab up c",)


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_in_backticks_is_not_broken_and_bears_none(width: int) -> None:
    text = message_text(HintShown(1, 2, HINT), width)
    assert any(line.endswith(COMMAND) for line in text.splitlines())
    assert ". .venv/bin/activate, then" in text
    assert "`" not in text
    assert "\N{NO-BREAK SPACE}" not in text
    assert all(len(line) <= width for line in text.splitlines() if COMMAND not in line)


def test_a_command_that_the_author_breaks_over_two_lines_is_whole() -> None:
    assert (
        message_text(HintShown(1, 1, "First `wirelab\nup c` does it."), 80)
        == "hint 1 of 1: First wirelab up c does it."
    )


@pytest.mark.parametrize("width", range(40, 101, 6))
def test_what_one_may_do_ends_with_a_whole_command(width: int) -> None:
    text = message_text(TaskBegun("a", 1, 1, "", "Repair it.", False, (), ALLOWED), width)
    assert text.endswith("wirelab up c")


def test_what_comes_from_the_lab_keeps_its_backticks() -> None:
    assert message_text(SolutionShown("client$ echo `date`"), 80) == "solution: client$ echo `date`"
    assert message_text(NotDone("client sent 'select `a`'"), 80) == "not yet: client sent 'select `a`'"


def test_a_block_of_code_stays_as_it_is_and_a_command_in_the_text_is_whole() -> None:
    body = "First.\n\n```sh\nwirelab up c\n\ndate\n```\n\nThen type `ip\nroute` there."
    text = message_text(TaskBegun("a", 1, 1, body, "Look.", False), 80)
    assert "First.\n\nwirelab up c\n\ndate\n\nThen type ip route there.\n" in text


@pytest.mark.parametrize("width", [40, 80])
def test_the_words_that_one_can_type_fit(width: int) -> None:
    lines = message_text(Note(help_text()), width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert "- quit: end the lesson for now" in lines
    assert all(line.startswith(("- ", "  ")) for line in lines)


def test_a_command_begins_further_left_where_it_would_not_fit_behind_its_label() -> None:
    command = "curl -i http://app.shop.lab/items/1"
    text = message_text(HintShown(2, 2, f"The option -i of curl shows the status: `{command}`"), 40)
    assert text.splitlines() == ["hint 2 of 2: The option -i of curl shows", "  the status:", f"  {command}"]
    longer = f"{command}234"
    text = message_text(HintShown(2, 2, f"The option -i of curl shows the status: `{longer}`"), 40)
    assert text.splitlines()[-1] == f"  {longer}"
    assert message_text(HintShown(2, 2, f"Type: `{longer}5`"), 40).splitlines()[-1] == f" {longer}5"
    wide = message_text(HintShown(2, 2, f"The option -i of curl shows the status, as in: `{command}`"), 60)
    assert wide.splitlines()[-1] == f"{' ' * len('hint 2 of 2: ')}{command}"


def test_other_words_are_broken_where_the_line_ends() -> None:
    lines = message_text(HintShown(1, 1, "word " * 20), 40).splitlines()
    assert len(lines) > 2
    assert all(len(line) <= 40 for line in lines)


def test_a_program_of_a_solution_is_on_one_line() -> None:
    program = 'client$ curl -sS --json \'{"name": "lamp"}\' http://app.shop.lab/items'
    assert [message_text(SolutionShown(program), width) for width in (40, 90)] == [f"solution: {program}"] * 2
