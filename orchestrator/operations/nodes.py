"""Find a node of a lab that is up: for programs, shells and logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, NotStarted, UsageInvalid
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.engine.programs import OutputSink
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace


def require_node(scenario: Scenario, node_name: str) -> str:
    """The name, if it is one node's; UsageInvalid, with the nearest name, if it is not."""
    from difflib import get_close_matches

    if node_name in scenario.nodes:
        return node_name
    if node_name in scenario.groups:
        machines = scenario.machines(node_name)
        what = f"{node_name!r} has {len(machines)} replicas, and one node is needed here"
        raise UsageInvalid(what, hint=f"name one of {', '.join(machines)}")
    near = get_close_matches(node_name, scenario.nodes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the nodes are {', '.join(scenario.nodes)}"
    raise UsageInvalid(f"there is no node {node_name!r} in {scenario.name}", hint=hint)


def default_node(scenario: Scenario) -> str:
    """The node in which a person looks around: the first client, or the first node where there is no client."""
    clients = (node_name for node_name, node in scenario.nodes.items() if node.role == "client")
    return next(clients, next(iter(scenario.nodes)))


def container_of(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, node_name: str) -> str:
    """The id of the node's container. Raises NotFound where the node is not up."""
    lab = workspace.lab(scenario, lab_name)
    for container in workspace.engine.containers(f"{labels.LAB}={lab.name}"):
        if container.labels.get(labels.NODE) == node_name and labels.ONLOOKER not in container.labels:
            return container.id
    raise NotFound(f"the node {node_name!r} of the lab {lab.name!r} is not up", hint=lab.named.command("up"))


def run_program(
    workspace: Workspace, container: str, argv: Sequence[str], output: OutputSink, input_descriptor: int | None
) -> int:
    """Run a program in a container and return its exit code. `output` gets what it writes, as it comes.

    If we are interrupted, or nobody takes what it writes, the program is ended.
    """
    from secrets import token_hex

    from orchestrator.lab.node_program import attend_program

    try:
        return attend_program(workspace.engine, container, argv, output, input_descriptor, run=token_hex(6))
    except NotStarted:
        require_program(workspace, container, argv[0])  # raises the same error with a suggestion
        raise


def require_program(workspace: Workspace, container: str, program: str) -> None:
    """Raise NotStarted if the container has no such program, with the nearest name that it has."""
    from orchestrator.lab import node_program

    node_program.require_program(workspace.engine, container, program)


def log_lines(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, node_name: str | None, *, follow: bool
) -> Iterator[str]:
    """What one node wrote, or what all nodes wrote, one after another, with their names before each line."""
    if node_name and follow:
        yield from workspace.engine.follow(container_of(workspace, scenario, lab_name, node_name))
        return
    for name in [node_name] if node_name else scenario.reading.scenario.nodes:
        text = workspace.engine.log(container_of(workspace, scenario, lab_name, name)).rstrip("\n")
        yield text if node_name else "\n".join(f"{name} | {line}" for line in text.splitlines())
