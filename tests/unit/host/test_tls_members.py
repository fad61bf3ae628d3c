"""A member behind TLS: both ends prove who they are, bytes go both ways, and each direction ends by itself."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import authority, certificate

from orchestrator.errors import MemberUnreachable
from orchestrator.host.members.member import Member
from orchestrator.host.members.reach import leave_member, member_url, reach_member
from orchestrator.host.processes import process
from orchestrator.host.state_folder import StateFolder

pytestmark = pytest.mark.slow
LARGE = 3_000_000


@pytest.fixture(scope="module")
def keys() -> Iterator[Path]:
    """Two authorities; the first has signed a server for 127.0.0.1 and one for another name, each of them a client."""
    folder = Path(tempfile.mkdtemp(prefix="wl-"))
    for name in ("ca", "other"):
        authority(folder, name)
    certificate(folder, "server", "ca", "subjectAltName=IP:127.0.0.1")
    certificate(folder, "elsewhere", "ca", "subjectAltName=DNS:elsewhere.example")
    certificate(folder, "client", "ca")
    certificate(folder, "stranger", "other")
    yield folder
    shutil.rmtree(folder)


def engine(link: ssl.SSLSocket) -> None:
    """A ping is answered; otherwise all that comes is read to its end, counted, and sent back."""
    first = link.recv(65536)
    if first.startswith(b"GET /_ping"):
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\nOK")
        return
    received = first
    while piece := link.recv(65536):
        received += piece
    link.sendall(str(len(received)).encode() + b"\n" + received)


def flooding(link: ssl.SSLSocket) -> None:
    """Sends much before it reads anything."""
    first = link.recv(4)
    if first == b"GET ":
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\nOK")
        return
    link.sendall(b"x" * LARGE)
    count = len(first)
    while piece := link.recv(65536):
        count += len(piece)
    link.sendall(str(count).encode())


@dataclass(frozen=True)
class Server:
    port: int


@contextmanager
def serving(
    keys: Path, certificate_name: str = "server", serve: Callable[[ssl.SSLSocket], None] = engine
) -> Iterator[Server]:
    """An engine behind TLS that takes only clients of the first authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(keys / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(keys / f"{certificate_name}.pem", keys / f"{certificate_name}.key")

    def attend(plain: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as link:
            serve(link)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=attend, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield Server(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def member(keys: Path, port: int, client: str = "client", ca: str = "ca") -> Member:
    files = (str(keys / f"{ca}.pem"), str(keys / f"{client}.pem"), str(keys / f"{client}.key"))
    return Member("big", f"tcp://127.0.0.1:{port}", *files)


@pytest.fixture
def state() -> Iterator[StateFolder]:
    folder = Path(tempfile.mkdtemp(prefix="wl-"))
    yield StateFolder(folder / "state")
    shutil.rmtree(folder)


def exchange(url: str, content: bytes) -> bytes:
    """Send it, end the input, and read to the end."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(60)
        link.connect(url.removeprefix("unix://"))

        def send() -> None:
            link.sendall(content)
            link.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        received = b""
        while piece := link.recv(65536):
            received += piece
        sender.join()
    return received


def test_the_engine_answers_and_the_end_of_the_input_arrives(keys: Path, state: StateFolder) -> None:
    with serving(keys) as server:
        big = member(keys, server.port)
        url = reach_member(state, big)
        assert url == member_url(state, big) == f"unix://{state.root}/members/big.sock"
        pid = (state.root / "members" / "big.ctl").read_text()
        assert reach_member(state, big) == url
        assert (state.root / "members" / "big.ctl").read_text() == pid
        assert (state.root / "members" / "big.sock").stat().st_mode & 0o777 == 0o600
        assert exchange(url, b"three") == b"5\nthree"
        content = bytes(range(256)) * (LARGE // 256)
        assert exchange(url, content) == str(len(content)).encode() + b"\n" + content
        leave_member(state, big)
        assert list((state.root / "members").iterdir()) == []
        deadline = time.monotonic() + 30
        while process(int(pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process(int(pid)) is None


def test_neither_direction_waits_for_the_other(keys: Path, state: StateFolder) -> None:
    with serving(keys, serve=flooding) as server:
        big = member(keys, server.port)
        try:
            received = exchange(reach_member(state, big), b"y" * LARGE)
        finally:
            leave_member(state, big)
        assert received == b"x" * LARGE + str(LARGE).encode()


@pytest.mark.parametrize(
    ("certificate_name", "client", "ca", "words"),
    [
        ("elsewhere", "client", "ca", "IP address mismatch"),
        ("server", "client", "other", "self-signed certificate in certificate chain"),
    ],
)
def test_an_engine_that_is_not_who_it_should_be_is_refused(
    keys: Path, state: StateFolder, certificate_name: str, client: str, ca: str, words: str
) -> None:
    with serving(keys, certificate_name) as server, pytest.raises(MemberUnreachable) as raised:
        reach_member(state, member(keys, server.port, client, ca))
    assert words in raised.value.why
    assert not (state.root / "members" / "big.sock").exists()


def test_an_engine_that_refuses_our_certificate_is_named(keys: Path, state: StateFolder) -> None:
    with serving(keys) as server:
        stranger = member(keys, server.port, "stranger")
        with pytest.raises(MemberUnreachable, match="the member 'big' does not answer"):
            reach_member(state, stranger)
        leave_member(state, stranger)


def test_nobody_behind_the_port_and_wrong_files_are_named(keys: Path, state: StateFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(MemberUnreachable) as raised:
        reach_member(state, member(keys, port))
    assert raised.value.why == f"tcp://127.0.0.1:{port}: Connection refused"
    (keys / "empty.pem").touch()
    (keys / "empty.key").touch()
    with serving(keys) as server, pytest.raises(MemberUnreachable) as raised:
        reach_member(state, member(keys, server.port, "empty"))
    assert "empty.pem" in raised.value.hint
