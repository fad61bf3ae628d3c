"""The connection to a member's engine behind TLS: a program that forwards a plain socket (`tls_relay.py`)."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from orchestrator.engine.address import host_and_port
from orchestrator.errors import MemberUnreachable
from orchestrator.host.members import tls_relay
from orchestrator.host.members.member import Member
from orchestrator.host.members.sockets import MemberSockets
from orchestrator.host.processes import arguments, process, send_signal

START_SECONDS = 20.0


class TlsTunnel:
    """The connection of one member."""

    def __init__(self, member: Member, sockets: MemberSockets) -> None:
        self._member = member
        self._sockets = sockets
        self._place = host_and_port(member.address.removeprefix("tcp://"))

    def start(self) -> None:
        """Make a handshake, and start the program that forwards. Raises MemberUnreachable, with what TLS said."""
        self._require_handshake()
        host, port = self._place
        words = (str(self._sockets.socket), str(self._sockets.control), host, str(port))
        subprocess.run(
            (
                sys.executable,
                "-I",
                tls_relay.__file__,
                *words,
                self._member.cacert,
                self._member.cert,
                self._member.key,
            ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
            cwd="/",
        )

    def end(self) -> None:
        """End the program, if it runs."""
        with suppress(OSError, ValueError):
            running = process(int(self._sockets.control.read_text()))
            # By now the number may be another process's.
            if running and str(self._sockets.socket) in arguments(running):
                send_signal(running, signal.SIGTERM)

    def _require_handshake(self) -> None:
        here, there = socket.socketpair()
        try:
            with here, there:
                member = self._member
                context = tls_relay.client_context(member.cacert, member.cert, member.key)
                tls_relay.connected(here, self._place, context).close()
        except OSError as error:
            why = f"{self._member.address}: {getattr(error, 'verify_message', '') or error.strerror or error}"
            names = ", ".join(Path(file).name for file in (self._member.cacert, self._member.cert, self._member.key))
            hint = f"see that the engine listens there with TLS, and that {names} are the right files"
            raise MemberUnreachable(self._member.name, why=why, hint=hint) from error
