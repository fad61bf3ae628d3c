"""A node that has no more of a resource is named by the walk where that explains the failure, and not otherwise."""

from __future__ import annotations

import pytest
from walk_harness import CONNECTS, exhausted, far, program, tcp, walked

from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.probes import ProgramResult, Unavailable

PROCESSES = Exhausted("processes", 128, 128)
DISK = Exhausted("disk", 16384, 16384, "/tmp")
DESCRIPTORS = Exhausted("descriptors", 1024, 1024, "nginx (7)")
MEMORY = Exhausted("memory", 2, 192)
HTTP = {"from_": "client", "http": "http://app-1.shop.lab/"}


def test_an_asker_without_a_process_is_the_cause_of_what_cannot_be_asked() -> None:
    world = far()
    world.rules.append(exhausted("client", PROCESSES))
    unasked = Unavailable(PROCESSES.reason("client"))
    world.rules += [program(name, unasked, "client") for name in ("bash", "cat", "ip", "python3", "ss")]
    walk = walked(world, "unknown", **CONNECTS)
    assert walk.sentence == (
        "The node client has no process left: 128 of 128 processes and threads run (limits: pids), "
        "and a shell can start no program."
    )
    assert walk.command == "wirelab inject far stop client && wirelab heal far"


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (PROCESSES, "The node app-1 has no process left: 128 of 128 processes and threads run (limits: pids)"),
        (DISK, "The disk of the node app-1 is full: /tmp holds 16 MiB, and nothing is free."),
        (DESCRIPTORS, "The program nginx (7) in app-1 has no descriptor left: 1024 of 1024 are open (ulimit -n)"),
    ],
)
def test_a_server_that_was_reached_fails_for_what_it_lacks(resource: Exhausted, says: str) -> None:
    world = far()
    world.rules += [exhausted("app-1", resource), program("curl", ProgramResult(28, "", "curl: (28) timed out"))]
    assert walked(world, **HTTP).sentence.startswith(says)


@pytest.mark.parametrize("resource", [DISK, DESCRIPTORS, MEMORY])
def test_where_the_network_is_broken_the_resource_is_told_and_not_blamed(resource: Exhausted) -> None:
    world = far()
    world.rules += [exhausted("app-1", resource), tcp("silent 3")]
    walk = walked(world, **CONNECTS)
    assert walk.broken is not None
    assert walk.broken.name == "tcp"
    assert f"app-1: {resource.fact()}" in walk.layers[0].summary


def test_a_program_that_the_kernel_ended_explains_that_nobody_listens() -> None:
    world = far()
    world.rules += [exhausted("app-1", MEMORY), program("ss", ProgramResult(0, "", ""), "app-1")]
    world.rules.append(tcp("Connection refused"))
    walk = walked(world, **CONNECTS)
    assert walk.sentence == (
        "The node app-1 was out of memory: "
        "the kernel ended 2 programs that wanted more than its 192 MiB (limits: memory)."
    )
    assert walk.command == "wirelab logs far app-1"


def test_a_node_that_lacks_nothing_is_not_spoken_of() -> None:
    assert walked(far(), **CONNECTS).layers[0].summary == "client, app-1 and resolver run"
