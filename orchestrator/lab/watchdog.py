"""A process of its own session that outlives the command by a moment: when the command dies, it cleans up.

It is blocked on a pipe whose other end the command holds. The end of file means that the command is dead, whatever
killed it; then the watchdog becomes `orchestrator.operations.dead_command`, which removes what bears the run's label
and heals the faults of its checks. A word on the pipe before that means: all is well.
Until then it is a bare interpreter that has imported nothing.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# -S and -I keep the waiter small; only at a death does it become an interpreter that finds our packages.
WAITER = (
    "import os,signal,sys\n"
    "for s in (signal.SIGINT,signal.SIGTERM,signal.SIGHUP): signal.signal(s,signal.SIG_IGN)\n"
    "if not os.read(0,1):\n"
    "    os.execv(sys.executable,[sys.executable,'-m','orchestrator.operations.dead_command',*sys.argv[1:]])\n"
)
WELL = b"w"


class Watchdog:
    """Guards what one run makes on one engine, from `begin` to `end`."""

    def __init__(self, url: str, state: Path, run: str, environ: Mapping[str, str]) -> None:
        self._arguments = (url, str(state), run)
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start to watch this process."""
        root = str(Path(__file__).resolve().parents[2])
        path = root + (":" + self._environ["PYTHONPATH"] if self._environ.get("PYTHONPATH") else "")
        self._process = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", WAITER, *self._arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={**self._environ, "PYTHONPATH": path},
        )

    def end(self) -> None:
        """What was made stands by itself, or is gone: there is nothing to clean up any more."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(WELL)
            self._process.stdin.close()
        self._process.wait()
        self._process = None
