"""The view of one seat of a class: its live lab where that is ready, and what its learner is told until then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator.errors import UsageInvalid
from orchestrator.operations.classroom.replay import ReplayConsent
from orchestrator.operations.classroom.seats import RunningSeat
from orchestrator.operations.live.lab import RESTART
from orchestrator.operations.live.node_terminals import NodeTerminal, Watch
from orchestrator.web.lab_view import READY, SCHEMA, Document, LabView

TITLES = {
    "waiting": "Your lab waits for its turn to start…",
    "starting": "Your lab is starting…",
    "failed": "Your lab could not be started. Tell your teacher.",
}
LATE = {"type": "late"}  # of a lab that has gone: pages pass it over
NOTHING = {"faults": False, "capture": False, "shells": [], "lesson": False}


CONSENT = object()  # what a page is told of when the consent has changed


class SeatView:
    """Hands everything on to the view of the seat's present lab. Its pages begin anew where that changes."""

    def __init__(self, seat: RunningSeat, consent: ReplayConsent) -> None:
        self._seat = seat
        self._consent = consent
        self._view: LabView | None = None
        self._subscribers: list[Callable[[Any], None]] = []
        seat.on_change.append(self._change)

    def _change(self, seat: RunningSeat) -> None:
        self._view = LabView(seat.live) if seat.live else None
        if self._view:
            self._view.subscribe(self._tell)
        self._tell(RESTART)

    def _tell(self, change: Any) -> None:
        for tell in self._subscribers:
            tell(change)

    def subscribe(self, tell: Callable[[Any], None]) -> Callable[[], None]:
        self._subscribers = [*self._subscribers, tell]

        def unsubscribe() -> None:
            self._subscribers = [subscriber for subscriber in self._subscribers if subscriber is not tell]

        return unsubscribe

    def documents(self) -> list[Document]:
        if (view := self._view) and (live := self._seat.live):
            live.traffic.prepare()  # somebody opens the page
            return [*view.documents(), self._consent_document()]
        title = TITLES.get(self._seat.state, TITLES["waiting"])
        hello = {"type": "hello", "schema": SCHEMA, "lab": self._seat.name, "title": title, "can": NOTHING}
        return [hello, READY]

    def document(self, change: Any) -> Document:
        if change is CONSENT:
            return self._consent_document()
        view = self._view
        return view.document(change) if view else LATE

    def _consent_document(self) -> Document:
        return {"type": "consent", "given": self._consent.is_given, "look": self._seat.lets_look}

    def answer(self, request: Mapping[str, Any]) -> Document:
        if request["do"] == "ping":
            return {}
        match request:
            case {"do": "consent", "given": bool() as is_given}:
                self._consent.give(is_given=is_given)
                self._tell(CONSENT)  # to the seat's other pages
                return {}
            case {"do": "consent", "look": bool() as lets_look}:
                self._seat.lets_look = lets_look
                self._tell(CONSENT)
                return {}
        return self._ready().answer(request)

    def terminal(self, session: str, node_name: str) -> NodeTerminal:
        return self._ready().terminal(session, node_name)

    def leave_terminal(self, terminal: NodeTerminal, watch: Watch) -> None:
        if view := self._view:
            view.leave_terminal(terminal, watch)

    def pcapng(self) -> Iterator[bytes]:
        return self._ready().pcapng()

    def _ready(self) -> LabView:
        if self._view is None:
            raise UsageInvalid("the lab of this seat is not ready", hint="wait a moment")
        return self._view
