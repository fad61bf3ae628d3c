"""What a command may ask of a lab, and what a lab asks of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from typing import TYPE_CHECKING

from orchestrator.checks.findings import Finding
from orchestrator.checks.probes import RunProgram
from orchestrator.events import Actor, Event
from orchestrator.lab.host_routes import host_ranges
from orchestrator.lab.source import LabSource
from orchestrator.planning.budget import FilePath
from orchestrator.planning.snapshot import UsedRange
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.planning.split import Split


@dataclass(frozen=True)
class Settings:
    """What a command may ask of a lab.

    `images` gives the tags of images of ours; `missing_images` those that the engine lacks, which a plan then builds by
    `build_images`. `routes` gives the ranges that this host reaches, of which none is taken; `scenario_argument`
    is how the person named the scenario, for commands that we propose.
    """

    images: Callable[[Sequence[str]], Mapping[str, str]]
    missing_images: Callable[[Sequence[str]], tuple[str, ...]] = lambda _names: ()
    build_images: Callable[[Sequence[str]], object] = lambda _names: None
    # Takes what happens, for the journal and for whoever watches; `hide` takes the secrets that no event may hold.
    publish: Callable[[Event], None] = lambda _event: None
    hide: Callable[[Iterable[str]], None] = lambda _secrets: None
    # Takes each finding as it is known, and every second the names of the checks that are still under way.
    on_finding: Callable[[Finding], None] = lambda _finding: None
    on_waiting: Callable[[Sequence[str]], None] = lambda _names: None
    # Takes a program when a check begins to run it in a node (True), and when it has ended (False). None: publish both.
    on_probe: Callable[[RunProgram, bool], None] | None = None
    actor: Actor = field(default_factory=Actor)
    run: str = "none"
    ready_seconds: float = 30.0
    keep: bool = False
    routes: Callable[[], tuple[UsedRange, ...]] = host_ranges
    # Whether nothing crosses from one internal network with IPv6 to another or out; None where nobody can tell.
    isolates_ipv6: Callable[[], bool | None] = lambda: None
    # The memory of the engine's machine in MiB; 0 if it is not known.
    machine_memory: Callable[[], int] = lambda: 0
    extra_images: tuple[str, ...] = ()
    scenario_argument: str = ""
    # The member on whose engine the lab stands, or several in one word; empty for the engine in use.
    member: str = ""
    # Gives which node stands on which of several members; it may ask them. None: all stand on one.
    split: Callable[[], Split | None] = lambda: None
    # These members have copies of the lab's files; `on_files` is called with each node whose files were written.
    copies: tuple[str, ...] = ()
    on_files: Callable[[str], None] = lambda _node: None
    # What the lab remembers of its scenario, so that its name alone finds it.
    source: LabSource | None = None
    # Record from the first packet, as `capture: true` in the file says it.
    capture: bool = False
    # Nodes on internal networks and the engine's host do not reach each other; a lab that is closed so stays closed.
    close_host: bool = False
    # The person has read the file: it may have images that run as root, and be larger than one lab may be.
    trusted: bool = False
    # The file and line for a path in the file.
    place: Callable[[FilePath], str] = lambda _path: "the file"
    # Called once the lab is whole, while its lock is held.
    on_complete: Callable[[], None] = lambda: None
    # Protects clean-up from interruption; the command line knows which interruptions there are.
    shield: Callable[[], AbstractContextManager[None]] = nullcontext
