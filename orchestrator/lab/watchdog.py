"""A process of its own session that outlives the command by a moment: when the command dies, it cleans up.

It is blocked on a pipe whose other end the command holds. The end of file means that the command is dead, whatever
killed it; then what bears the run's label is removed, unless the run had ended well or another command has completed
the lab meanwhile. A word on the pipe before that means: all is well.
Until then it is a bare interpreter that has imported nothing.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder

# -S and -I keep the waiter small; only at a death does it become an interpreter that finds our packages.
WAITER = (
    "import os,signal,sys\n"
    "for s in (signal.SIGINT,signal.SIGTERM,signal.SIGHUP): signal.signal(s,signal.SIG_IGN)\n"
    "if not os.read(0,1): os.execv(sys.executable,[sys.executable,'-m','orchestrator.lab.watchdog',*sys.argv[1:]])\n"
)
WELL = b"w"
# How long an engine that does not answer is waited for.
ENGINE_SECONDS = 30.0


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


def main(url: str, root: str, run: str) -> None:
    """The command is dead: remove what it made. An engine that restarts meanwhile is waited for.

    What cannot be removed stays a dead run's, which `wirelab sweep` finds.
    """
    from orchestrator.errors import EngineMissing
    from orchestrator.host.state_folder import StateFolder

    deadline = time.monotonic() + ENGINE_SECONDS
    while True:
        try:
            return _clean_up(url, StateFolder(Path(root)), run)
        except EngineMissing:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _clean_up(url: str, state: StateFolder, run: str) -> None:
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.lab.removal import sweep_until_quiet
    from orchestrator.lab.run_registry import ended_well, forget_run

    if ended_well(state, run):
        return
    with contextlib.closing(DockerEngine(url)) as engine:
        if sweep_until_quiet(engine, state, run):
            forget_run(state, run)


if __name__ == "__main__":
    main(*sys.argv[1:4])
