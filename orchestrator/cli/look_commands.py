"""ls, ps, inspect, exec, shell, logs and sweep: the commands that look at labs, go into them, and tidy up."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.options import json_option, lab_option, scenario_argument
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import OK, LabBusy, Leftovers, NotFound, UsageInvalid, WirelabError, WorldError
from orchestrator.planning import labels

if TYPE_CHECKING:
    from orchestrator.engine.protocol import Engine
    from orchestrator.host.state import State
    from orchestrator.model.scenario import Scenario
    from orchestrator.model.topology import Topology
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot


@click.command()
@json_option
def ls_command(as_json: bool) -> int:
    """List the labs that stand on the engine in use."""
    from orchestrator.rendering.labs import labs_document, labs_text

    document = labs_document(open_workspace(read_only=True).engine.containers(labels.LAB))
    if as_json:
        out_json(document)
    else:
        out(labs_text(document))
    return OK


@click.command()
@scenario_argument
@lab_option
@json_option
def ps_command(name: str | None, lab: str | None, as_json: bool) -> int:
    """List the nodes of a lab: role, state, addresses, container."""
    from orchestrator.rendering.labs import nodes_document, nodes_text

    document = nodes_document(*observed_lab(name, lab))
    if as_json:
        out_json(document)
    else:
        out(nodes_text(document))
    return OK


@click.command()
@scenario_argument
@click.argument("node", required=False)
@lab_option
@click.option("--json", is_flag=True, expose_value=False, help="As it always does; as other commands have it.")
def inspect_command(name: str | None, node: str | None, lab: str | None) -> int:
    """Print as JSON what is known of a lab: networks, nodes, names, mounted files and limits."""
    from orchestrator.planning.desired import desired
    from orchestrator.rendering.labs import capture_document, node_document

    topology, observed = observed_lab(name, lab)
    wanted = [known_node(topology.scenario, node)] if node else list(topology.scenario.nodes)
    nodes = []
    for one in wanted:
        spec = desired(topology, observed, one).spec
        more: dict[str, Any] = {
            "name": topology.name_of(one),
            "uses": list(topology.node(one).uses),
            "image": spec.image,
            "user": spec.user,
            "capabilities": list(spec.capabilities),
            "read_only": spec.read_only,
            "limits": spec.limits.model_dump(),
            "mounts": {bind.target: bind.source for bind in spec.binds},
        }
        nodes.append({**node_document(topology, observed, one), **more})
    networks = {name: str(subnet) for name, subnet in topology.subnets.items()}
    document = {"schema": 1, "lab": topology.lab, "domain": topology.scenario.domain, "networks": networks}
    out_json({**document, "nodes": nodes, "capture": capture_document(observed)})
    return OK


def observed_lab(name: str | None, lab: str | None) -> tuple[Topology, Snapshot]:
    """The topology of a lab and what there is of it now."""
    from orchestrator.operations.scenario_library import load_scenario

    workspace = open_workspace(read_only=True)
    one = workspace.lab(load_scenario(name), lab)
    observed = one.observe()
    return one.topology(observed), observed


def known_node(scenario: Scenario, node: str) -> str:
    """The node of that name; UsageInvalid, with the nearest name, if there is none."""
    from difflib import get_close_matches

    if node in scenario.nodes:
        return node
    if node in scenario.groups:
        machines = scenario.machines(node)
        what = f"{node!r} has {len(machines)} replicas, and one node is needed here"
        raise UsageInvalid(what, hint=f"name one of {', '.join(machines)}")
    near = get_close_matches(node, scenario.nodes, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the nodes are {', '.join(scenario.nodes)}"
    raise UsageInvalid(f"there is no node {node!r} in {scenario.name}", hint=hint)


def _container(name: str, node: str, lab: str | None) -> tuple[Workspace, str]:
    """The workspace and the container of a node that stands."""
    from orchestrator.operations.scenario_library import load_scenario

    loaded = load_scenario(name)
    known_node(loaded.reading.scenario, node)
    workspace = open_workspace(read_only=True)
    known = workspace.lab(loaded, lab)
    for container in workspace.engine.containers(f"{labels.LAB}={known.name}"):
        if container.labels.get(labels.NODE) == node and labels.ONLOOKER not in container.labels:
            return workspace, container.id
    raise NotFound(f"the node {node!r} of the lab {known.name!r} is not up", hint=known.named.command("up"))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("node")
@lab_option
@click.option("-i", "interactive", is_flag=True, help="Hand over standard input, whatever it is.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(name: str, node: str, lab: str | None, interactive: bool, argv: tuple[str, ...]) -> int:
    """Run a program in a node; its exit code is ours.   wirelab exec basic client -- dig app.shop.lab

    What it writes comes at once, and what is piped in, or a file, is its input. Ctrl-C ends it.
    """
    from secrets import token_hex

    from orchestrator.lab.node_program import attend_program

    workspace, container = _container(name, node, lab)
    if sys.stdin.isatty():
        _terminal(workspace.url, container, argv)
    source = sys.stdin.fileno() if interactive or _is_piped(sys.stdin.fileno()) else None
    return attend_program(workspace.engine, container, argv, _hand_on, source, run=token_hex(6))


def _is_piped(descriptor: int) -> bool:
    """Whether somebody gives input: a pipe, a file or a socket, and no /dev/null."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _hand_on(stream: int, piece: bytes) -> None:
    to = sys.stderr if stream == 2 else sys.stdout
    to.buffer.write(piece)
    to.buffer.flush()


