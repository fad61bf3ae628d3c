"""Asks a server (`command_server.py`) for one `wirelab` command; as a program it stands for `wirelab` in a shell.

    python -I -S command_client.py ADDRESS WORDS...

It imports little, for it is started as often as the command. A signal that it gets is handed on to the command. Where
a stream is a terminal, or the server refuses, it becomes the real program.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence

REPLY = struct.Struct("i")
REFUSED = -1
# What a process makes of these it makes at its start: Python, the C library and the dynamic linker.
READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_")
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a process no longer reads when it runs."""
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def ask(
    address: str, words: Sequence[str], *, env: Mapping[str, str], cwd: str, streams: Sequence[int]
) -> tuple[socket.socket, int]:
    """The connection by which the exit code will come, and the command's pid, or REFUSED.

    Closed before that, the connection ends the command by SIGKILL.
    """
    texts = (cwd, str(len(words)), *words, *(f"{name}={value}" for name, value in env.items()))
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(address)
    socket.send_fds(connection, [b"\0".join(map(os.fsencode, texts))], list(streams))
    return connection, reply(connection)


def reply(connection: socket.socket) -> int:
    """The next number that the server sends: first the pid, then the exit code, negative for a signal."""
    (number,) = REPLY.unpack(connection.recv(REPLY.size))
    return int(number)


def main(address: str, words: Sequence[str]) -> int:
    """The exit code of the command, as a shell sees it."""
    real = (sys.executable, "-m", "orchestrator", *words)
    if any(map(os.isatty, (0, 1, 2))):
        os.execv(sys.executable, real)
    connection, pid = ask(address, words, env=os.environ, cwd=os.getcwd(), streams=(0, 1, 2))
    if pid == REFUSED:
        os.execv(sys.executable, real)
    for number in HANDED_ON:
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    code = reply(connection)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
