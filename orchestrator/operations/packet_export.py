"""The packets of a lab as pcapng in which the addresses have the names of the nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.operations.capture import open_capture
from orchestrator.traffic.packets.pcap import as_pcapng
from orchestrator.traffic.packets.pcapng import DamagedCapture, NamedPackets

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace

PIECE = 1024 * 1024


def recorded_packets(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> Iterator[bytes]:
    """What the running capture has recorded so far. Raises UsageInvalid if none runs."""
    capture, observed = open_capture(workspace, scenario, lab_name)
    return capture.pcapng(capture.require_running(), observed)


def packets_of_file(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    file: Path,
    notify: Callable[[str], None],
) -> Iterator[bytes]:
    """A capture file, pcapng or pcap, with the names of the lab's nodes. `notify` is told what is left out.

    Raises UsageInvalid if it is no capture, or cannot be read.
    """
    from orchestrator.planning.capture import node_names

    capture, observed = open_capture(workspace, scenario, lab_name)
    return name_packets(file, node_names(capture.topology(observed)), notify)


def name_packets(file: Path, names: dict[str, str], notify: Callable[[str], None]) -> Iterator[bytes]:
    """The pieces of a capture file as pcapng with these names."""
    empty = True
    try:
        packets = NamedPackets(as_pcapng(_pieces(file)), names)
        for piece in packets:
            empty = False
            yield piece
        if empty:
            raise DamagedCapture("it is shorter than the header of a capture")
    except (DamagedCapture, OSError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else f"neither pcapng nor pcap: {error}"
        hint = "wirelab capture save NAME FILE; editcap of Wireshark reads other formats"
        raise UsageInvalid(f"{file} cannot be read as a capture", why=why, hint=hint) from error
    if packets.cut_off:
        notify(f"{file} ends within a packet, which is left out")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(PIECE):
            yield piece
