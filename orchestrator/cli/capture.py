"""capture: record the wire of a lab, keep it as a file, or hand it to Wireshark as it is heard."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.options import Command, json_option, lab_option, scenario_argument
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import OK, UsageInvalid, WorldError

if TYPE_CHECKING:
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot

# What dumpcap and tshark say where all is well.
USUAL = ("Running as user", "Capturing on ", "File: ", "Packets")


def narrowing_options(command: Command) -> Command:
    """Which packets are meant."""
    nodes = click.option("--node", "nodes", multiple=True, metavar="NODE", help="Only what NODE sends or receives.")
    text = "Only packets that this expression names (pcap-filter(7))."
    return nodes(click.option("--filter", "bpf", default="", metavar="BPF", help=text)(command))


@click.group()
def command() -> None:
    """Record everything that crosses the wires of a lab."""


@command.command("start")
@scenario_argument
@lab_option
@narrowing_options
@click.option("--ring", type=click.IntRange(1, 1024), metavar="MB", help="Keep the last MB megabytes (64).")
@click.option("--live", is_flag=True, help="Record nothing; print pcapng as it is heard, for Wireshark.")
def start(name: str | None, lab: str | None, nodes: tuple[str, ...], bpf: str, ring: int | None, live: bool) -> int:
    """Begin to record.

    wirelab capture start basic --live | wireshark -k -i -
    """
    if live:
        return _live(name, lab, nodes, bpf)
    capture, observed, _ = open_capture(name, lab)
    if capture.running():
        if nodes or bpf or ring:
            what = "a capture is running already, and is not changed"
            why = f"it records {capture.filter or 'everything'}"
            raise UsageInvalid(what, why=why, hint=f"{capture.named.command('capture stop')}, then start it anew")
        say("a capture is running already")
        return OK
    wanted = narrow(capture, observed, nodes, bpf)
    capture.start(observed, wanted, **({"ring": ring} if ring else {}))
    say(f"recording; then: {capture.named.command('trace')}")
    return OK


def _live(name: str | None, lab: str | None, nodes: tuple[str, ...], bpf: str) -> int:
    """pcapng to standard output until somebody interrupts, or Wireshark is closed."""
    if sys.stdout.isatty():
        raise UsageInvalid(
            "pcapng is nothing to read on a terminal", hint="wirelab capture start NAME --live | wireshark -k -i -"
        )
    workspace = open_workspace(read_only=True)
    with workspace.guard() as run:
        capture, observed = lab_capture(workspace, name, lab, run)
        said: list[str] = []
        for piece in capture.stream_live(observed, said, narrow(capture, observed, nodes, bpf)):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    ended(said, capture)


def ended(said: list[str], capture: LabCapture) -> NoReturn:
    """The wire is heard until somebody interrupts; if it ended by itself, its last words are the reason."""
    words = "\n".join(line for line in "".join(said).splitlines() if not line.startswith(USUAL))
    raise gone(words.strip()[-500:], capture)


def gone(why: str, capture: LabCapture) -> WorldError:
    """A recorder that was there is no longer."""
    why = why or "its container has ended: the lab was taken down, or somebody stopped it"
    return WorldError("the capture ended by itself", why=why, hint=capture.named.command("ps"))


@command.command("stop", short_help="End the recording and throw it away.")
@scenario_argument
@lab_option
def stop(name: str | None, lab: str | None) -> int:
    """End the recording and throw it away; `capture save` first, to keep it."""
    capture, _, _ = open_capture(name, lab)
    say("the capture is gone" if capture.stop() else "no capture was there")
    return OK


@command.command("status", short_help="Say how much is recorded, and what is missing.")
@scenario_argument
@lab_option
@json_option
def status(name: str | None, lab: str | None, as_json: bool) -> int:
    """Say whether a capture is there, how much it has recorded, and what is missing from it."""
    from orchestrator.rendering.capture import status_text

    capture, _, _ = open_capture(name, lab)
    found = capture.recorder()
    more = capture.status(found.id) if found and found.state == "running" else {}
    document = {"schema": 1, "capture": found.state if found else "none", "narrowed": capture.filter, **more}
    if as_json:
        out_json(document)
    else:
        out(status_text(document))
    return OK


@command.command("save")
@scenario_argument
@click.argument("file", type=click.Path(dir_okay=False))
@lab_option
def save(name: str | None, file: str, lab: str | None) -> int:
    """Write what is recorded so far as pcapng, for Wireshark."""
    from pathlib import Path

    from orchestrator.rendering.capture import losses_text

    capture, _, _ = open_capture(name, lab)
    container = capture.require_running()
    try:
        with Path(file).open("wb") as target:
            for piece in capture.pcapng(container):
                target.write(piece)
    except OSError as error:
        raise UsageInvalid(f"{file} cannot be written", why=error.strerror or str(error)) from error
    say(f"saved {file}")
    if missing := losses_text(capture.status(container)):
        say(missing)
    return OK


def narrow(capture: LabCapture, observed: Snapshot, nodes: tuple[str, ...], bpf: str) -> str:
    """The BPF expression for these nodes and that filter."""
    from orchestrator.operations.nodes import require_node
    from orchestrator.planning.capture import capture_filter

    topology = capture.topology(observed)
    known = [one if one in topology.names else require_node(topology.scenario, one) for one in nodes]
    return capture_filter(topology, known, bpf)


def tell_narrowed(capture: LabCapture) -> None:
    """Whoever reads what was recorded must know that it is not all."""
    if expression := capture.filter:
        say(f"the capture that runs hears only {expression}; nothing else is told")


def open_capture(name: str | None, lab: str | None) -> tuple[LabCapture, Snapshot, Workspace]:
    """The recorder of a lab, what there is of the lab, and the workspace."""
    workspace = open_workspace(read_only=True)
    return *lab_capture(workspace, name, lab, "none"), workspace


def lab_capture(workspace: Workspace, name: str | None, lab: str | None, run: str) -> tuple[LabCapture, Snapshot]:
    """The recorder of a lab, and what there is of the lab now."""
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.operations.scenario_library import load_scenario

    one = workspace.lab(load_scenario(name), lab, run=run, images_too=("capture",))
    return LabCapture(workspace.engine, one), one.observe()
