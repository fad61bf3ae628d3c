"""Learners who go through a lesson another way than its author: other programs, each task on another day, or slowly."""

from __future__ import annotations

import ast
import re
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

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
SOME_TASKS = 3
# What is said of an attempt that failed, and of one that still waits for an answer.
NOT_DONE = re.compile(r"(?:not yet|why \([^)]*\)): (.*?)(?= not yet: | why \(| done: |$)")
# The task that asks for what a resolver remembers.
FORGOTTEN = ("outage", 4)
WAITING = " so far. Expected: "


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All lessons in `make truth`; otherwise one, chosen by the seed in the head of the output."""
    chosen = Random(metafunc.config.getoption("truth_seed")).choice(LESSONS)
    metafunc.parametrize("name", LESSONS if metafunc.config.getoption("full") else [chosen])


@pytest.mark.waits
@pytest.mark.truth
def test_a_learner_with_other_programs_comes_back_for_each_task(engine: Engine, bench: Bench, name: str) -> None:
    """Each task is completed by it, and the next one is there when the lesson is opened again."""
    lab = Bench(engine, bench.lab, name)
    assert all(not done_one_task(lab, number) for number in range(1, tasks(name)))
    assert done_one_task(lab, tasks(name))


@pytest.mark.truth
def test_a_slow_learner_is_told_of_no_failure(
    engine: Engine, bench: Bench, name: str, request: pytest.FixtureRequest
) -> None:
    """Each task is completed by the last piece of what is done by hand, after all hints, and nothing else is said.

    In each task a connection stays half done. Outside `make truth` the learner leaves after some tasks.
    """
    lab, last = Bench(engine, bench.lab, name), tasks(name)
    numbers = range(1, 1 + (last if request.config.getoption("full") else SOME_TASKS))
    with Learner(lab, seed=6) as learner:
        for number in numbers:
            learner.hears(f"task {number} of ")
            take_all_hints(learner)
            if (name, number) == FORGOTTEN:
                come_too_late(lab, learner)
            do_slowly(learner.solution(), lab, learner)
            said = learner.hears("done: ")
            assert (name, number) == FORGOTTEN or not failures(said)
        learner.hears("tasks done" if last in numbers else f"task {len(numbers) + 1} of ")
        assert learner.ends() == (0 if last in numbers else 1)


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
    learner.hears("SERVFAIL, the server could not find out. Expected: the answer NOERROR.")
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


def done_one_task(lab: Bench, number: int) -> bool:
    """Open the lesson, which must begin with this task, do it, and leave; whether it was the last one."""
    with Learner(lab, seed=5) as learner:
        learner.hears(f"task {number} of ")
        follow(learner.solution(), lab, learner, another_way)
        last = number == tasks(lab.scenario)
        learner.hears("tasks done" if last else f"task {number + 1} of ")
        learner.types("quit")
        assert learner.ends() == (0 if last else 1)
    return last


def follow(solution: str, lab: Bench, learner: Learner, way: Callable[[Sequence[str]], list[str]]) -> None:
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
