"""What a page of one lab is told and can ask for: JSON documents, from a live lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from orchestrator.errors import UsageInvalid
from orchestrator.events import Entry
from orchestrator.operations.live.lab import Change, LiveLab
from orchestrator.operations.live.node_terminals import NodeTerminal, Watch
from orchestrator.rendering.exchange_facts import exchange_facts, packet_line
from orchestrator.rendering.lesson_documents import NO_LESSON, lesson_message
from orchestrator.rendering.live_documents import (
    checks_message,
    exchanges_message,
    faults_message,
    journal_message,
    nodes_message,
    picture_document,
)
from orchestrator.traffic.story import MOST_KEPT

Document = dict[str, Any]
SCHEMA = 1
READY = {"type": "ready"}  # what comes after it is new: the page shows it move
LONGEST_LINE = 500  # characters of an answer


class View(Protocol):
    """What the server needs of a lab. All of it may be called from any thread."""

    def subscribe(self, tell: Callable[[Any], None]) -> Callable[[], None]:
        """Call `tell` with each change; returns what ends that."""
        ...

    def documents(self) -> list[Document]:
        """All that a page needs at its beginning, in the order in which it is sent."""
        ...

    def document(self, change: Any) -> Document:
        """What a page is told of a change."""
        ...

    def answer(self, request: Mapping[str, Any]) -> Document:
        """Do what a page asks for, and return the data of the reply. Raises WirelabError."""
        ...

    def terminal(self, session: str, node_name: str) -> NodeTerminal:
        """An open terminal. Raises WirelabError where there is none."""
        ...

    def leave_terminal(self, terminal: NodeTerminal, watch: Watch) -> None:
        """A page no longer shows it."""
        ...

    def pcapng(self) -> Iterator[bytes]:
        """What is recorded. Raises WirelabError."""
        ...


class LabView:
    """The view of a live lab."""

    def __init__(self, live: LiveLab) -> None:
        self._live = live

    def subscribe(self, tell: Callable[[Any], None]) -> Callable[[], None]:
        return self._live.subscribe(tell)

    def documents(self) -> list[Document]:
        state, exchanges = self._live.snapshot()
        topics = [
            self.document(topic) for topic in ("nodes", "faults", "checks", "capture", "lesson", "engine_answers")
        ]
        journal = [journal_message(entry) for entry in state.entries]
        return [
            self._hello(),
            picture_document(self._live.picture()),
            *topics,
            *journal,
            exchanges_message(exchanges),
            READY,
        ]

    def _hello(self) -> Document:
        scenario = self._live.loaded.reading.scenario
        live = self._live
        shells = list(live.terminals.allowed)
        can = {"faults": True, "capture": True, "shells": shells, "lesson": live.lesson is not None}
        return {
            "type": "hello",
            "schema": SCHEMA,
            "lab": live.name,
            "scenario": scenario.name,
            "title": scenario.title,
            "keeps": MOST_KEPT,
            "can": can,
        }

    def document(self, change: Change) -> Document:
        live = self._live
        match change:
            case Entry():
                return journal_message(change)
            case tuple():
                return exchanges_message(change)
            case "nodes":
                return nodes_message(live.state.states, live.roles(), live.fault_nodes())
            case "faults":
                return faults_message(live.state.faults)
            case "checks":
                names = [check.name for check in live.loaded.reading.scenario.checks]
                return checks_message(names, live.state.findings, live.state.running)
            case "capture":
                capture = live.state.capture
                return {"type": "capture", "on": capture["capture"] == "running", "bytes": capture.get("bytes", 0)}
            case "engine_answers":
                return {"type": "engine_answers", "answers": live.state.engine_answers}
            case "lesson":
                lesson = live.lesson
                if lesson is None:
                    return NO_LESSON
                return lesson_message(lesson.lesson, lesson.progress, lesson.messages.task, lesson.messages.all)

    def answer(self, request: Mapping[str, Any]) -> Document:
        actions = self._live.actions
        match request:
            case {"do": "ping"}:
                return {}
            case {"do": "check", "number": int() | None as number}:
                self._live.check(number)
                return {}
            case {"do": "inject", "words": [*words]} if words and all(isinstance(word, str) for word in words):
                return {"fault": actions.inject(words)}
            case {"do": "heal", "fault": str() | None as fault}:
                return {"healed": list(actions.heal(fault))}
            case {"do": "capture", "on": bool() as on}:
                return {"changed": actions.capture(on)}
            case {"do": "packets", "exchange": int() as number}:
                return self._packets(number)
            case {"do": "lesson", "line": str() as line} if self._live.lesson:
                self._live.lesson.say(line[:LONGEST_LINE])
                return {}
            case {"do": "open_terminal", "node": str() as node}:
                return {"session": self._live.terminals.open(node).session}
            case {"do": "close_terminal", "session": str() as session}:
                self._live.terminals.close(session)
                return {}
        raise UsageInvalid("the server does not know this request", hint="reload the page")

    def _packets(self, number: int) -> Document:
        """What is known of an exchange: its packets, where a capture runs, and what they prove."""
        exchange = self._live.exchanges.of(number)
        if exchange is None:
            raise UsageInvalid("this exchange is no longer remembered", why=f"the server keeps the last {MOST_KEPT}")
        packets = self._live.actions.packets(exchange)
        return {"lines": [packet_line(packet) for packet in packets], "evidence": exchange_facts(exchange)}

    def terminal(self, session: str, node_name: str) -> NodeTerminal:
        return self._live.terminals.of(session, node_name)

    def leave_terminal(self, terminal: NodeTerminal, watch: Watch) -> None:
        self._live.terminals.leave(terminal, watch)

    def pcapng(self) -> Iterator[bytes]:
        return self._live.actions.pcapng()
