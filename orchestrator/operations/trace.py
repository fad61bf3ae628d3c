"""Tell what crossed the wire as a story: of a running capture, a capture file, or a command; or as it happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import EngineRefused, NotFound, TookTooLong, UsageInvalid
from orchestrator.events import ProgramEvent
from orchestrator.operations.capture import ALL_PACKETS, PacketFilter, capture_gone, open_capture, raise_ended
from orchestrator.operations.node_access import default_node, require_node, require_program, require_running

if TYPE_CHECKING:
    from orchestrator.engine.programs import Output
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.lab.capture.recording import Recording
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot
    from orchestrator.traffic.exchanges.events import TrafficEvent
    from orchestrator.traffic.story import Exclusion, Span, Story

LONGEST_COMMAND = 60  # seconds
# A program that cannot be started: 126 of older engines, 127 of newer ones.
NO_PROGRAM = (126, 127)


@dataclass(frozen=True)
class Trace:
    """A story; `warning` is what was wrong with the recording, `filter` the expression that limited the capture."""

    story: Story
    warning: str | None = None
    filter: str = ""


@dataclass(frozen=True)
class CommandRun:
    """How the command ended that was traced. `output` is None if it took too long or was interrupted."""

    node_name: str
    argv: tuple[str, ...]
    outcome: Literal["exited", "too long", "interrupted"]
    output: Output | None = None


def trace_capture(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    *,
    began_by: str = "",
    with_checks: bool = False,
) -> Trace:
    """The story of what a running capture has recorded so far; with `began_by`, only of what that node began.

    The traffic of the checks is left out, unless `with_checks`.
    """
    capture, observed = open_capture(workspace, scenario, lab_name)
    if began_by:
        require_node(capture.scenario, began_by)
    exclusions = () if with_checks else capture.check_exclusions()
    recording = capture.read(capture.require_running())
    story = _read_story(recording, capture, observed, exclusions=exclusions, began_by=began_by)
    return Trace(story, recording.warning, capture.filter)


def trace_file(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, file: Path, began_by: str = ""
) -> Trace:
    """The story in a capture file, with the names of the lab's nodes for their addresses."""
    with workspace.guard() as run:
        capture, observed = open_capture(workspace, scenario, lab_name, run)
        with capture.open_file(observed, file.resolve(), f"{os.getuid()}:{os.getgid()}") as recording:
            story = _read_story(recording, capture, observed, began_by=began_by)
    # tshark takes any text for a capture of one packet, in which it reads nothing.
    why = recording.warning or ("This file is no capture." if story.losses.unreadable else "")
    if story.began is None and why:
        raise UsageInvalid(f"{file} cannot be read as a capture", why=why, hint="wirelab capture save NAME FILE")
    return Trace(story, recording.warning)


def trace_command(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    argv: tuple[str, ...],
    *,
    node_name: str = "",
    packets: PacketFilter = ALL_PACKETS,
    on_run: Callable[[CommandRun], None] = lambda _run: None,
) -> tuple[CommandRun, Trace]:
    """Run a command in a node, the first client by default, and tell what it caused across all nodes.

    Uses the running capture, or starts a temporary one that records `packets`. `on_run` is called when the command is
    over, before the story is read.
    """
    capture, observed = open_capture(workspace, scenario, lab_name)
    node_name = require_node(capture.scenario, node_name) if node_name else default_node(capture.scenario)
    container = _container_of(capture, observed, node_name)
    running = capture.running()
    with ExitStack() as stack:
        since, recorder, expression = 0.0, "", ""
        if running is None:
            run = stack.enter_context(workspace.guard())
            capture, observed = open_capture(workspace, scenario, lab_name, run)
            recorder = capture.start(observed, packets.expression(capture, observed))
            stack.callback(capture.stop)
        else:
            recorder, since, expression = running.id, time.time(), capture.filter
        command_run = _run_command(workspace, capture, container, node_name, argv)
        on_run(command_run)
        with _error_if_gone(capture):
            recording = capture.read(recorder, end=running is None)
            story = _read_story(recording, capture, observed, since=since)
    return command_run, Trace(story, recording.warning, expression)


