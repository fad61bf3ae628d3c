"""Forward a socket of this machine to an engine behind TLS. A program of its own, which imports nothing of wirelab:

    python -I tls_relay.py SOCKET PID_FILE HOST PORT CACERT CERT KEY

So everything that speaks to an engine, the docker command too, needs to know a plain socket only. The program goes to
the background when the socket stands, and ends when somebody has removed the socket.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

CHUNK = 65536
CONNECT_SECONDS = 10.0
LOOK_SECONDS = 5.0  # between two looks whether the socket is still there
WAITING = 128  # connections that nobody has accepted


def client_context(cacert: str, cert: str, key: str) -> ssl.SSLContext:
    """Verifies the engine's certificate and its name, and presents ours. Raises OSError."""
    context = ssl.create_default_context(cafile=cacert)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


class Link:
    """One connection: a plain socket on this side, TLS on the other. Both directions end one at a time.

    A program in a container may wait for the end of its input. TLS has close_notify for that (RFC 8446,
    section 6.1), and Python's SSLSocket cannot go on to read after it has sent one; an SSLObject can.
    """

    def __init__(self, plain: socket.socket, remote: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self._remote = remote
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._state = threading.Lock()  # of the TLS object and what was decrypted early
        self._early: deque[bytes] = deque()
        self._sending = threading.Lock()  # what is encrypted first is sent first

    def handshake(self) -> None:
        """Raises OSError where the other side is not who it should be."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
        self._flush()

    def run(self) -> None:
        """Forward until the other side has ended."""
        sender = threading.Thread(target=self._send_all, daemon=True)
        sender.start()
        try:
            self._receive_all()
        finally:
            for link in (self._plain, self._remote):
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)
            sender.join()
            self.close()

    def close(self) -> None:
        """End it without a word."""
        self._plain.close()
        self._remote.close()

    def _send_all(self) -> None:
        with suppress(OSError):
            while piece := self._plain.recv(CHUNK):
                self._send(partial(self._tls.write, piece))
            self._send(self._notify_close)

    def _send(self, encrypt: Callable[[], object]) -> None:
        with self._sending:
            with self._state:
                encrypt()
            self._flush()

    def _notify_close(self) -> None:
        """Send close_notify. `unwrap` would then read that of the other side, and fail if other bytes come first."""
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            while piece := self._tls.read(CHUNK):
                self._early.append(piece)
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()

    def _receive_all(self) -> None:
        with suppress(OSError):
            while True:
                piece = self._decrypted()
                if piece is None:
                    self._feed()
                elif not piece:
                    break
                else:
                    self._plain.sendall(piece)
        with suppress(OSError):
            self._plain.shutdown(socket.SHUT_WR)

    def _decrypted(self) -> bytes | None:
        """What has come; b"" at the end, None where it was nothing yet."""
        with self._state:
            if self._early:
                return self._early.popleft()
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def _feed(self) -> None:
        received = self._remote.recv(CHUNK)
        with self._state:
            if received:
                self._incoming.write(received)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        with self._state:
            encrypted = self._outgoing.read()
        if encrypted:
            self._remote.sendall(encrypted)


def connected(plain: socket.socket, place: tuple[str, int], context: ssl.SSLContext) -> Link:
    """A link to the engine, after the handshake. Raises OSError."""
    remote = socket.create_connection(place, timeout=CONNECT_SECONDS)
    remote.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    remote.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        link = Link(plain, remote, context, place[0])
        link.handshake()
    except BaseException:
        remote.close()
        raise
    remote.settimeout(None)
    return link


def serve(server: socket.socket, path: str, place: tuple[str, int], context: ssl.SSLContext) -> None:
    """Forward each connection in a thread, for as long as the socket is there."""
    own = os.stat(path).st_ino

    def forward(plain: socket.socket) -> None:
        try:
            connected(plain, place, context).run()
        except OSError:
            plain.close()

    while True:
        if select.select([server], [], [], LOOK_SECONDS)[0]:
            plain, _ = server.accept()
            threading.Thread(target=forward, args=(plain,), daemon=True).start()
        try:
            if os.stat(path).st_ino != own:
                return
        except FileNotFoundError:
            return


def main(arguments: list[str]) -> None:
    path, pid_file, host, port, *files = arguments
    context = client_context(*files)
    with suppress(FileNotFoundError):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o177)
    server.bind(path)
    server.listen(WAITING)
    if pid := os.fork():
        with open(pid_file, "w") as file:
            file.write(str(pid))
        return
    serve(server, path, (host, int(port)), context)


if __name__ == "__main__":
    main(sys.argv[1:])
