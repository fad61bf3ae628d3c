"""learn: a lesson in the terminal; without a name, the course and where one stands."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out, say
from orchestrator.cli.desktop import has_desktop
from orchestrator.cli.options import lab_option, member_options
from orchestrator.cli.own_command import own_command
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import CHECK_FAILED, OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.lessons.messages import Message
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.seat_code import SeatCode
    from orchestrator.operations.lessons.learn import OpenLesson
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.lab_ref import LabRef

KEYS = (
    "Type: hint, solution, restore (the lab as this task began), reset (begin anew), quit, or help for all words. "
    "Type your answers here, too."
)


# Where the lesson is shown when nobody has said so, and how to get the other.
PLACES = {
    True: "The lesson opens on a page in your browser. To have it in this terminal: {}",
    False: "The lesson runs in this terminal. To have it on a page in a browser: {}",
}


@dataclass(frozen=True)
class Learner:
    """Who learns: a seat ("" for one person at a laptop), the seed if it is wished, and what keeps the result."""

    seat: str
    seed: int | None
    keep_result: Callable[[Progress], None] = lambda _progress: None
    keeps_packets: bool = False


@click.command("learn")
@click.argument("name", required=False)
@click.option("--seed", type=click.IntRange(0), help="The seed for the values and the order of the answers.")
@click.option("--seat", "code", metavar="CODE", help="The code of your seat: your result is kept in a file to hand in.")
@click.option(
    "--web/--no-web",
    default=None,
    help="Show the lesson beside the live page of its lab, in a browser. By default on a desktop.",
)
@lab_option
@member_options
def command(
    name: str | None, seed: int | None, code: str | None, web: bool | None, lab: str | None, members: tuple[str, ...]
) -> int:
    """Start or continue the lesson of the scenario NAME. Without NAME: list the lessons.

    On a desktop the lesson opens in a browser. Elsewhere it runs in the terminal; run programs in a second terminal.
    The lesson sees the packets of these programs. Exit code 0: the lesson is done; 1: it is not.
    """
    from orchestrator.operations.scenario_library import load_scenario

    if name is None:
        return _course(members)
    from orchestrator.planning.lab_ref import LabRef

    seat_code = _parsed(code, seed)
    scenario = load_scenario(name)
    scenario_name = scenario.reading.scenario.name
    named = LabRef.of(name, scenario_name, lab or scenario_name)
    on_page = _is_at_desktop() if web is None else web
    seat_words = ("--seat", seat_code.text) if seat_code else ()
    if web is None:
        more = (*seat_words, *(("--members", ",".join(members)) if members else ()))
        say(PLACES[on_page].format(named.command("learn", *more, "--no-web" if on_page else "--web")))
    workspace = open_workspace(lab or scenario_name, members=members, nodes=len(scenario.reading.scenario.nodes))
    learner = Learner(os.environ.get("WIRELAB_SEAT", ""), seed)
    if seat_code:
        workspace, learner = _at_seat(seat_code, workspace, scenario)
    if on_page:
        return _on_the_page(workspace, scenario, lab or scenario_name, learner)
    if not _in_the_terminal(workspace, scenario, lab, learner, named):
        say(f"\nYour progress is kept: {_as_typed(named.command('learn', *seat_words))}")
        return CHECK_FAILED
    return _say_what_is_next("" if seat_code else scenario_name, named)


def _in_the_terminal(
    workspace: Workspace, scenario: LoadedScenario, lab: str | None, learner: Learner, named: LabRef
) -> bool:
    """Run the lesson here; whether the learner has finished it."""
    from orchestrator.operations.lessons.files import load_lesson
    from orchestrator.operations.lessons.learn import open_lesson
    from orchestrator.rendering.lesson import message_text

    node_name = load_lesson(scenario).lesson.shell[0]

    def say_where() -> None:
        say(_where_to_work(named, node_name))

    def tell(message: Message) -> None:
        out(message_text(message, _width()))

    with open_lesson(workspace, scenario, lab, tell=tell, on_up=say_where, **vars(learner)) as lesson:
        return _converse(lesson)


def _where_to_work(named: LabRef, node_name: str) -> str:
    command = _as_typed(named.command("shell", node_name), in_new_terminal=True)
    where = f"Open a second terminal in this folder, and there a shell in {node_name}:"
    return f"\n{where}\n\n    {command}\n\n{KEYS}"


def _say_what_is_next(scenario_name: str, named: LabRef) -> int:
    """Name the lesson after this one, and how to remove the lab. At a seat the teacher says both."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lessons.course import course, lesson_after

    if not scenario_name:
        return OK
    if name := lesson_after(course(StateFolder.of(os.environ), os.environ.get("WIRELAB_SEAT", "")), scenario_name):
        say(f"\nThe next lesson:\n\n    {_as_typed(f'wirelab learn {name}')}")
    say(f"\nThe lab stays up. To remove it:\n\n    {_as_typed(named.command('down'))}")
    return OK


