"""Runs somebody's program in a node, and leaves nothing of it there where we do not see its end.

`run`, in all of this, is a word that no other has, by which the program is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from orchestrator.engine.attached import Wrote
from orchestrator.engine.protocol import Engine, Output
from orchestrator.errors import NotStarted, WirelabError
from orchestrator.lab.interrupts import uninterrupted

MARK = "WIRELAB_PROGRAM"
# The engine ends no program that it has begun, and may be about to begin one that it was just asked for: so only a
# second look that finds nothing is the last. The mark stands in the environment of the program and of all that it has
# begun (proc_pid_environ(5)), and not in that of who looks for it, who knows it by an argument.
END = """none=
for signal in TERM KILL KILL KILL; do
  left=
  for one in /proc/[0-9]*; do
    grep -qzsxF "$1" "$one/environ" && kill -s "$signal" "${one#/proc/}" && left=yes
  done
  [ "$left" ] && none= || none="x$none"
  [ "$none" = xx ] && exit 0
  sleep 0.3
done"""


def run_program(engine: Engine, container: str, argv: Sequence[str], *, seconds: float, run: str) -> Output:
    """What it wrote, and its exit code. If it takes longer, or we are interrupted, it is ended; then that is raised."""
    try:
        return engine.run(container, argv, seconds=seconds, env={MARK: run})
    except BaseException:
        _end(engine, container, run)
        raise


def attend_program(
    engine: Engine, container: str, argv: Sequence[str], wrote: Wrote, source: int | None, *, run: str
) -> int:
    """As `Engine.attached`. If we are interrupted, or nobody takes what it writes, it is ended; then that is raised."""
    try:
        return engine.attached(container, argv, wrote, source, env={MARK: run})
    except NotStarted:
        raise
    except BaseException:
        _end(engine, container, run)
        raise


def _end(engine: Engine, container: str, run: str) -> None:
    with uninterrupted(), suppress(WirelabError):
        engine.run(container, ("sh", "-c", END, "sh", f"{MARK}={run}"), seconds=10)
