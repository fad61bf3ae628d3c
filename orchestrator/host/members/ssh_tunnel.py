"""One long-lived ssh connection a member, which forwards the engine's socket to a socket of this machine.

    ssh -f -N -L <state>/members/NAME.sock:/var/run/docker.sock USER@HOST

The SDK's own ssh transport logs in for every connection (docker-py#2966). ssh goes to the background by itself once
the forwarding stands, and outlives the command: the next one finds the socket again. Keys, host keys and aliases are
those of the user's own ssh.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from orchestrator.errors import MemberUnreachable
from orchestrator.host.members.member import Member, ssh_place
from orchestrator.host.members.sockets import MemberSockets

# The command instead of `ssh`, as GIT_SSH_COMMAND has it: `ssh -F FILE`.
COMMAND = "WIRELAB_SSH"
# A connection over which nothing comes ends after three of these intervals (ssh_config(5)).
OPTIONS = {
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    "StreamLocalBindUnlink": "yes",
    "StreamLocalBindMask": "0177",
    "ConnectTimeout": "10",
}
LONGEST_SECONDS = 60.0
KEPT_LINES = 3


class SshTunnel:
    """The connection of one member. `environ` may name another ssh."""

    def __init__(self, member: Member, sockets: MemberSockets, environ: Mapping[str, str]) -> None:
        self._member = member
        self._sockets = sockets
        self._place = ssh_place(member.address)
        self._command = shlex.split(environ.get(COMMAND, "")) or ["ssh"]

    def start(self) -> None:
        """Connect, and return when the socket stands. Raises MemberUnreachable, with what ssh said."""
        can_ask = sys.stdin is not None and sys.stdin.isatty()
        with tempfile.TemporaryFile() as errors:
            try:
                done = subprocess.run(
                    self._argv(can_ask),
                    stdin=None if can_ask else subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=not can_ask,
                    timeout=LONGEST_SECONDS,
                    check=False,
                )
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = -1
            except OSError as error:
                why = f"{self._command[0]}: {error.strerror}"
                raise self._unreachable(why, "install OpenSSH's client") from error
            if code != 0:
                errors.seek(0)
                raise self._unreachable(_last_words(errors.read(), code), self._hint())

    def end(self) -> None:
        """End the connection, if there is one."""
        if self._sockets.control.exists():
            argv = (*self._command, "-S", str(self._sockets.control), "-O", "exit", "--", self._place.destination)
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_SECONDS, check=False)

    def _argv(self, can_ask: bool) -> tuple[str, ...]:
        options = OPTIONS if can_ask else {**OPTIONS, "BatchMode": "yes"}
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        port = ("-p", str(self._place.port)) if self._place.port else ()
        forward = f"{self._sockets.socket}:{self._place.socket}"
        control = ("-M", "-S", str(self._sockets.control))
        return (*self._command, "-f", "-N", "-T", *control, *words, *port, "-L", forward, "--", self._place.destination)

    def _hint(self) -> str:
        port = f"-p {self._place.port} " if self._place.port else ""
        by_hand = f"{shlex.join(self._command)} {port}{self._place.destination} true"
        return f"see that this works without a question: {by_hand}"

    def _unreachable(self, why: str, hint: str) -> MemberUnreachable:
        return MemberUnreachable(self._member.name, why=f"ssh {self._place.destination}: {why}", hint=hint)


def _last_words(errors: bytes, code: int) -> str:
    """What ssh said last, which is why it gave up."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    late = f"it did not connect within {LONGEST_SECONDS:g} s" if code < 0 else f"it ended with exit code {code}"
    return "; ".join(lines[-KEPT_LINES:]) or late
