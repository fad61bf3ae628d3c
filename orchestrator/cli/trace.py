"""trace: tell what crossed the wire, as a story."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.capture import packet_options, say_filter
from orchestrator.cli.closed_output import ends_with_its_reader
from orchestrator.cli.console import out, say, terminal_width
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import INTERRUPTED, OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.operations.capture import PacketFilter
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.trace import CommandRun
    from orchestrator.operations.workspace import Workspace
    from orchestrator.traffic.story import Story

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FROM = "The node that runs the command; the first client by default."
FORMS = ("text", "json", "mermaid", "svg", "html")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.option("--from", "node_name", default="", metavar="NODE", help=FROM)
@click.option("-f", "--follow", is_flag=True, help="Show all traffic live, until Ctrl-C.")
@click.option("--read", "file", type=FILE, help="Show what is in a capture file.")
@click.option("--checks", is_flag=True, help="Also show the traffic of the checks.")
@packet_options
@lab_option
@json_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
def command(
    name: str,
    argv: tuple[str, ...],
    node_name: str,
    follow: bool,
    file: Path | None,
    checks: bool,
    nodes: tuple[str, ...],
    bpf: str,
    lab: str | None,
    as_json: bool,
    form: str,
) -> int:
    """Run a command, and show what it caused on the network, from the packets alone.

    wirelab trace basic -- curl http://app.shop.lab/items

    Without a command: show what a running capture has recorded so far; with --from, only what NODE began. --node and
    --filter limit what -f shows, and what is recorded for a command if no capture is running.
    """
    from orchestrator.operations.capture import PacketFilter
    from orchestrator.operations.node_access import require_node

    form, packets = "json" if as_json else form, PacketFilter(nodes, bpf)
    if file and (argv or follow):
        raise UsageInvalid("--read tells what is in a file: it runs no command and follows nothing")
    if follow and (argv or form not in ("text", "json")):
        what = "-f tells what happens as text or JSON, and runs no command"
        raise UsageInvalid(what, hint=f"wirelab trace -f {name}")
    target = find_lab(name, lab)
    packets.require_nodes(target.scenario.reading.scenario)
    if node_name:
        require_node(target.scenario.reading.scenario, node_name)
    workspace = open_workspace(target.lab_name, read_only=True)
    if follow:
        return _follow(workspace, target, node_name, packets, form)
    return _trace(workspace, target, argv, node_name, file, checks, packets, form)


def _trace(
    workspace: Workspace,
    target: LabTarget,
    argv: tuple[str, ...],
    node_name: str,
    file: Path | None,
    checks: bool,
    packets: PacketFilter,
    form: str,
) -> int:
    """Of a file, of a command, or of what a running capture has recorded."""
    from orchestrator.operations.trace import trace_capture, trace_command, trace_file

    code, scenario, lab = OK, target.scenario, target.lab_name
    if file:
        trace = trace_file(workspace, scenario, lab, file, node_name)
    elif argv:
        run, trace = trace_command(
            workspace, scenario, lab, argv, node_name=node_name, packets=packets, on_run=_say_run
        )
        code = INTERRUPTED if run.outcome == "interrupted" else OK
    else:
        trace = trace_capture(workspace, scenario, lab, began_by=node_name, with_checks=checks)
    say_filter(trace.filter)
    if trace.warning:
        say(trace.warning)
    _print_story(trace.story, scenario, form)
    return code


def _say_run(run: CommandRun) -> None:
    """What the command printed, apart from the story."""
    command_line = f"{run.node_name}$ {' '.join(run.argv)}"
    if run.outcome == "too long":
        late = "it ran for more than 60 s, or printed too much"
        say(f"{command_line}   (ended, because {late}; this is the story until then)\n")
    elif run.output is None:
        say(f"\n{command_line}   (interrupted; this is the story until then)\n")
    else:
        say(f"{command_line}   (exit code {run.output.exit_code})")
        sys.stderr.write(run.output.out[-2000:] + run.output.err[-2000:])
        say("")


def _follow(workspace: Workspace, target: LabTarget, node_name: str, packets: PacketFilter, form: str) -> int:
    """Print each span as soon as all that it caused is over."""
    from orchestrator.operations.trace import follow_spans
    from orchestrator.rendering.story import live_json, span_lines

    def say_start() -> None:
        say(f"showing the traffic of {target.lab_name}; Ctrl-C ends it")

    scenario, lab, began = target.scenario, target.lab_name, None
    numbers = iter(range(1, 1 << 62))
    following = follow_spans(workspace, scenario, lab, began_by=node_name, packets=packets, on_start=say_start)
    with ends_with_its_reader(), closing(following) as spans:
        for span in spans:
            began = span.at if began is None else began
            for line in live_json(span, began, numbers) if form == "json" else span_lines((span,), began):
                out(line)
    return OK


def _print_story(story: Story, scenario: LoadedScenario, form: str) -> None:
    from orchestrator.rendering import sequence
    from orchestrator.rendering.story import WIDTH, json_lines, story_text
    from orchestrator.rendering.story_page import story_page

    declared = scenario.reading.scenario
    match form:
        case "json":
            out("\n".join(json_lines(story)))
        case "text":
            out(story_text(story, width=min(WIDTH, terminal_width(sys.stdout) or WIDTH)))
        case "html":
            command_line = shlex.join(("wirelab", *sys.argv[1:]))
            out(story_page(story, f"{declared.name}: {declared.title}", command_line).rstrip())
        case _:
            out(sequence.mermaid(story) if form == "mermaid" else sequence.svg(story))
