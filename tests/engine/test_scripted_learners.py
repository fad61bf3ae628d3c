"""Learners who go through a lesson another way than its author: other programs, each task on another day, or slowly."""

from __future__ import annotations

import ast
import re
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from lab_bench import CHECKOUT, Bench, Engine
from learner import Learner
from other_programs import another_way
from slow_hand import PAUSE
from slow_programs import half_done, slow_way

LESSONS = sorted(path.parent.name for path in (CHECKOUT / "scenarios").glob("*/lesson.md"))
TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
EDIT = re.compile(rf"in place of {TEXT} write {TEXT}")
PROGRAM = re.compile(r"([a-z0-9-]+)\$ (.+)")
OWN_COPY = re.compile(r"own copy of the scenario file, (\S+),")
# What is said of an attempt that failed, and of one that still waits for an answer.
NOT_DONE = re.compile(r"(?:not yet|why \([^)]*\)): (.*?)(?= not yet: | why \(| done: |$)")
# The task that asks for what a resolver remembers.
FORGOTTEN = ("outage", 4)
WAITING = " so far. Expected: "
Way = Callable[[Sequence[str]], list[str]]
# One visit of a learner: the tasks that are done in it, and how the program of a solution is run.
Visit = tuple[range, Way]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In `make truth` each lesson whole with each habit; otherwise each lesson once, the habits in turn."""
    habits = ("slow", "other-programs") if metafunc.config.getoption("full") else ("in-turn",)
    metafunc.parametrize(("habit", "name"), [(habit, name) for habit in habits for name in LESSONS])


@pytest.mark.waits
@pytest.mark.truth
@pytest.mark.sampled(len(LESSONS))
def test_a_learner_with_habits_of_their_own_goes_through_a_lesson(
    engine: Engine, bench: Bench, habit: str, name: str, request: pytest.FixtureRequest
) -> None:
    """Each task is completed, and the next one is there when the lesson is opened again.

    Who is slow works by hand and in pieces, after all hints, leaves a connection half done in each task, and is told of
    no failure. Who has other programs opens the lesson for each task.
    """
    lab, last = Bench(engine, bench.lab, name), tasks(name)
    for numbers, way in visits(habit, last, request.config.getoption("truth_seed")):
        with Learner(lab, seed=6) as learner:
            for number in numbers:
                learner.hears(f"task {number} of ")
                do_task(lab, learner, way, is_forgotten=(name, number) == FORGOTTEN)
            is_over = last in numbers
            learner.hears("tasks done" if is_over else f"task {numbers.stop} of ")
            if not is_over:
                learner.types("quit")
            assert learner.ends() == (0 if is_over else 1)


def visits(habit: str, last: int, seed: int) -> list[Visit]:
    """How a learner with this habit divides the tasks 1 to `last`; the seed says which of two halves is done slowly."""
    if habit == "slow":
        return [(range(1, last + 1), slow_way)]
    if habit == "other-programs":
        return [(range(number, number + 1), another_way) for number in range(1, last + 1)]
    middle = 1 + last // 2
    ways = (slow_way, another_way) if seed % 2 else (another_way, slow_way)
    return list(zip((range(1, middle), range(middle, last + 1)), ways, strict=True))


def do_task(lab: Bench, learner: Learner, way: Way, *, is_forgotten: bool) -> None:
    """Do the task that has begun. Who is slow hears nothing of a failure, unless what was to be seen is forgotten."""
    if way is not slow_way:
        follow(learner.solution(), lab, learner, way)
        learner.hears("done: ")
        return
    take_all_hints(learner)
    if is_forgotten:
        come_too_late(lab, learner)
    do_slowly(learner.solution(), lab, learner)
    said = learner.hears("done: ")
    assert is_forgotten or not failures(said)


def failures(said: str) -> list[str]:
    """What was said of attempts that failed. That one still waits for an answer, and for whom, may be said."""
    sentences = NOT_DONE.findall(said)
    return [sentence for sentence in sentences if not any(WAITING in other for other in sentences)]


def take_all_hints(learner: Learner) -> None:
    """Read one hint after the other, at the pace of somebody who thinks."""
    learner.types("hint")
    learner.hears("hint 1 of ")
    for number in range(2, int(re.findall(r"hint 1 of (\d+)", learner.said)[-1]) + 1):
        learner.types("hint")
        learner.hears(f"hint {number} of ")


def come_too_late(lab: Bench, learner: Learner) -> None:
    """Ask when the resolver has forgotten the answer, as after 300 seconds; then do what the last hint says."""
    lab.container("resolver").restart()
    learner.runs("dig", "+time=20", "+tries=1", "app.shop.lab")
    learner.hears("SERVFAIL, the server could not find out. Expected: the address of app.")
    ran = lab.cli("heal")
    assert ran.code == 0, ran.err


def do_slowly(solution: str, lab: Bench, learner: Learner) -> None:
    """Leave a connection half done in one terminal, and do what the solution says in another, in pieces."""
    if program := PROGRAM.match(solution):
        if begun := half_done(shlex.split(program[2])):
            lab.container(program[1]).exec_run(begun, detach=True)
    else:
        time.sleep(PAUSE)  # the learner's own
    follow(solution, lab, learner, slow_way)


def tasks(name: str) -> int:
    """How many tasks a lesson has."""
    return (CHECKOUT / "scenarios" / name / "lesson.md").read_text("utf-8").count("\n::task{")


def follow(solution: str, lab: Bench, learner: Learner, way: Way) -> None:
    """Do what a solution says: a program, a command of wirelab, a change of the own copy of the file, or an answer.

    `way` gives the program that does what the program of the solution does.
    """
    if program := PROGRAM.match(solution):
        argv = shlex.split(program[2])
        lab.container(program[1]).exec_run(way(argv), detach=argv[:3] == ["python3", "-m", "http.server"])
    elif solution.startswith("wirelab heal"):
        ran = lab.cli("heal")
        assert ran.code == 0, ran.err
    elif edits := EDIT.findall(solution):
        file = Path(OWN_COPY.findall(" ".join(learner.said.split()))[-1])
        for old, new in edits:
            # On the terminal one blank may stand for several of the file.
            words = re.compile(r"\s+".join(map(re.escape, ast.literal_eval(old).split())))
            text, count = words.subn(ast.literal_eval(new).replace("\\", r"\\"), file.read_text("utf-8"))
            assert count == 1
            file.write_text(text, "utf-8")
        ran = lab.run("up", lab.lab)
        assert ran.code == 0, ran.err
    else:
        learner.types(solution)
