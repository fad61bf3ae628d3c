"""One lab stays within the machine: what its nodes may use together is compared before anything is made."""

from __future__ import annotations

import pytest

from orchestrator.errors import WorldError
from orchestrator.planning.budget import MOST_PROCESSES, require_budget
from orchestrator.reading.scenario import read_scenario


def require(limits: str, machine: int, replicas: int = 2) -> list[int]:
    """Each look at the machine; raises WorldError where the lab is too large."""
    node = f"{{role: service, command: [sleep, infinity], replicas: {replicas}, limits: {{{limits}}}}}"
    text = f"name: big\ntitle: t\nnodes: {{a: {node}, dns: {{role: dns}}}}\n"
    scenario = read_scenario(text, file="f", read_companion=dict[str, str]().get).scenario
    looks: list[int] = []

    def machine_memory() -> int:
        looks.append(machine)
        return machine

    require_budget(scenario, machine_memory, lambda path: f"f:{'.'.join(map(str, path))}")
    return looks


def test_a_small_lab_needs_no_look_at_the_machine() -> None:
    assert require("memory: 1024", machine=1) == []


def test_a_lab_may_use_three_quarters_of_the_machine() -> None:
    """The DNS server has 128 MiB. Every lab may use 4096 MiB, also on a machine that has less."""
    assert require("memory: 4096", machine=10923 + 171) == [11094]
    assert require("memory: 1984", machine=2048) == []
    assert require("memory: 65536", machine=0) == [0]  # nobody knows


@pytest.mark.parametrize(("machine", "budget"), [(24105, 18078), (10000, 7500), (2048, 4096)])
def test_a_lab_that_may_use_more_memory_than_its_budget_is_refused(machine: int, budget: int) -> None:
    with pytest.raises(WorldError) as caught:
        require("memory: 65536", machine=machine)
    assert caught.value.what == "f:nodes.a.limits.memory: big is larger than one lab may be"
    assert caught.value.why == (
        f"its nodes may use 131200 MiB together (limits: memory), and one lab may use {budget} of the {machine} MiB of "
        "the engine's machine"
    )
    assert caught.value.hint == "lower `limits: memory` of nodes; if you trust the file: up --trusted"


def test_a_lab_that_may_have_too_many_processes_is_refused() -> None:
    assert require(f"pids: {MOST_PROCESSES // 2 - 128}", machine=1) == []
    with pytest.raises(WorldError, match="is larger than one lab may be") as caught:
        require("pids: 32768", machine=1)
    assert "65664 processes together (limits: pids), and one lab may have 16384" in caught.value.why
