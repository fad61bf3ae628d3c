"""A lesson opens in a browser on a desktop, and stays in the terminal elsewhere; it says which, and how to choose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from doc_pages import ROOT
from terminal import at_a_terminal

from orchestrator.cli.desktop import has_desktop

ARGV = (sys.executable, "-m", "orchestrator", "learn", "basic")
ON_A_PAGE = "The lesson opens on a page in your browser. To have it in this terminal: wirelab learn basic --no-web"
IN_THE_TERMINAL = "The lesson runs in this terminal. To have it on a page in a browser: wirelab learn basic --web"
OF_SESSIONS = ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "CI")


@pytest.mark.parametrize(
    ("environ", "platform", "desktop"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, "linux", False),
        ({"SSH_TTY": "/dev/ttys001"}, "darwin", False),
        ({"DISPLAY": ":99", "CI": "true"}, "linux", False),
    ],
)
def test_a_desktop_is_a_graphical_session_of_this_machine(
    environ: Mapping[str, str], platform: str, desktop: bool
) -> None:
    assert has_desktop(environ, platform) is desktop


def session(**more: str) -> dict[str, str]:
    """The environment of a session, without what the session of this test has."""
    return {name: value for name, value in os.environ.items() if name not in OF_SESSIONS} | more


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [({"DISPLAY": ":99"}, ON_A_PAGE), ({"DISPLAY": ":99", "SSH_TTY": "/dev/pts/1"}, IN_THE_TERMINAL)],
    ids=["at a desktop", "over SSH"],
)
def test_where_the_lesson_is_shown_is_said(more: dict[str, str], said: str) -> None:
    """Before anything else is done: no engine answers here."""
    _, shown = at_a_terminal(ARGV, env=session(**more), cwd=ROOT, columns=120, seconds=30)
    assert " ".join(shown.split()).startswith(said)


@pytest.mark.slow
def test_in_a_pipe_the_lesson_stays_in_the_terminal() -> None:
    environ = session(DISPLAY=":99")
    ran = subprocess.run(ARGV, env=environ, cwd=ROOT, input="", capture_output=True, text=True, timeout=30, check=False)
    assert ran.stderr.startswith(IN_THE_TERMINAL)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--web", "--no-web"])
def test_who_has_chosen_is_told_nothing(option: str) -> None:
    _, shown = at_a_terminal((*ARGV, option), env=session(DISPLAY=":99"), cwd=ROOT, seconds=30)
    assert "The lesson" not in shown
