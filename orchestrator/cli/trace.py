"""trace: tell what crossed the wire, as a story."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from orchestrator.cli.capture import ended, gone, lab_capture, narrow, narrowing_options, open_capture, tell_narrowed
from orchestrator.cli.console import out, say
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import INTERRUPTED, OK, EngineRefused, NotFound, TookTooLong, UsageInvalid
from orchestrator.operations.nodes import require_node

if TYPE_CHECKING:
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.lab.capture.recording import Recording
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot
    from orchestrator.traffic.exchanges.events import TrafficEvent
    from orchestrator.traffic.story import Exclusion, Story

LONGEST = 60  # seconds that a command may take
FORMS = ("text", "json", "mermaid", "svg", "html")
# A program that cannot be started: 126 of older engines, 127 of newer ones.
NO_PROGRAM = (126, 127)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.option("--from", "asker", metavar="NODE", help="The node that runs the command; the first client by default.")
@click.option("-f", "--follow", is_flag=True, help="Tell what happens, as it happens, until Ctrl-C.")
@click.option("--read", "file", type=click.Path(exists=True, dir_okay=False), help="Tell what is in a capture file.")
@click.option("--checks", is_flag=True, help="Tell the traffic of the checks too, which is left out otherwise.")
@narrowing_options
@lab_option
@json_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
def command(
    name: str,
    argv: tuple[str, ...],
    asker: str | None,
    follow: bool,
    file: str | None,
    checks: bool,
    nodes: tuple[str, ...],
    bpf: str,
    lab: str | None,
    as_json: bool,
    form: str,
) -> int:
    """Tell what a command caused across all machines, from the packets alone.

    wirelab trace basic -- curl http://app.shop.lab/items

    Without a command: what a running capture has recorded so far; with --from, only what NODE began. --node and
    --filter narrow what is heard with -f, and what is recorded where no capture is running.
    """
    wanted = "json" if as_json else form
    if file and (argv or follow):
        raise UsageInvalid("--read tells what is in a file: it runs no command and follows nothing")
    if file:
        return _of_file(name, file, asker, lab, wanted)
    if follow:
        return _follow(name, argv, asker, lab, nodes, bpf, wanted)
    if not argv:
        return _so_far(name, asker, lab, wanted, checks=checks)
    return _of_command(name, argv, asker, lab, nodes, bpf, wanted)


def _so_far(name: str, asker: str | None, lab: str | None, form: str, *, checks: bool) -> int:
    """What a running capture has recorded, without what the checks began."""
    capture, observed, _ = open_capture(name, lab)
    if asker:
        require_node(capture.scenario, asker)
    tell_narrowed(capture)
    exclusions = () if checks else capture.check_exclusions()
    recording = capture.read(capture.require_running())
    _show(_story(recording, capture, observed, exclusions=exclusions, asker=asker), recording, capture, form)
    return OK


def _of_file(name: str, file: str, asker: str | None, lab: str | None, form: str) -> int:
    """What is in a capture file, with the names of the lab's nodes where the addresses are theirs."""
    import os
    from pathlib import Path

    workspace = open_workspace(read_only=True)
    with workspace.guard() as run:
        capture, observed = lab_capture(workspace, name, lab, run)
        user = f"{os.getuid()}:{os.getgid()}"
        with capture.open_file(observed, Path(file).resolve(), user) as recording:
            told = _story(recording, capture, observed, asker=asker)
    # tshark takes any text for a capture of one packet, in which it reads nothing
    why = recording.warning or ("This file is no capture." if told.losses.unreadable else "")
    if told.began is None and why:
        raise UsageInvalid(f"{file} tells nothing", why=why, hint="wirelab capture save NAME FILE")
    _show(told, recording, capture, form)
    return OK


def _of_command(
    name: str, argv: tuple[str, ...], asker: str | None, lab: str | None, nodes: tuple[str, ...], bpf: str, form: str
) -> int:
    """Run the command while it is recorded; by a recorder of our own where none is there."""
    capture, observed, workspace = open_capture(name, lab)
    node = _runner(capture, observed, asker)
    standing = capture.running()
    with ExitStack() as stack:
        began = 0.0
        if standing is None:
            run = stack.enter_context(workspace.guard())
            capture, observed = lab_capture(workspace, name, lab, run)
            container = capture.start(observed, narrow(capture, observed, nodes, bpf))
            stack.callback(capture.stop)
        else:
            tell_narrowed(capture)
            container, began = standing.id, time.time()
        code = _run_in(workspace, observed, node, argv, capture)
        with _while_it_stands(capture):
            recording = capture.read(container, end=standing is None)
            told = _story(recording, capture, observed, since=began)
        _show(told, recording, capture, form)
    return code


@contextmanager
def _while_it_stands(capture: LabCapture) -> Iterator[None]:
    """What is read inside ends early, or in any error, where somebody takes the lab down meanwhile."""
    try:
        yield
    except (NotFound, EngineRefused) as error:
        if capture.running():
            raise
        raise gone("", capture) from error
    if not capture.running():
        raise gone("", capture)


def _runner(capture: LabCapture, observed: Snapshot, asker: str | None) -> str:
    """The node that runs the command."""
    scenario = capture.scenario
    clients = [node for node, one in scenario.nodes.items() if one.role == "client"]
    node = require_node(scenario, asker) if asker else (clients[0] if clients else next(iter(scenario.nodes)))
    _container(capture, observed, node)
    return node


