"""A seat over a bad network: a connection breaks within a command, and no key stroke is lost or comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import pytest
from browser_pages import DESK, go_to, page_without_complaints
from live_messages import lab_messages
from live_view import FakeView
from picture_labs import SMALL

from orchestrator.operations.live.node_terminals import NodeTerminal, Watch
from orchestrator.web.server import WebServer
from orchestrator.web.sessions import Seat

SEAT = Seat("", "one")
MOST_FRAMES = 2000  # many more than it takes
COMMAND = "dig +short app.shop.lab | tee /tmp/answer"


class EchoedShell:
    """A program at a terminal that shows what is typed."""

    def __init__(self) -> None:
        self.typed = b""
        self._shows: SimpleQueue[bytes] = SimpleQueue()

    def read(self) -> bytes:
        return self._shows.get()

    def write(self, typed: bytes) -> None:
        self.typed += typed
        self._shows.put(typed)

    def resize(self, _columns: int, _rows: int) -> None:
        """It has no size."""

    def exit_code(self) -> int:
        return 0

    def close(self) -> None:
        self._shows.put(b"")


@dataclass
class TypedView(FakeView):
    """A lab with a terminal in its client."""

    shell: EchoedShell = field(default_factory=EchoedShell)

    def __post_init__(self) -> None:
        self._terminal = NodeTerminal("s1", "client", self.shell, None, b"client$ ")  # type: ignore[arg-type]
        self._terminal.begin()

    def documents(self) -> list[dict[str, Any]]:
        return [*lab_messages(SMALL), {"type": "ready"}]

    def answer(self, request: Any) -> dict[str, Any]:
        return {"session": "s1"} if request["do"] == "open_terminal" else {}

    def terminal(self, _session: str, _node_name: str) -> NodeTerminal:
        return self._terminal

    def leave_terminal(self, terminal: NodeTerminal, watch: Watch) -> None:
        terminal.unwatch(watch, lambda: None)


@pytest.fixture
def view() -> Iterator[TypedView]:
    view = TypedView("one")
    yield view
    view.shell.close()


@pytest.fixture
def page(browser: Any, view: TypedView) -> Iterator[Any]:
    with WebServer({"one": view}) as server, page_without_complaints(browser, DESK) as page:
        page.link = server.launch_url(SEAT)
        yield page


def open_terminal(page: Any) -> None:
    go_to(page, page.link)
    page.locator("body.ready").wait_for()
    page.get_by_label("Node of the new terminal").select_option("client")
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator(".terminal .xterm-rows", has_text="client$").wait_for()


def typed(page: Any, view: TypedView, text: str) -> None:
    """Wait until the shell has got this, and nothing else."""
    for _ in range(MOST_FRAMES):
        if len(view.shell.typed) >= len(text.encode()):
            break
        page.evaluate("new Promise(requestAnimationFrame)")
    assert view.shell.typed.decode() == text


@pytest.mark.parametrize("arrive", [0, 3, 20])
def test_what_was_on_its_way_when_a_connection_broke_is_sent_again(page: Any, view: TypedView, arrive: int) -> None:
    """The first connection carries some key strokes, loses the next ones, and breaks."""
    connections: list[Any] = []

    def connect(socket: Any) -> None:
        server, number, came = socket.connect_to_server(), len(connections), [0]
        connections.append(server)

        def carry(message: str | bytes) -> None:
            came[0] += isinstance(message, bytes)
            if number or came[0] <= arrive:
                server.send(message)
            elif came[0] == arrive + 5:
                server.close()
                socket.close()

        socket.on_message(carry)

    page.route_web_socket("**/terminal/**", connect)
    open_terminal(page)
    page.keyboard.type(COMMAND)
    typed(page, view, COMMAND)
    assert len(connections) == 2
    page.get_by_text("Not connected.").wait_for(state="hidden")


def test_what_is_typed_without_a_connection_waits_for_the_next_one(page: Any, view: TypedView) -> None:
    refused = [True]

    def connect(socket: Any) -> None:
        if view.shell.typed and refused[0]:
            socket.close()
        else:
            sockets.append((socket, socket.connect_to_server()))

    sockets: list[Any] = []
    page.route_web_socket("**/terminal/**", connect)
    open_terminal(page)
    page.keyboard.type("dig ")
    typed(page, view, "dig ")
    for end in sockets[0]:
        end.close()
    page.get_by_text("Not connected. It connects again by itself; what you type waits.").wait_for()
    page.keyboard.type("app.shop.lab")
    assert view.shell.typed == b"dig "
    refused[0] = False
    typed(page, view, "dig app.shop.lab")


def test_two_tabs_of_one_seat_show_and_type_into_the_same_terminal(page: Any, view: TypedView) -> None:
    """As a tab that is duplicated does it: both show what either types."""
    open_terminal(page)
    page.keyboard.type("dig ")
    typed(page, view, "dig ")
    kept = page.evaluate("sessionStorage.getItem('wirelab-terminals')")
    other = page.context.new_page()
    other.add_init_script(f"sessionStorage.setItem('wirelab-terminals', {kept!r})")
    go_to(other, page.url)
    other.locator(".terminal .xterm-rows", has_text="dig").wait_for()
    other.locator(".terminal .xterm-screen").click()
    other.keyboard.type("app")
    page.locator(".terminal .xterm-rows", has_text="dig app").wait_for()
    page.bring_to_front()
    page.keyboard.type(".lab")
    other.locator(".terminal .xterm-rows", has_text="dig app.lab").wait_for()
    assert view.shell.typed == b"dig app.lab"