@click.command()
@click.argument("name")
@click.argument("node", required=False)
@lab_option
def shell_command(name: str, node: str | None, lab: str | None) -> int:
    """Open a shell in a node (the first client if none is named)."""
    from orchestrator.operations.scenario_library import load_scenario

    nodes = load_scenario(name).reading.scenario.nodes
    wanted = node or next((n for n, one in nodes.items() if one.role == "client"), next(iter(nodes)))
    workspace, container = _container(name, wanted, lab)
    _terminal(workspace.url, container, ("bash", "-il") if nodes[wanted].image is None else ("sh", "-i"))
    return OK


def _terminal(url: str, container: str, argv: tuple[str, ...]) -> None:
    """Become the docker client, which knows terminals; come back only where there is none to become."""
    import shutil

    client = shutil.which("docker") or shutil.which("podman")
    if client is None:
        what, why = "a shell needs the docker command, which knows terminals", "neither docker nor podman is in PATH"
        raise WorldError(what, why=why, hint="install it, or run one program at a time: wirelab exec NAME NODE -- ls")
    flags = "-it" if sys.stdin.isatty() else "-i"
    os.execve(client, [client, "exec", flags, container, *argv], {**os.environ, "DOCKER_HOST": url})


@click.command()
@click.argument("name")
@click.argument("node", required=False)
@lab_option
@click.option("-f", "--follow", is_flag=True, help="Go on as the node writes.")
def logs_command(name: str, node: str | None, lab: str | None, follow: bool) -> int:
    """Print what a node wrote, or what all nodes wrote, one after another."""
    from orchestrator.operations.scenario_library import load_scenario

    if node and follow:
        workspace, container = _container(name, node, lab)
        for line in workspace.engine.follow(container):
            out(line)
        return OK
    nodes = [node] if node else list(load_scenario(name).reading.scenario.nodes)
    for one in nodes:
        workspace, container = _container(name, one, lab)
        text = workspace.engine.log(container).rstrip("\n")
        out(text if node else "\n".join(f"{one} | {line}" for line in text.splitlines()))
    return OK


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every lab on the engine, standing ones too.")
def sweep_command(everything: bool) -> int:
    """Remove what dead commands left, found by label. Labs that stand stay, unless --all."""
    from orchestrator.lab.removal import sweep_run
    from orchestrator.lab.run_registry import dead_runs
    from orchestrator.lab.take_down import take_down

    workspace = open_workspace(start=False)
    engine, state = workspace.engine, workspace.state
    removals = [partial(sweep_run, engine, state, run) for run in list(dead_runs(state))]
    count, failures = each_removed(removals)
    if everything:
        labs = [
            lambda lab=lab: len(take_down(engine, state, lab, lambda _event: None).steps)
            for lab in _labs(engine, state)
        ]
        more, others = each_removed(labs)
        count, failures = count + more, failures + others
    say(f"removed {count} things" if count else "nothing to sweep")
    if failures:
        why = "; ".join(error.why or error.what for error in failures)
        raise failures[0] if len(failures) == 1 else Leftovers("not all could be swept", why=why, hint="wirelab sweep")
    return OK


def each_removed(removals: Iterable[Callable[[], int]]) -> tuple[int, list[WirelabError]]:
    """Carry out each, also after one that could not be carried out; how much was removed, and what failed."""
    count = 0
    failures: list[WirelabError] = []
    for remove in removals:
        try:
            count += remove()
        except (Leftovers, LabBusy) as error:
            failures.append(error)
    return count, failures


def _labs(engine: Engine, state: State) -> list[str]:
    """The labs of this person of which anything is on the engine."""
    from orchestrator.lab.run_registry import is_foreign

    found = [one.labels for one in engine.containers(labels.LAB)]
    found += [one.labels for one in engine.networks() if labels.LAB in one.labels]
    found += [one.labels for one in engine.volumes(labels.LAB)]
    return sorted({each[labels.LAB] for each in found if not is_foreign(state, each)})
