"""Text for people on a terminal: wrapped at words, below what it belongs to, and unchanged in a pipe."""

from __future__ import annotations

import pytest

from orchestrator.rendering.terminal import COLOUR, fit_text

WALK = "              unknown  address and route  client to dns by eth0; not asked: the node dns is stopped"
CAUSE = "One cause explains 2 checks: The DNS server dns is stopped, so client does not get the answer."
FAILED = "\x1b[33m? UNKNOWN\x1b[0m The app's address refuses port 5432, for the database is another machine: no answer"
EXPECTED = "          but seen: the answer of somebody else, who has no business in this lab and should be asked why"
WHY = "why:   this is a sentence that is longer than the line in which it stands, as most sentences of reasons are"
EVENT = (
    "07:44:32.683  20d425  step     begins to make the network lab (there is none yet), as nobody has made it before"
)
TEXTS = (WALK, CAUSE, FAILED, EXPECTED, WHY, EVENT)


@pytest.mark.parametrize("width", [120, 80, 40])
@pytest.mark.parametrize("text", TEXTS)
def test_each_line_fits_and_no_word_is_lost_or_cut(text: str, width: int) -> None:
    """What is too long goes on in the next line; colour takes no column."""
    fitted = fit_text(text, width)
    assert all(len(COLOUR.sub("", line)) <= width for line in fitted.split("\n"))
    assert fitted.split() == text.split()


@pytest.mark.parametrize("text", TEXTS)
def test_a_pipe_and_a_wide_terminal_get_the_text_as_it_is(text: str) -> None:
    assert fit_text(text, None) == text
    assert fit_text(text, 500) == text


def test_a_wrapped_line_goes_on_below_its_column() -> None:
    lines = fit_text(WALK, 80).split("\n")
    assert len(lines) == 2
    assert lines[1].index("node") == WALK.index("client")


@pytest.mark.parametrize(("text", "column"), [(WHY, 7), (EXPECTED, 20), (FAILED, 10), (CAUSE, 2)])
def test_a_wrapped_line_goes_on_behind_its_label(text: str, column: int) -> None:
    second = fit_text(text, 60).split("\n")[1]
    assert len(second) - len(second.lstrip()) == column


def test_on_a_narrow_terminal_columns_give_way_to_the_text() -> None:
    """All lines of a text alike, so that what stood below each other still does."""
    assert fit_text(f"{WALK}\n              held     resolv.conf", 40).split("\n")[-1] == "       held  resolv.conf"


@pytest.mark.parametrize(
    "line",
    [
        "            try: wirelab heal basic --lab a-lab-with-a-long-name",
        "  .venv/bin/wirelab exec basic client -- curl -s http://app.shop.lab/whoami",
    ],
)
def test_a_command_is_left_whole_so_that_it_can_be_copied(line: str) -> None:
    assert fit_text(line, 40).split() == line.split()
    assert "\n" not in fit_text(line, 40)


def test_a_command_that_ends_a_sentence_is_left_whole() -> None:
    text = "The lab stays up. To remove it: .venv/bin/wirelab down outage --lab o"
    assert fit_text(text, 44).split("\n") == [
        "The lab stays up. To remove it:",
        "  .venv/bin/wirelab down outage --lab o",
    ]
    other = "This is said of the wirelab that is here: it is wirelab indeed"
    assert fit_text(other, 44).split("\n") == ["This is said of the wirelab that is here: it", "  is wirelab indeed"]


def test_a_word_that_is_wider_than_the_terminal_has_a_line_of_its_own() -> None:
    assert fit_text("a unix:///root/.local/state/wirelab/engine/docker.sock b", 40).split("\n") == [
        "a",
        "  unix:///root/.local/state/wirelab/engine/docker.sock",
        "  b",
    ]
