"""A terminal for a command that asks for one: what is typed, and all that was written on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def at_a_terminal(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    lines: Sequence[str] = (),
    prompt: str = "$ ",
    columns: int = 80,
    seconds: float,
) -> tuple[int, str]:
    """Run a command on a terminal, type each line once the prompt is there; its exit code and what it wrote.

    Raises TimeoutError where the prompt, or the command's end, does not come in so many seconds.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))  # tty_ioctl(4)
    process = subprocess.Popen(
        tuple(argv), env=dict(env), cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    deadline = time.monotonic() + seconds
    try:
        text = ""
        for line in lines:
            text += _until(ours, prompt, deadline)
            os.write(ours, f"{line}\n".encode())
        text += _until(ours, None, deadline)
        return process.wait(max(0.1, deadline - time.monotonic())), text
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _until(terminal: int, prompt: str | None, deadline: float) -> str:
    """What is written up to the prompt; up to the end where there is none."""
    text = b""
    while prompt is None or not text.decode(errors="replace").endswith(prompt):
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"no {prompt or 'end'!r} after {text.decode(errors='replace')!r}")
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux tells that nobody is at the other end any more (EIO)
            piece = b""
        if not piece:
            if prompt is None:
                break
            raise TimeoutError(f"the command ended without {prompt!r}: {text.decode(errors='replace')!r}")
        text += piece
    return text.decode(errors="replace").replace("\r\n", "\n")
