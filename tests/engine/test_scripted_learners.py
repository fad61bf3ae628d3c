"""A learner who goes through a lesson another way than its author: other programs, and each task on another day."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from random import Random

import pytest
from lab_bench import CHECKOUT, Bench, Engine
from learner import Learner
from other_programs import another_way

LESSONS = sorted(path.parent.name for path in (CHECKOUT / "scenarios").glob("*/lesson.md"))
TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
EDIT = re.compile(rf"in place of {TEXT} write {TEXT}")
OWN_COPY = re.compile(r"own copy of the scenario file, (\S+),")


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


def tasks(name: str) -> int:
    """How many tasks a lesson has."""
    return (CHECKOUT / "scenarios" / name / "lesson.md").read_text("utf-8").count("\n::task{")


def done_one_task(lab: Bench, number: int) -> bool:
    """Open the lesson, which must begin with this task, do it, and leave; whether it was the last one."""
    with Learner(lab, seed=5) as learner:
        learner.hears(f"task {number} of ")
        follow(learner.solution(), lab, learner)
        last = number == tasks(lab.scenario)
        learner.hears("tasks done" if last else f"task {number + 1} of ")
        learner.types("quit")
        assert learner.ends() == (0 if last else 1)
    return last


def follow(solution: str, lab: Bench, learner: Learner) -> None:
    """Do what a solution says: a program, a command of wirelab, a change of the own copy of the file, or an answer."""
    if program := re.match(r"([a-z0-9-]+)\$ (.+)", solution):
        argv = another_way(shlex.split(program[2]))
        lab.container(program[1]).exec_run(argv, detach=argv[:3] == ["python3", "-m", "http.server"])
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
