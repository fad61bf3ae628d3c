"""Runs somebody's program in a node, and leaves nothing of it there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from orchestrator.engines.protocol import Engine, Output
from orchestrator.errors import WirelabError

MARK = "WIRELAB_PROGRAM"
# The engine ends no program that it has begun. The mark stands in the environment of the program and of all that it
# has begun (proc_pid_environ(5)), and not in that of who looks for it, who knows it by an argument.
END = """for signal in TERM KILL; do
  left=
  for one in /proc/[0-9]*; do
    grep -qzsxF "$1" "$one/environ" && kill -s "$signal" "${one#/proc/}" && left=yes
  done
  [ "$left" ] || exit 0
  sleep 0.3
done"""


def run_program(engine: Engine, container: str, argv: Sequence[str], *, seconds: float, run: str) -> Output:
    """What it wrote, and its exit code. Where it takes longer, or we are interrupted, it is ended; then that is raised.

    `run` is a word that no other has, by which the program is known.
    """
    try:
        return engine.run(container, argv, seconds=seconds, env={MARK: run})
    except BaseException:
        with suppress(WirelabError):
            engine.run(container, ("sh", "-c", END, "sh", f"{MARK}={run}"), seconds=10)
        raise
