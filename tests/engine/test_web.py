"""The live page of a real lab, over its real server: what a page is told, what it can do, and what is left of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from lab_bench import Bench, eventually, piped
from live_view import Visitor, follow
from websockets.sync.client import ClientConnection

pytestmark = pytest.mark.sampled(3)

DEADLINE = 60.0
PCAPNG = b"\x0a\x0d\x0d\x0a"  # the type of the first block (draft-ietf-opsawg-pcapng, section 4.1)
Message = dict[str, Any]


class PageSocket:
    """The socket of a page: asks, and waits for what it is told."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    def wait(self, kind: str, wanted: Callable[[Message], bool] = lambda _message: True) -> Message:
        """The next message of a kind, or the next exchange, that is as wanted. Raises TimeoutError where none comes."""
        while True:
            message: Message = json.loads(self._socket.recv(timeout=DEADLINE))
            for part in message.get("exchanges", [message]):
                if message["type"] == kind and wanted(part):
                    return dict(part)

    def send(self, do: str, **words: Any) -> int:
        """Ask for something; returns the number of the request."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "do": do, **words}))
        return self._number

    def ask(self, do: str, **words: Any) -> Message:
        """Ask for something and wait for the reply. What comes before it is passed over."""
        number = self.send(do, **words)
        return self.wait("reply", lambda reply: reply["id"] == number)


@contextmanager
def served(lab: Bench, ending: signal.Signals = signal.SIGINT) -> Iterator[Visitor]:
    """The page of a lab, and a browser that has opened its link; the server gets a signal at the end."""
    with lab.start("web", "--no-browser") as process:
        try:
            yield follow(piped(process.stdout).readline().strip())
        finally:
            process.send_signal(ending)
            process.communicate(timeout=DEADLINE)


def is_named(name: str) -> Callable[[Message], bool]:
    return lambda exchange: exchange["protocol"] == "DNS" and name in exchange["sentence"]


def is_state(node: str, state: str) -> Callable[[Message], bool]:
    return lambda message: any(one["name"] == node and one["state"] == state for one in message["nodes"])


def look_up(lab: Bench) -> None:
    lab.cli("exec", "client", "--", "dig", "unknown.shop.lab")


def processes(lab: Bench, node: str) -> str:
    return lab.cli("exec", node, "--", "ps", "-eo", "args").out


def test_what_happens_in_the_lab_is_told_and_what_a_page_asks_for_is_done(standing: Bench) -> None:
    """A look-up of somebody else's, all checks, a fault and its end, and a capture that is downloaded."""
    with served(standing) as visitor, visitor.socket() as socket:
        look_up(standing)  # at once: the capture has begun before the link is told
        page = PageSocket(socket)
        assert page.wait("hello")["can"]["shells"] == ["client", "dns", "db", "app"]
        assert {node["name"] for node in page.wait("picture")["nodes"]} == {"dns", "db", "app", "client"}

        exchange = page.wait("exchanges", is_named("unknown.shop.lab"))
        assert (exchange["client"], exchange["server"], exchange["probe"]) == ("client", "dns", False)
        if exchange["outcome"] == "open":  # its end is mostly told with its beginning
            exchange = page.wait("exchanges", lambda later: later["number"] == exchange["number"])
        assert (exchange["outcome"], exchange["ended"] > exchange["at"]) == ("failed", True)
        assert "NXDOMAIN" in exchange["sentence"]
        assert page.ask("check", number=None)["ok"]
        packets = page.ask("packets", exchange=exchange["number"])["data"]
        assert (packets["lines"], "rcode NXDOMAIN" in " ".join(packets["evidence"])) == ([], True)

        assert page.ask("inject", words=["stop", "dns"])["data"] == {"fault": "stop-dns"}
        page.wait("nodes", is_state("dns", "stopped"))
        page.send("check", number=1)
        checks = page.wait("checks", lambda message: message["checks"][0]["why"] is not None)
        assert checks["checks"][0]["verdict"] == "fail"
        assert "The DNS server dns is stopped" in checks["checks"][0]["why"]["sentence"]
        assert page.ask("heal", fault="stop-dns")["data"] == {"healed": ["stop-dns"]}

        assert page.ask("capture", on=True)["data"] == {"changed": True}
        assert visitor.get("/capture.pcapng")[1].encode("latin-1", "replace").startswith(PCAPNG)
        assert page.ask("capture", on=False)["data"] == {"changed": True}
        assert visitor.get("/capture.pcapng")[0].status == 409


def shown_until(socket: ClientConnection, wanted: bytes) -> bytes:
    """What a terminal shows until it shows that."""
    shown = b""
    while wanted not in shown:
        piece = socket.recv(timeout=DEADLINE)
        assert isinstance(piece, bytes), piece
        shown += piece
    return shown


def test_a_terminal_has_a_size_and_comes_back_after_a_reload(shared: Bench) -> None:
    with served(shared) as visitor, visitor.socket() as socket:
        page = PageSocket(socket)
        assert not page.ask("open_terminal", node="nobody")["ok"]
        session = page.ask("open_terminal", node="client")["data"]["session"]
        path = f"/terminal/client?session={session}"
        with visitor.socket(path) as terminal:
            terminal.send(json.dumps({"resize": [97, 33]}))
            terminal.send(b"stty size; echo $((6 * 7))th line\n")
            assert b"33 97" in shown_until(terminal, b"42th line")
        with visitor.socket(path) as terminal:  # the page was loaded anew
            assert b"42th line" in shown_until(terminal, b"42th line")
            terminal.send(b"echo $((7 * 7))th line\n")
            shown_until(terminal, b"49th line")
        with visitor.socket(f"/terminal/app?session={session}") as other_node:
            assert "error" in json.loads(other_node.recv(timeout=DEADLINE))
        assert "bash -il" in processes(shared, "client")
        page.ask("close_terminal", session=session)
        with visitor.socket(path) as ended:
            assert "error" in json.loads(ended.recv(timeout=DEADLINE))
        assert "bash -il" not in processes(shared, "client")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_page_that_has_ended(shared: Bench, ending: signal.Signals) -> None:
    """Neither the container that read the packets nor a shell with what it began; the lab stands."""
    before = {container.name for container in shared.containers()}
    with served(shared, ending) as visitor, visitor.socket() as socket:
        session = PageSocket(socket).ask("open_terminal", node="client")["data"]["session"]
        with visitor.socket(f"/terminal/client?session={session}") as terminal:
            terminal.send(b"sleep 1234 & echo $((6 * 7))th line\n")
            shown_until(terminal, b"42th line")
        assert "sleep 1234" in processes(shared, "client")
        assert {container.name for container in shared.containers()} > before
    assert eventually(lambda: {container.name for container in shared.containers()} == before, DEADLINE)
    assert eventually(lambda: "sleep 1234" not in processes(shared, "client"), DEADLINE)
    assert "bash -il" not in processes(shared, "client")
