"""Find a node of a lab that is up: for programs, shells and logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound, NotStarted, UsageInvalid, WrongState
from orchestrator.events import ProgramEvent
from orchestrator.lab.shell_record import SHELL
from orchestrator.planning import labels
from orchestrator.planning.snapshot import STOPPED_CODES

if TYPE_CHECKING:
    from orchestrator.engine.programs import OutputSink
    from orchestrator.lab.node_logs import LogSelection
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.lab_ref import LabRef
    from orchestrator.planning.snapshot import ObservedContainer


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
    clients = (node_name for node_name, role in scenario.roles.items() if role.default_client)
    return next(clients, next(iter(scenario.nodes)))


@dataclass(frozen=True)
class NodeContainer:
    """A node of a lab that is up, the id of its container, and the command that starts the node anew."""

    lab_name: str
    node_name: str
    id: str
    start_anew: str = ""


def find_node(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, node_name: str, *, runs: bool = False
) -> NodeContainer:
    """The node with its container. Raises NotFound where the node is not up, and WrongState if it does not run where
    it must."""
    lab = workspace.lab(scenario, lab_name)
    for container in workspace.engine.containers(f"{labels.LAB}={lab.name}"):
        if container.labels.get(labels.NODE) == node_name and labels.SIDECAR not in container.labels:
            if runs:
                require_running(lab.scenario, lab.named, node_name, container, with_faults=bool(lab.faults()))
            start_anew = f"{lab.named.command('inject', 'stop', node_name)} && {lab.named.command('heal')}"
            return NodeContainer(lab.name, node_name, container.id, start_anew)
    raise NotFound(f"the node {node_name!r} of the lab {lab.name!r} is not up", hint=lab.named.command("up"))


def require_running(
    scenario: Scenario, named: LabRef, node_name: str, container: ObservedContainer, *, with_faults: bool
) -> None:
    """Raise WrongState if no program can be started in a node, with why, and the command that helps."""
    if container.state == "running":
        return
    what = f"the node {node_name!r} is {'stopped' if container.stopped else container.state}"
    why, hint = "no program can run in it", named.command("heal" if with_faults else "up")
    if container.stopped and container.out_of_memory:
        limit = (scenario.nodes[node_name].limits or scenario.roles[node_name].limits).memory
        why = f"it has ended because its program wanted more than its {limit} MiB of memory (limits: memory)"
        hint = named.command("logs", node_name)
    elif container.stopped and container.exit_code not in STOPPED_CODES:
        why, hint = f"it has ended by itself, with exit code {container.exit_code}", named.command("logs", node_name)
    raise WrongState(what, why=why, hint=hint)


def run_program(
    workspace: Workspace, node: NodeContainer, argv: Sequence[str], output: OutputSink, input_descriptor: int | None
) -> int:
    """Run a program in a node and return its exit code. `output` gets what it writes, as it comes.

    If we are interrupted, or nobody takes what it writes, the program is ended.
    """
    from secrets import token_hex

    from orchestrator.lab.node_exhaustion import no_process_left
    from orchestrator.lab.node_program import attend_program

    publish = workspace.publisher(workspace.journal(node.lab_name))
    publish(ProgramEvent("started", node.node_name, tuple(argv)))
    try:
        code = attend_program(workspace.engine, node.id, argv, output, input_descriptor, run=token_hex(6))
        publish(ProgramEvent("ended", node.node_name, tuple(argv), code))
        return code
    except NotStarted as error:
        if lacking := no_process_left(workspace.engine, node.id):
            raise NotStarted(argv[0], lacking.sentence(node.node_name), missing=False, hint=node.start_anew) from error
        require_program(workspace, node.id, argv[0])  # raises the same error with a suggestion
        raise


def require_program(workspace: Workspace, container: str, program: str) -> None:
    """Raise NotStarted if the container has no such program, with the nearest name that it has."""
    from orchestrator.lab import node_program

    node_program.require_program(workspace.engine, container, program)


def shell_nodes(scenario: Scenario) -> tuple[str, ...]:
    """The nodes in which a person can open a shell: all, the clients first, for one looks around from there."""
    return tuple(sorted(scenario.nodes, key=lambda node_name: not scenario.roles[node_name].default_client))


def shell_argv(scenario: Scenario, node_name: str) -> tuple[str, ...]:
    """The shell of a node; of an image of the author's nobody knows whether it has bash."""
    return ("sh", "-i") if scenario.nodes[node_name].image is not None else SHELL


def record_terminal(workspace: Workspace, node: NodeContainer, argv: Sequence[str]) -> None:
    """Record that somebody opens a terminal in a node."""
    publish = workspace.publisher(workspace.journal(node.lab_name))
    publish(ProgramEvent("started", node.node_name, tuple(argv)))


def log_lines(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    node_name: str | None,
    selection: LogSelection,
    *,
    follow: bool,
) -> Iterator[str]:
    """What one node wrote, or what all nodes wrote, one after another, with their names before each line.

    With `follow` also what they go on to write, as it comes.
    """
    from orchestrator.lab.node_logs import followed_by_node, written_lines

    names = [node_name] if node_name else list(scenario.reading.scenario.nodes)
    containers = {name: find_node(workspace, scenario, lab_name, name).id for name in names}
    if follow:
        lines = followed_by_node(workspace.engine, containers, selection)
    else:
        engine = workspace.engine
        lines = ((name, line) for name in names for line in written_lines(engine, containers[name], selection))
    for name, line in lines:
        yield line if node_name else f"{name} | {line}"
