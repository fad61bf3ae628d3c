"""The view of a class's board: what the teacher's page is told and can ask for."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.lessons.board import Board, board_document
from orchestrator.operations.classroom.service import ServedClass
from orchestrator.operations.live.node_terminals import NodeTerminal, ShownTerminal, Watch
from orchestrator.web.lab_view import READY, Document


def _terminal_document(shown: ShownTerminal) -> Document:
    output = b64encode(shown.output).decode()
    return {"node": shown.node, "columns": shown.columns, "rows": shown.rows, "output": output}


class BoardView:
    """The board of a class that is served."""

    def __init__(self, served: ServedClass) -> None:
        self._served = served

    def subscribe(self, tell: Callable[[Any], None]) -> Callable[[], None]:
        return self._served.subscribe(tell)

    def documents(self) -> list[Document]:
        return [self.document(self._served.board()), READY]

    def document(self, change: Board) -> Document:
        return {"type": "board", **board_document(change)}

    def answer(self, request: Mapping[str, Any]) -> Document:
        served = self._served
        match request:
            case {"do": "ping"}:
                return {}
            case {"do": "board"}:
                return board_document(served.board())
            case {"do": "hint", "text": str() as text, "seats": [*seats], "layer": str() as layer} if all(
                isinstance(seat, str) for seat in seats
            ):
                return {"seats": list(served.hint(text, seats, layer))}
            case {"do": "reset", "seat": str() as seat}:
                served.reset(seat)
                return {}
            case {"do": "mark_done", "seat": str() as seat, "task": str() as task}:
                served.mark_done(seat, task)
                return {}
            case {"do": "look", "seat": str() as seat}:
                return {"terminals": [_terminal_document(shown) for shown in served.look(seat)]}
            case {"do": "hold", "task": str() as task}:
                served.hold(task)
                return {}
            case {"do": "open", "task": str() as task}:
                served.open(task)
                return {}
            case {"do": "end"}:
                served.end_asked.set()
                return {}
        raise UsageInvalid("the server does not know this request", hint="reload the page")

    def terminal(self, session: str, node_name: str) -> NodeTerminal:
        raise NotFound(f"the board has no terminal {session!r} in {node_name!r}")

    def leave_terminal(self, _terminal: NodeTerminal, _watch: Watch) -> None:
        """There is none."""

    def pcapng(self) -> Iterator[bytes]:
        raise NotFound("the board has no capture")
