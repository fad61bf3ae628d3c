"""ls, ps, inspect, exec, shell, logs and sweep: the commands that look at labs, go into them, and tidy up."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from orchestrator.cli.closed_output import ends_with_its_reader
from orchestrator.cli.console import out, out_json, out_text, say, say_error, terminal_width
from orchestrator.cli.options import json_option, lab_option, line_count, scenario_argument
from orchestrator.cli.workspace import find_lab, open_workspace, reached_engines
from orchestrator.errors import OK, WORLD, WorldError
from orchestrator.host.state_folder import StateFolder

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.workspace import Workspace


@click.command()
@json_option
def ls_command(as_json: bool) -> int:
    """List the labs on the engine in use and on all members, and the rest of labs whose removal is not complete.

    For each lab: scenario, running nodes, age, owner, number of faults, result of the last check, the member, if there
    are any, and the time at which the lab removes itself. Exit code 3 if a member does not answer.
    """
    from orchestrator.operations.inspection import lab_leftovers, lab_summaries
    from orchestrator.operations.members.everywhere import labs_of_unreachable
    from orchestrator.rendering.labs import labs_document, labs_text

    with reached_engines(read_only=True) as reached:
        summaries = [summary for workspace in reached.workspaces for summary in lab_summaries(workspace)]
        left = [leftovers for workspace in reached.workspaces for leftovers in lab_leftovers(workspace)]
    document = labs_document(summaries, left)
    if as_json:
        out_json(document)
    else:
        out_text(labs_text(document, time.time(), terminal_width(sys.stdout), has_members=reached.has_members))
    for error in reached.unreachable:
        say_error(labs_of_unreachable(StateFolder.of(os.environ), error))
    return WORLD if reached.unreachable else OK


@click.command()
@scenario_argument
@lab_option
@json_option
def ps_command(name: str | None, lab: str | None, as_json: bool) -> int:
    """List the nodes of a lab: role, state, addresses and container.

    A node that has no more memory, processes, disk or descriptors is named, with the limit and a command that helps.
    """
    from orchestrator.operations.exhaustion import read_exhaustion
    from orchestrator.operations.inspection import observe_lab
    from orchestrator.rendering.nodes import exhausted_text, nodes_document, nodes_text

    target = find_lab(name, lab)
    workspace = open_workspace(target.lab_name, read_only=True)
    observed_lab = observe_lab(workspace, target.scenario, target.lab_name)
    exhaustion = read_exhaustion(workspace, target.scenario, target.lab_name, observed_lab)
    document = nodes_document(*observed_lab, exhaustion.resources)
    if as_json:
        out_json(document)
        return OK
    out_text(nodes_text(document, terminal_width(sys.stdout)))
    if exhaustion.resources:
        out_text(f"\n{exhausted_text(exhaustion.resources, exhaustion.commands)}")
    return OK


@click.command()
@scenario_argument
@click.argument("node", required=False)
@lab_option
@click.option("--json", is_flag=True, expose_value=False, help="Print one JSON document, as without this option.")
def inspect_command(name: str | None, node: str | None, lab: str | None) -> int:
    """Print as JSON what wirelab knows about a lab: networks, nodes, names, mounted files and limits."""
    from orchestrator.operations.inspection import observe_lab
    from orchestrator.operations.node_access import require_node
    from orchestrator.rendering.nodes import lab_document

    target = find_lab(name, lab)
    declared = target.scenario.reading.scenario
    nodes = [require_node(declared, node)] if node else list(declared.nodes)
    topology, observed = observe_lab(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name)
    out_json(lab_document(topology, observed, nodes))
    return OK


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("node")
@lab_option
@click.option("-i", "interactive", is_flag=True, help="Pass standard input to the program, even a terminal.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(name: str, node: str, lab: str | None, interactive: bool, argv: tuple[str, ...]) -> int:
    """Run a program in a node, and end with its exit code.   wirelab exec basic client -- dig app.shop.lab

    What it writes comes at once, and what is piped in, or a file, is its input. Ctrl-C ends it.
    """
    from orchestrator.operations.node_access import (
        find_node,
        record_terminal,
        require_node,
        require_program,
        run_program,
    )

    target = find_lab(name, lab)
    require_node(target.scenario.reading.scenario, node)
    workspace = open_workspace(target.lab_name, read_only=True)
    container = find_node(workspace, target.scenario, target.lab_name, node, runs=True)
    if sys.stdin.isatty():
        _say_exhausted(workspace, target, node)
        # The docker client would tell of a missing program in the words of its runtime.
        require_program(workspace, container.id, argv[0])
        record_terminal(workspace, container, argv)
        _become_terminal(workspace.url_of(container.id), container.id, argv)
    source = sys.stdin.fileno() if interactive or _is_piped(sys.stdin.fileno()) else None
    code = run_program(workspace, container, argv, _write_through, source)
    if code != OK:
        _say_exhausted(workspace, target, node)
    return code


def _say_exhausted(workspace: Workspace, target: LabTarget, *node_names: str) -> None:
    """Say which of these nodes, or of all, has no more of a resource: that may be why a program failed there."""
    from orchestrator.operations.exhaustion import read_exhaustion
    from orchestrator.operations.inspection import observe_lab
    from orchestrator.rendering.nodes import exhausted_text

    observed_lab = observe_lab(workspace, target.scenario, target.lab_name)
    exhaustion = read_exhaustion(workspace, target.scenario, target.lab_name, observed_lab, node_names)
    if exhaustion.resources:
        say(exhausted_text(exhaustion.resources, exhaustion.commands))


def _is_piped(descriptor: int) -> bool:
    """Whether somebody gives input: a pipe, a file or a socket, and no /dev/null."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _write_through(stream: int, piece: bytes) -> None:
    to = sys.stderr if stream == 2 else sys.stdout
    to.buffer.write(piece)
    to.buffer.flush()


