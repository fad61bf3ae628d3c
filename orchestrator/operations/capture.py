"""Record the networks of a lab: start, stop, look at, save and stream a capture."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.lab.capture.listening import MESSAGE as LISTENING
from orchestrator.operations.node_access import require_node
from orchestrator.operations.output_file import replace_file
from orchestrator.planning import labels
from orchestrator.planning.capture import recorder_of

if TYPE_CHECKING:
    from orchestrator.lab.capture.lab_capture import LabCapture
    from orchestrator.lab.capture.window import CaptureResult, CaptureWindow
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.snapshot import Snapshot
    from orchestrator.rendering.graph import SeenTraffic

# What dumpcap and tshark write to standard error if all is well.
USUAL_MESSAGES = ("Running as user", "Capturing on ", "File: ", "Packets", LISTENING)


@dataclass(frozen=True)
class PacketFilter:
    """Which packets are meant: those of some nodes, and those that a BPF expression matches (pcap-filter(7))."""

    nodes: Sequence[str] = ()
    bpf: str = ""

    def __bool__(self) -> bool:
        return bool(self.nodes or self.bpf)

    def require_nodes(self, scenario: Scenario) -> None:
        """Raise UsageInvalid for a name that is neither a node's nor a group's."""
        for name in self.nodes:
            if name not in scenario.groups:
                require_node(scenario, name)

    def expression(self, capture: LabCapture, observed: Snapshot) -> str:
        """One BPF expression for both. Raises UsageInvalid for a node that is not there."""
        self.require_nodes(capture.scenario)
        from orchestrator.planning.capture import capture_filter

        topology = capture.topology(observed)
        return capture_filter(topology, self.nodes, self.bpf)


ALL_PACKETS = PacketFilter()


def open_capture(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, run: str = "none"
) -> tuple[LabCapture, Snapshot]:
    """The capture of a lab, and what there is of the lab now."""
    from orchestrator.lab.capture.lab_capture import LabCapture

    lab = workspace.lab(scenario, lab_name, run=run, extra_images=("capture",))
    return LabCapture(workspace.engine, lab), lab.observe()


def start_capture(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    packets: PacketFilter = ALL_PACKETS,
    ring: int | None = None,
) -> tuple[LabCapture, bool]:
    """Start to record; False if a capture was running already. `ring` is how many megabytes are kept.

    Raises UsageInvalid if the capture that runs would have to be changed.
    """
    capture, observed = open_capture(workspace, scenario, lab_name)
    if capture.running():
        if packets or ring:
            what = "a capture is running already, and is not changed"
            why = f"it records {capture.filter or 'everything'}"
            raise UsageInvalid(what, why=why, hint=f"{capture.named.command('capture stop')}, then start it anew")
        return capture, False
    capture.start(observed, packets.expression(capture, observed), **({"ring": ring} if ring else {}))
    return capture, True


def stop_capture(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> bool:
    """Remove the capture and what it recorded. Returns False if there was none."""
    capture, _ = open_capture(workspace, scenario, lab_name)
    return capture.stop()


def capture_status(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> dict[str, Any]:
    """A document about the capture: its state, its filter, and how much it has recorded and lost."""
    capture, observed = open_capture(workspace, scenario, lab_name)
    return status_of(capture, observed)


def status_of(capture: LabCapture, observed: Snapshot) -> dict[str, Any]:
    """The same of a lab that was observed; the engine is asked where something records."""
    recorder = recorder_of(observed)
    counts = capture.status(recorder.id) if recorder and recorder.state == "running" else {}
    narrowed = recorder.labels.get(labels.NARROWED, "") if recorder else ""
    return {"schema": 1, "capture": recorder.state if recorder else "none", "narrowed": narrowed, **counts}


def save_capture(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, file: Path) -> dict[str, Any]:
    """Write what is recorded so far as a pcapng file, and return the counts of the capture.

    The file is replaced as a whole: if nothing can be saved, it stays as it was.
    """
    capture, observed = open_capture(workspace, scenario, lab_name)
    container = capture.require_running()
    replace_file(file, capture.pcapng(container, observed))
    return capture.status(container)


def stream_capture(
    workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, packets: PacketFilter = ALL_PACKETS
) -> Generator[bytes, None, None]:
    """Packets as they are captured, as pieces of pcapng, until the caller closes. Raises WorldError if it ends."""
    from orchestrator.planning.capture import node_names
    from orchestrator.traffic.packets.pcapng import NamedPackets

    with workspace.guard() as run:
        capture, observed = open_capture(workspace, scenario, lab_name, run)
        errors: list[str] = []
        names, expression = node_names(capture.topology(observed)), packets.expression(capture, observed)
        with closing(capture.stream_live(observed, errors, expression)) as pieces:
            yield from NamedPackets(pieces, names)
    raise_ended(errors, capture)


def raise_ended(errors: Sequence[str], capture: LabCapture) -> NoReturn:
    """A live capture goes on until somebody interrupts it. If it ended by itself, its last messages are the reason."""
    messages = (line for line in "".join(errors).splitlines() if not line.startswith(USUAL_MESSAGES))
    raise capture_gone(capture, "\n".join(messages).strip()[-500:])


def capture_gone(capture: LabCapture, why: str = "") -> WorldError:
    """The error for a recorder that was there and no longer is."""
    why = why or "its container has ended: the lab was taken down, or somebody stopped it"
    return WorldError("the capture ended by itself", why=why, hint=capture.named.command("ps"))


def seen_traffic(window: CaptureWindow, result: CaptureResult) -> SeenTraffic | None:
    """Who was client of whom in a capture, the traffic of the checks apart; None if nothing could be captured."""
    from orchestrator.rendering.graph import SeenTraffic
    from orchestrator.traffic.roles import traffic_roles
    from orchestrator.traffic.story import split_events

    if result.missing:
        return None
    users, checks = split_events(result.events, window.capture.check_exclusions())
    return SeenTraffic(traffic_roles(users), traffic_roles(checks))