def follow_spans(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    *,
    began_by: str = "",
    packets: PacketFilter = ALL_PACKETS,
    on_start: Callable[[], None] = lambda: None,
) -> Generator[Span, None, None]:
    """Each span as soon as all that it caused is over, until Ctrl-C; then what is open, and KeyboardInterrupt.

    `on_start` is called when the capture begins. Raises WorldError if the capture ends by itself.
    """
    from orchestrator.traffic.story import live_spans

    interrupts: list[KeyboardInterrupt] = []

    def until_interrupt(pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        except KeyboardInterrupt as interrupt:
            interrupts.append(interrupt)

    with workspace.guard() as run:
        capture, observed = open_capture(workspace, scenario, lab_name, run)
        if began_by:
            require_node(capture.scenario, began_by)
        errors: list[str] = []
        expression = packets.expression(capture, observed)
        events = live_events(capture, observed, errors, expression, until_interrupt)
        on_start()
        yield from live_spans(events, began_by)
    if interrupts:
        raise KeyboardInterrupt from interrupts[0]
    raise_ended(errors, capture)


def live_events(
    capture: LabCapture,
    observed: Snapshot,
    errors: list[str],
    expression: str = "",
    through: Callable[[Iterator[bytes]], Iterator[bytes]] = lambda pieces: pieces,
    *,
    reads_later: bool = False,
) -> Iterator[TrafficEvent]:
    """The events of what crosses the lab's networks, as it happens, until the capture's container is removed.

    `errors` collects what the programs wrote to standard error; `through` may watch the pieces that they print. With
    `reads_later`, tshark starts with the first packet, or at READ_NOW.
    """
    from orchestrator.lab.capture.recording import Recording, http_ports, whole_lines
    from orchestrator.traffic.packets.decode import decode_argv

    decode = decode_argv(http=http_ports(capture.scenario), live=True)
    pieces = through(capture.stream_live(observed, errors, expression, decode, reads_later=reads_later))
    return Recording(whole_lines(pieces), errors).events(capture.topology(observed), window=0)[0]


@contextmanager
def _error_if_gone(capture: LabCapture) -> Iterator[None]:
    """Say so if somebody takes the lab down while the recording is read: it ends early, or in any error."""
    try:
        yield
    except (NotFound, EngineRefused) as error:
        if capture.running():
            raise
        raise capture_gone(capture) from error
    if not capture.running():
        raise capture_gone(capture)


def _container_of(capture: LabCapture, observed: Snapshot, node_name: str) -> str:
    container = observed.container_of(node_name)
    if container is None:
        raise NotFound(f"the node {node_name!r} is not up", hint=capture.named.command("up"))
    require_running(capture.scenario, capture.named, node_name, container, with_faults=bool(observed.faults))
    return container.id


def _run_command(
    workspace: Workspace, capture: LabCapture, container: str, node_name: str, argv: tuple[str, ...]
) -> CommandRun:
    from orchestrator.lab.node_program import run_program

    publish = workspace.publisher(workspace.journal(capture.lab_name))
    publish(ProgramEvent("started", node_name, argv))
    try:
        output = run_program(workspace.engine, container, argv, seconds=LONGEST_COMMAND, run=token_hex(6))
    except TookTooLong:
        return CommandRun(node_name, argv, "too long")
    except KeyboardInterrupt:
        return CommandRun(node_name, argv, "interrupted")
    publish(ProgramEvent("ended", node_name, argv, output.exit_code))
    if output.exit_code in NO_PROGRAM and argv[0] in capture.scenario.nodes:
        raise UsageInvalid(
            f"{node_name} has no program {argv[0]!r}",
            why=f"unlike `exec`, `trace` takes the node by an option; without it the command runs on {node_name}",
            hint=f"{capture.named.command('trace', '--from', argv[0])} -- {' '.join(argv[1:]) or 'COMMAND'}",
        )
    if output.exit_code in NO_PROGRAM:
        require_program(workspace, container, argv[0])
    return CommandRun(node_name, argv, "exited", output)


def _read_story(
    recording: Recording,
    capture: LabCapture,
    observed: Snapshot,
    *,
    since: float = 0.0,
    exclusions: Sequence[Exclusion] = (),
    began_by: str = "",
) -> Story:
    """The story of a recording. What is missing is known when all of it has been read."""
    from orchestrator.traffic.story import build_story

    events, line_counts = recording.events(capture.topology(observed), since)
    story = build_story(events, exclusions=tuple(exclusions), began_by=began_by)
    return replace(story, losses=replace(recording.losses, unreadable=line_counts.damaged))
