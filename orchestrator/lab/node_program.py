"""Runs somebody's program in a node, and leaves nothing of it there where we do not see its end.

`run`, in all of this, is a word that no other has, by which the program is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from orchestrator.engine.programs import Argv, Output, OutputSink, Programs
from orchestrator.errors import EngineRefused, NotStarted, WirelabError
from orchestrator.lab.interrupts import uninterrupted
from orchestrator.model.roles import ROLES

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

# Whether $1 can be run: 0 yes, 126 no, 127 it is not there, with the programs that are.
LOOKS = """case $1 in
  */*) [ -e "$1" ] || exit 127; [ -f "$1" ] && [ -x "$1" ] || exit 126; exit 0 ;;
esac
IFS=:
for folder in $PATH; do [ -f "$folder/$1" ] && [ -x "$folder/$1" ] && exit 0; done
for folder in $PATH; do ls "$folder" 2> /dev/null; done
exit 127"""
LIKE = 0.5  # of the letters of a name, so many must be those of a name that is proposed


def require_program(engine: Programs, container: str, program: str) -> None:
    """Raise NotStarted if the node cannot run a program, with the nearest name that it can run.

    A node without a shell cannot be asked: nothing is raised.
    """
    try:
        answer = engine.run(container, ("sh", "-c", LOOKS, "sh", program), seconds=10)
    except EngineRefused:
        return
    if answer.exit_code == 126:
        raise NotStarted(program, "the node's user may not run it", missing=False)
    if answer.exit_code == 127 and "/" in program:
        raise NotStarted(program, "there is no such file", missing=True)
    if answer.exit_code == 127 and answer.out:
        there = set(answer.out.split())
        usual = frozenset[str]().union(*(role.tools for role in ROLES.values()))
        meant = _nearest(program, there & usual) or _nearest(program, there)
        raise NotStarted(program, "it is in no folder of the node's PATH", missing=True, meant=meant)


def _nearest(program: str, names: Iterable[str]) -> str:
    """The name that is nearest to this one; empty where none is near. A mistake is rarely in the first letter."""
    from difflib import get_close_matches

    matches = get_close_matches(
        program[:64], sorted(name for name in names if name[:1] == program[:1]), n=1, cutoff=LIKE
    )
    return matches[0] if matches else ""


def run_program(engine: Programs, container: str, argv: Argv, *, seconds: float, run: str) -> Output:
    """What it wrote, and its exit code. If it takes longer, or we are interrupted, it is ended; then that is raised."""
    try:
        return engine.run(container, argv, seconds=seconds, env={MARK: run})
    except BaseException:
        _end(engine, container, run)
        raise


def attend_program(
    engine: Programs, container: str, argv: Argv, sink: OutputSink, source: int | None, *, run: str
) -> int:
    """As `Programs.attached`. Ends the program and raises if we are interrupted, or if nobody takes its output."""
    try:
        return engine.attached(container, argv, sink, source, env={MARK: run})
    except NotStarted:
        raise
    except BaseException:
        _end(engine, container, run)
        raise


def leash_argv(run: str) -> Argv:
    """A program that waits for the end of its input, and then ends all that bears the mark of `run`."""
    return ("sh", "-c", f"cat > /dev/null\n{END}", "sh", f"{MARK}={run}")


def _end(engine: Programs, container: str, run: str) -> None:
    with uninterrupted(), suppress(WirelabError):
        engine.run(container, ("sh", "-c", END, "sh", f"{MARK}={run}"), seconds=10)
