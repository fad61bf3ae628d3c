"""class: a lab and its lesson for each seat, from one server, and what a teacher sees and does."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.class_collect import collect_command
from orchestrator.cli.class_lan import ask_about_host, chosen_endpoint, lan_options, say_room
from orchestrator.cli.class_replay import replay_command
from orchestrator.cli.class_stop import stop_command
from orchestrator.cli.console import out, out_json, say, terminal_width
from orchestrator.cli.options import json_option, spread_option
from orchestrator.cli.workspace import confirmer, open_workspace
from orchestrator.errors import OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.operations.classroom.endpoint import Endpoint
    from orchestrator.operations.classroom.folder import Classroom, ClassStore
    from orchestrator.operations.classroom.seats import RunningSeat
    from orchestrator.operations.classroom.service import ServedClass
    from orchestrator.operations.scenario_library import LoadedScenario

LOOK_SECONDS = 0.5


@click.group("class")
def command() -> None:
    """Serve a lab and its lesson to each seat of a class, with a board for the teacher. See docs/teaching.md."""


command.add_command(collect_command)
command.add_command(replay_command)
command.add_command(stop_command)


@command.command("start")
@click.argument("name")
@click.option("--seats", type=click.IntRange(1, 99), help="So many seats; later starts may add some, and need none.")
@click.option("--scenario", help="The scenario with the lesson; by default the one called NAME, otherwise basic.")
@click.option("--port", type=click.IntRange(0, 65535), help="Serve on this port; by default as before, or any.")
@click.option(
    "--memory",
    type=click.IntRange(64),
    metavar="MIB",
    help="Memory for all seats of an engine; by default all that is free.",
)
@lan_options
@spread_option
@click.option("--yes", is_flag=True, help="Do not ask: neither about the engine, nor about what seats reach.")
def start_command(
    name: str,
    seats: int | None,
    scenario: str | None,
    port: int | None,
    memory: int | None,
    lan: bool | None,
    members: tuple[str, ...],
    yes: bool,
    **room: str,
) -> int:
    """Bring up one lab a seat, and serve their pages, lessons and the board on this machine until Ctrl-C.

    The labs stay at the end. The same command goes on with the same seats, links and progress; `wirelab class stop`
    removes the labs. One link a line is printed, that of the board first. With --lan other machines reach the server.

    wirelab class start monday --seats 12 --scenario basic
    """
    from orchestrator.operations.lessons.files import load_lesson

    store = _store()
    loaded, classroom = _prepared(store, name, seats, scenario)
    lesson = load_lesson(loaded).lesson
    classroom = replace(classroom, endpoint=chosen_endpoint(store, classroom, port, lan, room))
    workspace = open_workspace(yes=yes)
    ask_about_host(loaded.reading.scenario, confirmer(yes))
    with store.serving(name):
        store.save(classroom)
        from orchestrator.operations.classroom.seat_engines import SeatEngines, spread_seats
        from orchestrator.operations.classroom.service import ServedClass, lab_seats

        homes = spread_seats(workspace, loaded, classroom, members)
        with SeatEngines(workspace, loaded, memory, homes) as engines:
            make_seat = lab_seats(engines, loaded, classroom, workspace.state)
            return _serve(store, ServedClass(workspace.state, classroom, lesson, make_seat))


def _prepared(
    store: ClassStore, name: str, seats: int | None, scenario: str | None, do: str = "start"
) -> tuple[LoadedScenario, Classroom]:
    """The scenario and the class as it is kept, or a new one. Raises UsageInvalid, FileInvalid."""
    from orchestrator.operations.classroom.folder import new_class, valid_class_name
    from orchestrator.operations.scenario_library import load_scenario

    kept = store.load(valid_class_name(name))
    if kept is None:
        loaded = load_scenario(scenario or _default_scenario(name))
        if seats is None:
            raise UsageInvalid("how many seats?", hint=f"wirelab class {do} {name} --seats 12")
        return loaded, new_class(name, loaded.path.absolute()).with_seats(seats)
    loaded = load_scenario(scenario or kept.scenario)
    if str(loaded.path.absolute()) != kept.scenario:
        why, hint = f"it has {kept.scenario_name}", f"wirelab class stop {name} --forget, to begin another class"
        raise UsageInvalid(f"the class {name!r} has another scenario", why=why, hint=hint)
    return loaded, kept.with_seats(seats or len(kept.seats))


def _default_scenario(name: str) -> str:
    from orchestrator.operations.scenario_library import all_scenarios

    return name if name in dict(all_scenarios(Path.cwd())) else "basic"


def _serve(store: ClassStore, served: ServedClass) -> int:
    from orchestrator.operations.classroom.replay import ReplayConsent
    from orchestrator.web.board_view import BoardView
    from orchestrator.web.lab_view import View
    from orchestrator.web.seat_view import SeatView
    from orchestrator.web.server import WebServer
    from orchestrator.web.sessions import BOARD

    classroom = served.classroom
    views: dict[str, View] = {
        seat.lab: SeatView(served.seats[seat.name], ReplayConsent(store, classroom.name, seat.name))
        for seat in classroom.seats
    }
    views[BOARD.lab] = BoardView(served)
    for seat in served.seats.values():
        seat.on_change.append(lambda seat: _say_state(served, seat))
    with WebServer(views, classroom.endpoint, lambda endpoint: _handout(store, served, endpoint)) as server:
        store.save(replace(classroom, endpoint=server.endpoint))
        say_room(server.endpoint, store.authority_file(classroom))
        _print_links(classroom, server)
        with served:
            while not server.wait(LOOK_SECONDS) and not served.end_asked.is_set():
                pass
    return OK


def _handout(store: ClassStore, served: ServedClass, endpoint: Endpoint) -> str:
    from orchestrator.rendering.handout import Handout, handout_page

    classroom = replace(served.classroom, endpoint=endpoint)
    links = _links(classroom)
    fingerprint = endpoint.tls.fingerprint if endpoint.tls else ""
    is_warned = bool(store.authority_file(classroom))
    seats = [(seat.name, links[seat.name]) for seat in classroom.seats]
    return handout_page(Handout(classroom.name, served.lesson.title, seats, fingerprint, is_warned))


def _print_links(classroom: Classroom, server: Any) -> None:
    from orchestrator.web.sessions import BOARD, Seat

    say("The links, of the board and of each seat. Ctrl-C ends the server; the labs stay.")
    out(f"board   {server.admit(BOARD, classroom.board_token)}")
    for seat in classroom.seats:
        out(f"{seat.name}  {server.admit(Seat(seat.name, seat.lab), seat.token)}")


def _say_state(served: ServedClass, seat: RunningSeat) -> None:
    ready = sum(other.state == "ready" for other in served.seats.values())
    match seat.state:
        case "starting":
            say(f"{seat.name}: its lab is starting")
        case "ready":
            say(f"{seat.name}: ready ({ready} of {len(served.seats)})")
        case "failed":
            say(f"{seat.name}: its lab could not be started")
            say(seat.why)


@command.command("status")
@click.argument("name", required=False)
@json_option
def status_command(name: str | None, as_json: bool) -> int:
    """Print the board: how far each seat is, who is stuck, since when, on which layer. Without NAME: the classes."""
    from orchestrator.rendering.board import board_text

    store = _store()
    if name is None:
        names = list(store.names())
        if as_json:
            out_json({"schema": 1, "classes": names})
        else:
            out("\n".join(names) if names else "There is no class. To begin one: wirelab class start NAME --seats 12")
        return OK
    board = _board(store, name)
    if as_json:
        out_json(board)
    else:
        out(board_text(board, time.time(), terminal_width(sys.stdout)))
    return OK


@command.command("links")
@click.argument("name")
@json_option
def links_command(name: str, as_json: bool) -> int:
    """Print the links of a class once more. Whoever has a link is in that seat."""
    store = _store()
    links = _links(store.require(name))
    if as_json:
        out_json({"schema": 1, "class": name, "links": links})
    else:
        out("\n".join(f"{seat_name:<6}  {link}" for seat_name, link in links.items()))
    if not store.is_served(name):
        say(f"note: nobody serves the class now, and the links open nothing until: wirelab class start {name}")
    return OK


def _links(classroom: Classroom) -> dict[str, str]:
    """The link of the board and of each seat, by its name."""
    from orchestrator.web.server import lasting_link
    from orchestrator.web.sessions import BOARD, Seat

    seats = [(seat.name, Seat(seat.name, seat.lab), seat.token) for seat in classroom.seats]
    known = ("board", BOARD, classroom.board_token), *seats
    return {name: lasting_link(classroom.endpoint, seat, token) for name, seat, token in known}


@command.command("codes")
@click.argument("name")
@click.option("--seats", type=click.IntRange(1, 99), help="So many seats; a class that has them needs none.")
@click.option("--scenario", help="The scenario with the lesson; by default the one called NAME, otherwise basic.")
@json_option
def codes_command(name: str, seats: int | None, scenario: str | None, as_json: bool) -> int:
    """Print the code of each seat, for learners with a machine of their own. Makes the class where there is none.

    A learner types the code once: wirelab learn basic --seat CODE. `wirelab class collect` judges their results.
    """
    from orchestrator.operations.lessons.files import load_lesson

    store = _store()
    loaded, classroom = _prepared(store, name, seats, scenario, "codes")
    load_lesson(loaded)
    if classroom != store.load(name):
        with store.serving(name):
            store.save(classroom)
    if as_json:
        out_json({"schema": 1, "class": name, "codes": {seat.name: seat.code for seat in classroom.seats}})
    else:
        out("\n".join(f"{seat.name}  {seat.code}" for seat in classroom.seats))
    return OK


@command.command("hint")
@click.argument("name")
@click.argument("text")
@click.option("--seat", "seats", multiple=True, metavar="SEAT", help="To this seat; may be given several times.")
@click.option("--layer", default="", help="To all seats that are stuck on this layer.")
def hint_command(name: str, text: str, seats: tuple[str, ...], layer: str) -> int:
    """Show a hint beside the lesson: to some seats, to those stuck on a layer, or to all.

    wirelab class hint monday "Is the name spelled right?" --layer "DNS answer"
    """
    shown = _ask(name, "hint", text=text, seats=list(seats), layer=layer)["seats"]
    say(f"shown to {', '.join(shown)}")
    if missed := [seat for seat in seats if seat not in shown]:
        say(f"note: not shown to {', '.join(missed)}, where no lesson runs now: wirelab class status {name}")
    return OK


@command.command("reset")
@click.argument("name")
@click.argument("seat")
def reset_command(name: str, seat: str) -> int:
    """Remove the lab of SEAT and bring it up anew. The learner's progress stays."""
    _ask(name, "reset", seat=seat)
    say(f"{seat}: its lab is made anew; wirelab class status {name}")
    return OK