def _container(capture: LabCapture, observed: Snapshot, node: str) -> str:
    found = observed.container_of(node)
    if found is None:
        raise NotFound(f"the node {node!r} is not up", hint=capture.named.command("up"))
    return found.id


def _run_in(workspace: Workspace, observed: Snapshot, node: str, argv: tuple[str, ...], capture: LabCapture) -> int:
    """Run the command in the node and show what it printed, apart from the story. INTERRUPTED where somebody was."""
    from orchestrator.lab.node_program import run_program

    container = _container(capture, observed, node)
    command, run = f"{node}$ {' '.join(argv)}", token_hex(6)
    try:
        output = run_program(workspace.engine, container, argv, seconds=LONGEST, run=run)
    except TookTooLong:
        late = f"not over after {LONGEST} s, or after more output than anybody reads"
        say(f"{command}   (ended, for it was {late}; this is the story until then)\n")
        return OK
    except KeyboardInterrupt:
        say(f"\n{command}   (interrupted; this is the story until then)\n")
        return INTERRUPTED
    if output.exit_code in NO_PROGRAM and argv[0] in capture.scenario.nodes:
        raise UsageInvalid(
            f"{node} has no program {argv[0]!r}",
            why=f"unlike `exec`, `trace` takes the node by an option; without it the command runs on {node}",
            hint=f"{capture.named.command('trace', '--from', argv[0])} -- {' '.join(argv[1:]) or 'COMMAND'}",
        )
    say(f"{command}   (exit code {output.exit_code})")
    sys.stderr.write(output.out[-2000:] + output.err[-2000:])
    say("")
    return OK


def _follow(
    name: str, argv: tuple[str, ...], asker: str | None, lab: str | None, nodes: tuple[str, ...], bpf: str, form: str
) -> int:
    """Each span as soon as all that it caused is over."""
    from orchestrator.lab.capture.recording import Recording, whole_lines

    if argv or form not in ("text", "json"):
        what = "-f tells what happens as text or JSON, and runs no command"
        raise UsageInvalid(what, hint=f"wirelab trace -f {name}")
    workspace = open_workspace(read_only=True)
    with workspace.guard() as run:
        capture, observed = lab_capture(workspace, name, lab, run)
        if asker:
            require_node(capture.scenario, asker)
        errors: list[str] = []
        pieces = _heard(capture, observed, errors, narrow(capture, observed, nodes, bpf))
        interrupted = [False]
        recording = Recording(whole_lines(_until_interrupt(pieces, interrupted)), errors=errors)
        events, _ = recording.events(capture.topology(observed), window=0)
        say(f"listening to {capture.scenario.name}; Ctrl-C ends it")
        _tell_live(events, asker, form)
    if interrupted[0]:
        raise KeyboardInterrupt
    ended(errors, capture)


def _heard(capture: LabCapture, observed: Snapshot, errors: list[str], bpf: str) -> Iterator[bytes]:
    """What tshark makes of the wire, as it is heard."""
    from orchestrator.lab.capture.recording import http_ports
    from orchestrator.traffic.packets.decode import decode_argv

    decode = decode_argv(http=http_ports(capture.scenario), live=True)
    return capture.stream_live(observed, errors, bpf, decode)


def _until_interrupt(pieces: Iterator[bytes], interrupted: list[bool]) -> Iterator[bytes]:
    """The pieces; an interrupt ends them, so that what is still open is told."""
    try:
        yield from pieces
    except KeyboardInterrupt:
        interrupted[0] = True


def _tell_live(events: Iterator[TrafficEvent], asker: str | None, form: str) -> None:
    from orchestrator.rendering.story import live_json, span_lines
    from orchestrator.traffic.story import live_spans

    began = None
    numbers = iter(range(1, 1 << 62))
    for span in live_spans(events, asker or ""):
        began = span.at if began is None else began
        for line in live_json(span, began, numbers) if form == "json" else span_lines((span,), began):
            out(line)


def _story(
    recording: Recording,
    capture: LabCapture,
    observed: Snapshot,
    since: float = 0.0,
    exclusions: tuple[Exclusion, ...] = (),
    asker: str | None = None,
) -> Story:
    """The story of a recording; with `asker`, what that node began."""
    from orchestrator.traffic.story import build_story

    events, line_counts = recording.events(capture.topology(observed), since)
    told = build_story(events, exclusions=exclusions, began_by=asker or "")
    # what is missing is known when all has been read
    return replace(told, losses=replace(recording.losses, unreadable=line_counts.damaged))


def _show(told: Story, recording: Recording, capture: LabCapture, form: str) -> None:
    from orchestrator.rendering import sequence
    from orchestrator.rendering.story import json_lines, story_text
    from orchestrator.rendering.story_page import story_page

    if recording.warning:
        say(recording.warning)
    if form == "json":
        out("\n".join(json_lines(told)))
    elif form == "text":
        out(story_text(told))
    elif form == "html":
        out(story_page(told, f"{capture.scenario.name}: {capture.scenario.title}").rstrip())
    else:
        out(sequence.mermaid(told) if form == "mermaid" else sequence.svg(told))
