"""A program, a shell or a trace in a node that does not run: it is said why, and what helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from observed_labs import BASIC, scenario, standing

from orchestrator.errors import WrongState
from orchestrator.operations.node_access import require_running
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.snapshot import ObservedContainer

LAB = LabRef.of("shop", "shop", "shop")


def client(**changes: Any) -> ObservedContainer:
    container = standing(BASIC).container_of("client")
    assert container
    return replace(container, **changes)


@pytest.mark.parametrize(
    ("changes", "with_faults", "what", "why", "hint"),
    [
        (
            {"state": "exited", "exit_code": 137, "out_of_memory": True},
            False,
            "stopped",
            "it has ended because its program wanted more than its 128 MiB of memory (limits: memory)",
            "wirelab logs shop client",
        ),
        ({"state": "exited", "exit_code": 3}, True, "stopped", "with exit code 3", "wirelab logs shop client"),
        ({"state": "exited", "exit_code": 143}, True, "stopped", "no program can run in it", "wirelab heal shop"),
        ({"state": "exited", "exit_code": 0}, False, "stopped", "no program can run in it", "wirelab up shop"),
        ({"state": "created"}, False, "stopped", "no program can run in it", "wirelab up shop"),
        ({"state": "paused"}, True, "paused", "no program can run in it", "wirelab heal shop"),
        ({"state": "dead"}, False, "dead", "no program can run in it", "wirelab up shop"),
    ],
)
def test_it_is_said_why_a_node_does_not_run(
    changes: dict[str, Any], with_faults: bool, what: str, why: str, hint: str
) -> None:
    with pytest.raises(WrongState) as caught:
        require_running(scenario(BASIC), LAB, "client", client(**changes), with_faults=with_faults)
    error = caught.value
    assert (error.what, why in error.why, error.hint) == (f"the node 'client' is {what}", True, hint)


def test_of_a_node_that_runs_nothing_is_said() -> None:
    require_running(scenario(BASIC), LAB, "client", client(), with_faults=True)