@command.command("mark-done")
@click.argument("name")
@click.argument("seat")
@click.argument("task")
def mark_done_command(name: str, seat: str, task: str) -> int:
    """Take TASK of SEAT as done, whatever the packets say. The export shows it as marked."""
    _ask(name, "mark_done", seat=seat, task=task)
    say(f"{seat}: {task} is marked as done")
    return OK


@command.command("hold")
@click.argument("name")
@click.argument("task")
def hold_command(name: str, task: str) -> int:
    """Let no seat begin TASK, or a later one, until you open it. Who has begun it goes on."""
    _change_hold(name, "hold", task)
    say(f"held: {task} and the tasks after it; to open it: wirelab class open {name} {task}")
    return OK


@command.command("open")
@click.argument("name")
@click.argument("task", default="")
def open_command(name: str, task: str) -> int:
    """Open TASK and those before it; without TASK, all. Seats that wait for it begin it at once."""
    _change_hold(name, "open", task)
    say(f"open: {task} and the tasks before it" if task else "open: all tasks")
    return OK


def _change_hold(name: str, do: str, task: str) -> None:
    """By the server, where one runs; otherwise the next start finds it."""
    from orchestrator.operations.lessons.files import load_lesson
    from orchestrator.operations.scenario_library import load_scenario

    store = _store()
    classroom = store.require(name)
    if store.is_served(name):
        _ask(name, do, task=task)
        return
    tasks = tuple(load_lesson(load_scenario(classroom.scenario)).lesson.tasks)
    with store.serving(name):
        store.save(classroom.holding(task, tasks) if do == "hold" else classroom.opening(task, tasks))