def _parsed(code: str | None, seed: int | None) -> SeatCode | None:
    """The seat that a code means. Raises UsageInvalid."""
    if code is None:
        return None
    from orchestrator.lessons.seat_code import parse_seat_code

    if seed is not None:
        raise UsageInvalid("--seed and --seat do not go together", why="the code of a seat holds its seed")
    return parse_seat_code(code)


def _at_seat(code: SeatCode, workspace: Workspace, scenario: LoadedScenario) -> tuple[Workspace, Learner]:
    """The workspace of a seat, whose journal keeps no secret, and the learner. Says where the result is kept."""
    from orchestrator import __version__
    from orchestrator.lessons.seat_code import without_secret
    from orchestrator.operations.lessons.files import load_lesson
    from orchestrator.operations.lessons.result import result_file

    load_lesson(scenario, code.seed)
    result = result_file(Path.cwd(), code, scenario, __version__)
    say(f"Your result is kept in {result.file}. Hand this file in when you are done.")
    command = tuple(map(without_secret, workspace.actor.command))
    own = replace(workspace, actor=replace(workspace.actor, command=command, seat=code.seat_name))
    return own, Learner(code.seat_name, code.seed, result.write, keeps_packets=True)


def _as_typed(command: str, *, in_new_terminal: bool = False) -> str:
    """A command of wirelab as it works in this terminal, or in a new one in the same folder."""
    return command.replace("wirelab", own_command(in_new_terminal=in_new_terminal), 1)


def _is_at_desktop() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and has_desktop(os.environ, sys.platform)


def _on_the_page(workspace: Workspace, scenario: LoadedScenario, lab_name: str, learner: Learner) -> int:
    from orchestrator.cli.live_page import serve
    from orchestrator.operations.live.lab import watch_lesson
    from orchestrator.operations.live.lab_changes import LabChanges

    with (
        LabChanges(workspace.engine, workspace.state) as changes,
        watch_lesson(workspace, scenario, lab_name, changes, **vars(learner)) as live,
    ):
        return serve(live)


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _converse(lesson: OpenLesson) -> bool:
    """Take lines and traffic until the lesson is done (True), or the learner quits or closes the input (False)."""
    lines: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    while lesson.run.task_name is not None:
        line: str | None = None
        try:
            line = lines.get_nowait()
            if line is None:
                return False
        except Empty:
            pass
        if not lesson.turn(line):
            return lesson.run.task_name is None
    return True


def _read_lines(lines: SimpleQueue[str | None]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


def _course(members: tuple[str, ...]) -> int:
    if members:
        raise UsageInvalid("--member needs the name of a lesson", why="NAME is missing", hint="wirelab learn")
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lessons.course import course
    from orchestrator.rendering.lesson import course_text

    out(course_text(course(StateFolder.of(os.environ), os.environ.get("WIRELAB_SEAT", "")), _width()))
    return OK
