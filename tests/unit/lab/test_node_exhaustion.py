"""What a node has no more of: read inside it, and from the engine where it can start no program."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from orchestrator.checks.exhaustion import ARGV, Exhausted, read_exhausted
from orchestrator.checks.probes import GetExhausted, NodeExhausted, RunProgram, Unavailable
from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import NotStarted
from orchestrator.lab.node_exhaustion import read_node_exhaustion
from orchestrator.lab.probe_runner import ProbeRunner, ProbeTarget
from orchestrator.model.node import Limits
from orchestrator.operations.node_access import NodeContainer, run_program
from orchestrator.planning.specs import ContainerSpec

HEAD = "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
PLAIN = "killed 0\nprocesses 5 64\n" + HEAD + "overlay 9000 10 8990 1% /\ntmpfs 16384 0 16384 0% /tmp\n"
NOT_BEGUN = Output(254, "OCI runtime exec failed", "")


@pytest.mark.parametrize(
    ("printed", "exhausted"),
    [
        ("killed 3\n", Exhausted("memory", 3, 192)),
        ("processes 66 64\n", Exhausted("processes", 64, 64)),
        ("processes 64 64\n", Exhausted("processes", 63, 64)),
        ("open 1024 1024 7 nginx\n", Exhausted("descriptors", 1024, 1024, "nginx (7)")),
        (HEAD + "tmpfs 16384 16384 0 100% /tmp\n", Exhausted("disk", 16384, 16384, "/tmp")),
        (HEAD + "shm 65536 65533 3 100% /dev/shm\n", Exhausted("disk", 65536, 65536, "/dev/shm")),
        (HEAD + "/dev/vda1 9000 9000 0 100% /wirelab/x\n", Exhausted("disk", 9000, 9000, "the engine's disk")),
    ],
)
def test_each_resource_is_read_from_what_the_node_prints(printed: str, exhausted: Exhausted) -> None:
    assert read_exhausted(printed, 192) == (exhausted,)


@pytest.mark.parametrize(
    "printed",
    [PLAIN, "", "processes 63 64\n", "processes 900 max\n", HEAD + "tmpfs 0 0 0 - /proc/acpi\ntmpfs 9 9 0 100% /dev\n"],
)
def test_what_is_left_is_not_called_used_up(printed: str) -> None:
    """Who looks is a process itself; of what the kernel shows of itself nothing is written."""
    assert read_exhausted(printed, 192) == ()


@dataclass
class Node:
    """A node on the engine in memory, and what a program in it leaves."""

    output: Output
    engine: FakeEngine = field(init=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.engine = FakeEngine(["i"], answer=self.answer)
        spec = ContainerSpec("node", "i", {}, command=("sleep", "1"), limits=Limits(pids=64))
        self.engine.start(made := self.engine.make_container(spec))
        self.id = made

    def answer(self, _call: ProgramCall) -> Output:
        return self.output

    def runner(self, tools: frozenset[str] | None) -> ProbeRunner:
        beside = ContainerSpec("beside", "i", {})
        target = ProbeTarget(self.engine.container(self.id), tools, beside, beside, 192)
        return ProbeRunner(self.engine, {"a": target})


def test_a_node_that_starts_no_program_is_counted_by_the_engine() -> None:
    node = Node(NOT_BEGUN)
    assert node.runner(frozenset()).answer([GetExhausted("a")]) == [NodeExhausted()]
    node.engine.set_processes(node.id, 62)
    assert node.runner(frozenset()).answer([GetExhausted("a")]) == [NodeExhausted()]
    node.engine.set_processes(node.id, 66)
    assert node.runner(frozenset()).answer([GetExhausted("a")]) == [NodeExhausted((Exhausted("processes", 64, 64),))]


@pytest.mark.parametrize("tools", [frozenset[str](), None])
def test_a_question_to_a_node_without_a_process_names_the_limit(tools: frozenset[str] | None) -> None:
    """In a batch, and alone where nobody knows the tools of an author's image."""
    node = Node(NOT_BEGUN)
    node.engine.set_processes(node.id, 64)
    probe = RunProgram("a", ("true",), inside=True)
    assert node.runner(tools).answer([probe]) == [Unavailable("a has no process left (64 of 64)")]


def test_an_engine_that_tells_of_ended_programs_is_believed() -> None:
    """Also of a node that has ended, in which nothing can be read."""
    node = Node(Output(0, PLAIN, ""))
    node.engine.stop(node.id, 0)
    ended = replace(node.engine.container(node.id), out_of_memory=True)
    assert read_node_exhaustion(node.engine, ended, 192) == (Exhausted("memory", 1, 192),)


def test_exec_in_a_node_without_a_process_says_so_with_the_command_that_helps() -> None:
    node = Node(Output(127, "", "not found"))
    node.engine.set_processes(node.id, 64)
    workspace: Any = Workspace(node.engine)
    target = NodeContainer("shop", "a", node.id, "wirelab inject shop stop a && wirelab heal shop")
    with pytest.raises(NotStarted) as caught:
        run_program(workspace, target, ("ls",), lambda _stream, _piece: None, None)
    error = caught.value
    assert (error.what, error.exit_code) == ("'ls' cannot be run in the node", 126)
    assert error.why == (
        "The node a has no process left: 64 of 64 processes and threads run (limits: pids), "
        "and a shell can start no program"
    )
    assert error.hint == "wirelab inject shop stop a && wirelab heal shop"
    node.engine.set_processes(node.id, 5)
    with pytest.raises(NotStarted, match="there is no program 'ls' in the node"):
        run_program(workspace, target, ("ls",), lambda _stream, _piece: None, None)


@dataclass
class Workspace:
    """As much of a workspace as running a program takes."""

    engine: FakeEngine

    def journal(self, _lab: str) -> None:
        return None

    def publisher(self, _journal: object) -> Any:
        return lambda _event: None


def test_the_script_needs_no_process_but_its_own() -> None:
    """What is a builtin of dash(1) starts none, and df(1) takes the shell's place."""
    script = ARGV[-1]
    assert script.splitlines()[-1].startswith("exec df ")
    assert not any(mark in script for mark in ("$(", "`", " & "))
