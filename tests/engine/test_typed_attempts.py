"""What a learner types in a shell of the wrong node is answered, also where no packet of it crosses a network."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from lab_bench import CHECKOUT, DEADLINE, Bench
from terminal import at_a_terminal

from orchestrator.lessons.messages import Message, NotDone
from orchestrator.operations.lessons.learn import OpenLesson, open_lesson
from orchestrator.operations.live.node_terminals import NodeTerminals
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.operations.workspace import open_workspace

TYPED = "curl -s http://127.0.0.1/items"


def test_what_is_typed_in_a_shell_of_the_wrong_node_is_answered(bench: Bench) -> None:
    """In a shell of `wirelab shell` and in one of the live page; at the end no reader is left in the node."""
    messages: list[Message] = []
    workspace = open_workspace(notify=lambda _text: None, confirm=lambda _question: False).without_watcher()
    scenario = load_scenario(str(CHECKOUT / "scenarios" / "basic"))

    def turn_until(lesson: OpenLesson, is_so: Callable[[], object]) -> None:
        until = time.monotonic() + DEADLINE
        while not is_so():
            assert time.monotonic() < until, messages
            lesson.turn()

    def sentences() -> list[str]:
        return [message.sentence for message in messages if isinstance(message, NotDone)]

    with open_lesson(workspace, scenario, bench.lab, tell=messages.append, seed=5) as lesson:
        lesson.turn("restore look-up")
        argv = (
            sys.executable,
            "-m",
            "orchestrator",
            "shell",
            str(CHECKOUT / "scenarios" / "basic"),
            "--lab",
            bench.lab,
        )
        shell = threading.Thread(
            target=at_a_terminal,
            args=((*argv, "app"),),
            kwargs={"env": dict(bench.engine.environ), "cwd": CHECKOUT, "lines": (TYPED, "exit"), "seconds": DEADLINE},
        )
        shell.start()
        turn_until(lesson, sentences)
        shell.join(DEADLINE)
        terminals = NodeTerminals(workspace, scenario, bench.lab, ["db"])
        terminal = terminals.open("db")
        terminal.write(b"curl -s http://127.0.0.1:9/\r")
        turn_until(lesson, lambda: len(sentences()) > 1)
        terminals.close_all()
        assert sentences() == [
            f"{TYPED!r} ran in app. Expected: client does it.",
            "'curl -s http://127.0.0.1:9/' ran in db. Expected: client does it.",
        ]
        assert lesson.run.progress.task("look-up").attempts == 2
        app = lesson.run.lab.node("app")
    # The program that reads what is typed ends with the lesson.
    programs = app.run_unrecorded("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").out
    assert ".wirelab-shell" not in programs
    workspace.close()