@command.command("export")
@click.argument("name")
@json_option
def export_command(name: str, as_json: bool) -> int:
    """Print the results as CSV, a line for each task of each seat: done, marked, attempts, hints, solutions."""
    from orchestrator.rendering.board import results_csv

    board = _board(_store(), name)
    if as_json:
        out_json(board)
    else:
        sys.stdout.write(results_csv(board))
    return OK


def _ask(name: str, do: str, **words: Any) -> dict[str, Any]:
    from orchestrator.web.board_client import ask_board

    store = _store()
    classroom = store.require(name)
    if not store.is_served(name):
        why, hint = "its server makes this change", f"wirelab class start {name}"
        raise UsageInvalid(f"the class {name!r} is not served", why=why, hint=hint)
    return ask_board(classroom.endpoint, classroom.board_token, do, **words)


def _board(store: ClassStore, name: str) -> dict[str, Any]:
    """The board as a document: the server's own, which knows the state of each lab, where one runs."""
    from orchestrator.lessons.board import board_document
    from orchestrator.operations.classroom.board import BoardReader
    from orchestrator.operations.lessons.files import load_lesson
    from orchestrator.operations.scenario_library import load_scenario

    classroom = store.require(name)
    if store.is_served(name):
        from orchestrator.web.board_client import ask_board

        return ask_board(classroom.endpoint, classroom.board_token, "board")
    lesson = load_lesson(load_scenario(classroom.scenario)).lesson
    return board_document(BoardReader(store.state, classroom, lesson).read(classroom.held_from))


def _store() -> ClassStore:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.classroom.folder import ClassStore

    return ClassStore(StateFolder.of(os.environ))