@click.command()
@click.argument("name")
@click.argument("node", required=False)
@lab_option
def shell_command(name: str, node: str | None, lab: str | None) -> int:
    """Open a shell in a node (the first client if none is named)."""
    from orchestrator.operations.inspection import observe_lab
    from orchestrator.operations.node_access import default_node, find_node, record_terminal, require_node, shell_argv
    from orchestrator.rendering.welcome import welcome_text

    target = find_lab(name, lab)
    scenario = target.scenario.reading.scenario
    node_name = require_node(scenario, node) if node else default_node(scenario)
    workspace = open_workspace(target.lab_name, read_only=True)
    container = find_node(workspace, target.scenario, target.lab_name, node_name, runs=True)
    if sys.stdin.isatty():
        topology, _ = observe_lab(workspace, target.scenario, target.lab_name)
        say(f"\n{welcome_text(topology, node_name)}\n")
    shell = shell_argv(scenario, node_name)
    record_terminal(workspace, container, shell)
    _become_terminal(workspace.url_of(container.id), container.id, shell)
    return OK


def _become_terminal(url: str, container: str, argv: tuple[str, ...]) -> None:
    """Become the docker client, which knows terminals; come back only where there is none to become."""
    from orchestrator.lab.shell_record import shell_environment

    client = shutil.which("docker")
    if client is None:
        what, why = "a shell needs the docker command, which knows terminals", "no docker is in PATH"
        raise WorldError(what, why=why, hint="install it, or run one program at a time: wirelab exec NAME NODE -- ls")
    flags = "-it" if sys.stdin.isatty() else "-i"
    variables = [word for name, value in shell_environment(argv).items() for word in ("--env", f"{name}={value}")]
    os.execve(client, [client, "exec", flags, *variables, container, *argv], {**os.environ, "DOCKER_HOST": url})


@click.command()
@click.argument("name")
@click.argument("node", required=False)
@lab_option
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines until Ctrl-C.")
@click.option("-n", "--tail", metavar="LINES", callback=line_count, help="Print only the last lines of each node.")
@click.option("--since", metavar="TIME", help="Print only what was written since: 10m (ago), or 2026-01-31T12:00.")
@click.option("--all", "own", is_flag=True, help="Also print the DNS questions that wirelab itself has asked.")
def logs_command(
    name: str, node: str | None, lab: str | None, follow: bool, tail: int | None, since: str | None, own: bool
) -> int:
    """Print the log of a node, or of all nodes.

    wirelab logs basic app --tail 5
    """
    from orchestrator.lab.node_logs import LogSelection
    from orchestrator.operations.durations import parse_moment
    from orchestrator.operations.node_access import log_lines, require_node

    moment = parse_moment(since, "--since") if since else None
    target = find_lab(name, lab)
    if node:
        require_node(target.scenario.reading.scenario, node)
    workspace = open_workspace(target.lab_name, read_only=True)
    began = moment.seconds(workspace.engine.now()) if moment else 0.0
    selection = LogSelection(began, tail, own)
    named = (node,) if node else ()
    if follow:
        _say_exhausted(workspace, target, *named)
    with ends_with_its_reader() if follow else nullcontext():
        for line in log_lines(workspace, target.scenario, target.lab_name, node, selection, follow=follow):
            out(line)
    if not follow:
        _say_exhausted(workspace, target, *named)
    return OK


@click.command()
@click.option("--all", "everything", is_flag=True, help="Remove every lab on the engine, also those in use.")
def sweep_command(everything: bool) -> int:
    """Remove what killed commands left behind and labs whose time is over, and complete removals that began.

    Faults of killed checks are healed. All other labs stay, unless you add --all. Members are swept, too; exit code 6
    if one does not answer.
    """
    from orchestrator.operations.members.everywhere import sweep_everywhere
    from orchestrator.rendering.labs import leftovers_text

    with reached_engines() as reached:
        result = sweep_everywhere(reached, StateFolder.of(os.environ), all_labs=everything)
    if result.healed:
        say(f"healed {result.healed} {'fault' if result.healed == 1 else 'faults'} of checks that were killed")
    if result.removed or not result.healed:
        say(f"removed {result.removed} things" if result.removed else "nothing to sweep")
    if result.left:
        say(leftovers_text(result.left))
    result.raise_failures()
    return OK
