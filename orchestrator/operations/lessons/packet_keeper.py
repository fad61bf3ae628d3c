"""Keep the packets that completed a task, in a thread: a recording is ready a moment later."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from orchestrator.errors import WirelabError
from orchestrator.lessons.packet_evidence import MOST_BYTES, not_kept, packets_document
from orchestrator.operations.capture import open_capture

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lessons.node_watch import InsideRecording
    from orchestrator.traffic.packets.selection import PacketSelection

CLOSE_SECONDS = 30.0
# A pcapng file of MOST_BYTES has more bytes as tshark writes it: a longer header, comments.
MOST_READ = 2 * MOST_BYTES


@dataclass(frozen=True)
class KeptPackets:
    """The packets of a task that was completed at this time, as they stand in its evidence."""

    task: str
    done_at: float | None
    document: Mapping[str, Any]


class PacketKeeper:
    """Takes packets out of the recording of a lab. Where nobody wants them (`is_on`), it does nothing."""

    def __init__(self, *, is_on: bool = False) -> None:
        self.is_on = is_on
        self._kept: SimpleQueue[KeptPackets] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def record(self, lab: LabHandle) -> None:
        """Record the lab from now on, where a learner has ended the recording that it came up with."""
        if not self.is_on:
            return
        capture, observed = open_capture(lab.workspace.without_watcher(), lab.loaded, lab.name)
        if observed.containers and not capture.running():
            capture.start(observed)

    def keep(
        self,
        lab: LabHandle,
        task: str,
        done_at: float | None,
        selection: PacketSelection,
        inside: InsideRecording | None = None,
        *,
        crossed_network: bool = True,
    ) -> None:
        """Take the packets of a task that is just done, from the networks, from `inside` of a node, or from both.

        Ends the recording of the inside.
        """
        if not self.is_on:
            return

        def run() -> None:
            with ExitStack() as stack:
                recorder = stack.enter_context(inside) if inside else ""
                document = _packets(lab, selection, recorder, crossed_network=crossed_network)
            self._kept.put(KeptPackets(task, done_at, document))

        thread = threading.Thread(target=run, daemon=True, name="packets")
        self._threads.append(thread)
        thread.start()

    def take(self) -> list[KeptPackets]:
        """What was kept since the last call."""
        return [self._kept.get() for _ in range(self._kept.qsize())]

    def close(self) -> list[KeptPackets]:
        """Wait for what is still being kept, and return it."""
        until = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return self.take()


def _packets(lab: LabHandle, selection: PacketSelection, inside: str, *, crossed_network: bool) -> Mapping[str, Any]:
    """The packets as a document; why there are none where the recordings do not give them."""
    try:
        capture, _ = open_capture(lab.workspace.without_watcher(), lab.loaded, lab.name)
        recorders = [inside] if inside else []
        if crossed_network:
            recorder = capture.running()
            if recorder is None:
                return not_kept("nothing recorded the lab; somebody ended its capture")
            recorders.append(recorder.id)
        if not recorders:
            return not_kept("nothing recorded the loopback interface of the node")
        return packets_document([capture.selected(recorder, selection, MOST_READ) for recorder in recorders], MOST_READ)
    except WirelabError as error:
        return not_kept(f"{error.what}{f': {error.why}' if error.why else ''}")
