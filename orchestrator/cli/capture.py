"""capture and trace: record the wire, and tell what crossed it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import Any

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.lab_commands import json_option, lab_option, scenario_argument
from orchestrator.cli.session import guarded, lab_of, open_session
from orchestrator.errors import OK, NotFound, UsageInvalid

FORMS = ("text", "json", "mermaid", "svg", "html")


@click.group()
def capture_command() -> None:
    """Record everything that crosses the wires of a lab."""


@capture_command.command("start")
@scenario_argument
@lab_option
@click.option("--filter", "bpf", default="", help="Only packets that this BPF expression names (pcap-filter(7)).")
def start(name: str | None, lab: str | None, bpf: str) -> int:
    """Begin to record."""
    capture, observed, _ = open_capture(name, lab)
    if capture.seen():
        say("a capture is running already")
        return OK
    capture.start(observed, bpf)
    say(f"recording; then: wirelab trace {name or '.'}")
    return OK


@capture_command.command("stop")
@scenario_argument
@lab_option
def stop(name: str | None, lab: str | None) -> int:
    """End the recording and throw it away; `capture save` first, to keep it."""
    capture, _, _ = open_capture(name, lab)
    say("the capture is gone" if capture.stop() else "no capture was there")
    return OK


@capture_command.command("status")
@scenario_argument
@lab_option
def status(name: str | None, lab: str | None) -> int:
    """Say whether a capture is there, and how much it has recorded."""
    import json

    from orchestrator.planning.capture import PROGRAM

    capture, _, session = open_capture(name, lab)
    found = capture.seen()
    more = json.loads(session.engine.run(found.id, (PROGRAM, "status"), seconds=10).out) if found else {}
    out_json({"schema": 1, "capture": found.state if found else "none", **more})
    return OK


@capture_command.command("save")
@scenario_argument
@click.argument("file", type=click.Path(dir_okay=False))
@lab_option
def save(name: str | None, file: str, lab: str | None) -> int:
    """Write what is recorded so far as pcapng, for Wireshark."""
    from pathlib import Path

    from orchestrator.lab.recording import pcapng

    capture, _, session = open_capture(name, lab)
    container = capture.required()
    Path(file).write_bytes(pcapng(session.engine, container, f"wirelab scenario {name}"))
    say(f"saved {file}")
    return OK


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.option("--from", "asker", metavar="NODE", help="The node that runs the command; the first client by default.")
@lab_option
@json_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
def trace_command(
    name: str, argv: tuple[str, ...], asker: str | None, lab: str | None, as_json: bool, form: str
) -> int:
    """Tell what a command caused across all machines, from the packets alone.

    wirelab trace basic -- curl http://app.shop.lab/items

    Without a command: what a running capture has recorded so far.
    """
    capture, observed, session = open_capture(name, lab)
    container = capture.seen()
    wanted = "json" if as_json else form
    if not argv:
        _tell(capture.read_on(capture.required()), capture, observed, wanted)
        return OK
    with ExitStack() as stack:
        began = 0.0
        if container is None:
            run = stack.enter_context(guarded(session))
            capture, observed = _recorder(session, name, lab, run)
            recorder = capture.start(observed)
            stack.callback(capture.stop)
        else:
            recorder = container.id
            began = time.time()
        _run_in(session, capture, observed, asker, argv)
        recording = capture.read(recorder, end=True) if container is None else capture.read_on(recorder)
        _tell(recording, capture, observed, wanted, since=began)
    return OK


def _run_in(session: Any, capture: Any, observed: Any, asker: str | None, argv: tuple[str, ...]) -> None:
    """Run the command in the node and show what it printed, apart from the story."""
    scenario = capture.scenario
    clients = [node for node, one in scenario.nodes.items() if one.role == "client"]
    node = asker or (clients[0] if clients else next(iter(scenario.nodes)))
    if node not in scenario.nodes:
        raise UsageInvalid(f"there is no node {node!r}", hint=f"the nodes are {', '.join(scenario.nodes)}")
    found = observed.container_of(node)
    if found is None:
        raise NotFound(f"the node {node!r} is not up", hint=f"wirelab up {scenario.name}")
    output = session.engine.run(found.id, argv, seconds=60)
    say(f"{node}$ {' '.join(argv)}   (exit code {output.exit_code})")
    sys.stderr.write(output.out[-2000:] + output.err[-2000:])
    say("")


def _tell(recording: Any, capture: Any, observed: Any, form: str, since: float = 0.0) -> None:
    """The story of a recording, in the form that is wanted."""
    from orchestrator.judging.story import story
    from orchestrator.showing import sequence
    from orchestrator.showing.story import json_lines, story_text
    from orchestrator.showing.story_page import story_page

    events, _ = recording.events(capture.topology(observed), since)
    told = story(events, losses=recording.losses)
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


def open_capture(name: str | None, lab: str | None) -> Any:
    """The recorder of a lab, what there is of the lab, and the session."""
    session = open_session(start=False)
    return *_recorder(session, name, lab, "none"), session


def _recorder(session: Any, name: str | None, lab: str | None, run: str) -> Any:
    """The recorder of a lab, and what there is of the lab now."""
    from orchestrator.cli.scenarios import load
    from orchestrator.lab.capture import Capture

    one = lab_of(session, load(name), lab, run=run, images_too=("capture",))
    return Capture(session.engine, one), one.observe()
