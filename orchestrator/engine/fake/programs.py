"""Programs of the engine in memory: none really runs, and what each one leaves is said here, or by a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from orchestrator.engine.programs import Argv, Output
from orchestrator.planning.specs import ContainerSpec
from orchestrator.quick_dataclass import dataclass

NOT_FOUND = 127


@dataclass(frozen=True)
class Behaviour:
    """What a container writes at its start, and the exit code with which it ends at once; None: it goes on."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None


def as_declared(spec: ContainerSpec) -> Behaviour:
    """`echo`, `true` and `false` end, with what they print; everything else goes on, and an image of ours is ready."""
    command = spec.command or ()
    match command[:1]:
        case ("echo",):
            return Behaviour((" ".join(command[1:]),), 0)
        case ("true",):
            return Behaviour((), 0)
        case ("false",):
            return Behaviour((), 1)
        case ("sleep",):
            return Behaviour()
        case _:
            return Behaviour(("wirelab: ready",))


@dataclass(frozen=True)
class ProgramCall:
    """A program that is run inside a container: as which user, with which variables, and with which input."""

    spec: ContainerSpec
    argv: Argv
    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""


def plain_programs(call: ProgramCall) -> Output:
    """What echo, true, false, cat, printenv and `id -u` do; every other program is missing."""
    match tuple(call.argv):
        case ("echo", *words):
            return Output(0, " ".join(words) + "\n", "")
        case ("true",):
            return Output(0, "", "")
        case ("false",):
            return Output(1, "", "")
        case ("cat",):
            return Output(0, call.stdin.decode(), "")
        case ("cat", "/etc/hosts"):
            return Output(0, "".join(f"{address}\t{name}\n" for name, address in call.spec.hosts), "")
        case ("printenv", name):
            return Output(0, call.env[name] + "\n", "") if name in call.env else Output(1, "", "")
        case ("id", "-u"):
            return Output(0, f"{call.user or '0'}\n", "")
        case _:
            return Output(NOT_FOUND, "", f"{call.argv[0]}: not found\n")
