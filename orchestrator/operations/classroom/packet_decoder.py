"""Decode the packets of results that were handed in, in a container that is made where it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from secrets import token_hex
from types import TracebackType
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError
from orchestrator.lessons.packet_evidence import NoPackets, WrongPackets
from orchestrator.operations.capture import open_capture
from orchestrator.traffic.packets.pcapng import DamagedCapture

if TYPE_CHECKING:
    from orchestrator.lab.capture.selected_packets import PacketReader
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace


class PacketDecoder:
    """A context. The engine is asked for when the first packets are decoded; each capture is decoded once."""

    def __init__(self, open_workspace: Callable[[], Workspace], scenario: LoadedScenario) -> None:
        self._open_workspace = open_workspace
        self._scenario = scenario
        self._stack = ExitStack()
        self._reader: PacketReader | None = None
        self._missing = ""
        self._lines: dict[tuple[bytes, Sequence[int]], Sequence[str]] = {}

    def decode(self, capture: bytes, http: Sequence[int]) -> Sequence[str]:
        """The line of each packet, with HTTP at these ports, too.

        Raises NoPackets where nothing reads them, WrongPackets where it takes too much.
        """
        key = sha256(capture).digest(), tuple(http)
        if key not in self._lines:
            self._lines[key] = self._decoded(capture, http)
        return self._lines[key]

    def _decoded(self, capture: bytes, http: Sequence[int]) -> Sequence[str]:
        if self._reader is None and not self._missing:
            self._open()
        if self._reader is None:
            raise NoPackets(f"its packets were not read: {self._missing}")
        try:
            return self._reader.lines(capture, http)
        except DamagedCapture as error:
            raise WrongPackets(f"the packets cannot be read: {error}") from error
        except WirelabError as error:
            raise NoPackets(f"its packets were not read: {error.what}") from error

    def use(self, reader: PacketReader) -> None:
        """Decode with this reader."""
        self._reader = reader

    def _open(self) -> None:
        try:
            workspace = self._open_workspace()
            workspace.notify("reading the packets that were handed in")
            run = self._stack.enter_context(workspace.guard())
            capture, observed = open_capture(workspace, self._scenario, f"collect-{token_hex(4)}", run)
            self.use(self._stack.enter_context(capture.packet_reader(observed)))
        except WirelabError as error:
            self._missing = error.what

    def __enter__(self) -> PacketDecoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
