"""A process of its own session that outlives the command by a moment: when the command dies, it cleans up.

It is blocked on a pipe whose other end the command holds. The end of file means that the command is dead, whatever
killed it; then everything that bears the run's label is removed. A word on the pipe before that means: all is well.
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
    "if not os.read(0,1): os.execv(sys.executable,[sys.executable,'-m','orchestrator.lab.watchdog',*sys.argv[1:]])\n"
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


def main(url: str, root: str, run: str) -> None:
    """The command is dead: remove what it made."""
    from orchestrator.engines.docker import DockerEngine
    from orchestrator.engines.state import State
    from orchestrator.lab.removal import remove_empty_folders, sweep_until_quiet
    from orchestrator.lab.runs import forget_run

    engine, state = DockerEngine(url), State(Path(root))
    sweep_until_quiet(engine, run)
    remove_empty_folders(engine, state, run)
    forget_run(state, run)


if __name__ == "__main__":
    main(*sys.argv[1:4])
