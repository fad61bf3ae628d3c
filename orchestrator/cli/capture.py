"""capture: record the networks of a lab, keep the packets as a file, or stream them to Wireshark."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out_json, out_text, say
from orchestrator.cli.options import Command, json_option, lab_option, scenario_argument
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.operations.capture import PacketFilter
    from orchestrator.operations.lab_target import LabTarget


def packet_options(command: Command) -> Command:
    """--node and --filter: which packets are meant."""
    nodes = click.option(
        "--node", "nodes", multiple=True, metavar="NODE", help="Record only what NODE sends or receives."
    )
    text = "Only packets that this expression names (pcap-filter(7))."
    return nodes(click.option("--filter", "bpf", default="", metavar="BPF", help=text)(command))


@click.group()
def command() -> None:
    """Record the packets on all networks of a lab."""


@command.command("start")
@scenario_argument
@lab_option
@packet_options
@click.option("--ring", type=click.IntRange(1, 1024), metavar="MB", help="Keep the last MB megabytes. Default: 64.")
@click.option("--live", is_flag=True, help="Record nothing; stream the packets to standard output as pcapng.")
def start(name: str | None, lab: str | None, nodes: tuple[str, ...], bpf: str, ring: int | None, live: bool) -> int:
    """Start to record.

    wirelab capture start basic --live | wireshark -k -i -
    """
    from orchestrator.operations.capture import PacketFilter, start_capture

    packets, target = PacketFilter(nodes, bpf), find_lab(name, lab)
    packets.require_nodes(target.scenario.reading.scenario)
    if live:
        return _stream(target, packets)
    workspace = open_workspace(target.lab_name, read_only=True)
    capture, started = start_capture(workspace, target.scenario, target.lab_name, packets, ring)
    say(f"recording; then: {capture.named.command('trace')}" if started else "a capture is running already")
    return OK


def _stream(target: LabTarget, packets: PacketFilter) -> int:
    """pcapng to standard output until somebody interrupts, or Wireshark is closed."""
    from orchestrator.operations.capture import stream_capture

    refuse_terminal("wirelab capture start NAME --live | wireshark -k -i -")
    workspace = open_workspace(target.lab_name, read_only=True)
    with closing(stream_capture(workspace, target.scenario, target.lab_name, packets)) as pieces:
        write_pcapng(pieces)
    return OK


def refuse_terminal(hint: str) -> None:
    """Raise UsageInvalid if standard output is a terminal."""
    if sys.stdout.isatty():
        raise UsageInvalid("pcapng is a binary format, which a terminal cannot show", hint=hint)


def write_pcapng(pieces: Iterable[bytes]) -> None:
    """Write packets to standard output, each piece as soon as it is there."""
    for piece in pieces:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@command.command("stop", short_help="Stop recording, and delete the recording.")
@scenario_argument
@lab_option
def stop(name: str | None, lab: str | None) -> int:
    """Stop recording, and delete the recording. To keep it, run `capture save` first."""
    from orchestrator.operations.capture import stop_capture

    target = find_lab(name, lab)
    stopped = stop_capture(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name)
    say("the capture is gone" if stopped else "no capture was there")
    return OK


@command.command("status", short_help="Show how much is recorded, and what is missing.")
@scenario_argument
@lab_option
@json_option
def status(name: str | None, lab: str | None, as_json: bool) -> int:
    """Show whether a capture is running, how much it has recorded, and what is missing."""
    from orchestrator.operations.capture import capture_status
    from orchestrator.rendering.capture import status_text

    target = find_lab(name, lab)
    document = capture_status(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name)
    if as_json:
        out_json(document)
    else:
        out_text(status_text(document))
    return OK


@command.command("save")
@scenario_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@lab_option
def save(name: str | None, file: Path, lab: str | None) -> int:
    """Save the recording so far as a pcapng file, for Wireshark."""
    from orchestrator.operations.capture import save_capture
    from orchestrator.rendering.capture import losses_text

    target = find_lab(name, lab)
    counts = save_capture(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name, file)
    say(f"saved {file}")
    if missing := losses_text(counts):
        say(missing)
    return OK


def say_filter(expression: str) -> None:
    """Tell whoever reads a recording that it does not hold everything."""
    if expression:
        say(f"the running capture records only {expression}; all other traffic is missing")
