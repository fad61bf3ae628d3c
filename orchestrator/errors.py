"""Every error that wirelab raises on purpose, and the exit code that goes with it.

    WirelabError                what, why, try
    ├── FileInvalid       (2)   the scenario file is wrong; holds every problem at once
    ├── UsageInvalid      (2)   the command line is wrong
    ├── WorldError        (3)   the world did not cooperate
    │   ├── EngineMissing       no engine, or it does not answer, or denies permission
    │   │   └── MemberUnreachable  that of a member
    │   ├── EngineRefused       the engine answered with an error
    │   │   ├── NotFound        the named thing is not there
    │   │   ├── TookTooLong     no answer before the deadline
    │   │   ├── NotStarted (127)  a program is not in the node, or (126) cannot be run; as a shell has it
    │   │   ├── WrongState      a container does not run, or is paused, and the call needs another state
    │   │   ├── NetworkBusy     a network still has endpoints
    │   │   ├── ContainerBusy   a container is just ending, or another one stands in its network
    │   │   ├── VolumeBusy      a container uses the volume
    │   │   └── Conflict        somebody else has what was asked for
    │   │       ├── NameTaken     a container or network of that name exists
    │   │       ├── RangeTaken    a range of addresses overlaps one that is in use
    │   │       └── AddressTaken  another container has the address
    │   ├── ForeignLab          a lab of that name belongs to another user or state folder
    │   ├── ImageMissing        an image is not there and cannot be made
    │   │   └── DiskFull          the engine's disk has no room for it
    │   ├── RangeFull           no address, or no private range, is left
    │   ├── FileUnseen          the engine cannot see a file that a node needs
    │   ├── Skipped             this engine or kernel cannot do what the scenario shows
    │   └── NodeFailed          a node ended, or did not become ready in time
    ├── LabBusy           (5)   another process works on this lab
    └── Leftovers         (6)   clean-up was not complete; holds what is left

An error is a value: it holds its three sentences, and `cli` alone prints them. An interrupt is no error of
ours: it comes as KeyboardInterrupt (130) or SystemExit (143). Anything else that reaches the top is our bug (70).
"""

from __future__ import annotations

from dataclasses import dataclass

OK, CHECK_FAILED, INVALID, WORLD, BUSY, LEFTOVERS, BUG, INTERRUPTED, TERMINATED = (
    0, 1, 2, 3, 5, 6, 70, 130, 143,
)  # fmt: skip


class WirelabError(Exception):
    """What went wrong, why we believe so (the evidence), and the next command to try."""

    exit_code = WORLD

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def lines(self) -> tuple[str, ...]:
        """The error as a person reads it: at most three lines."""
        lines = (f"error: {self.what}", f"why:   {self.why}" if self.why else "", f"try:   {self.hint}")
        return tuple(line for line in lines if line.strip() not in ("", "try:"))


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a scenario file: where it stands (1-based line and column), its path, and the message."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class FileInvalid(WirelabError):
    """The scenario file holds mistakes; `problems` has all of them in the order of the file."""

    exit_code = INVALID

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(f"{problems[0].file} has {count}")
        self.problems = problems


class UsageInvalid(WirelabError):
    """The command line is wrong."""

    exit_code = INVALID


class WorldError(WirelabError):
    """The world did not cooperate."""


class Skipped(WorldError):
    """This engine or kernel cannot do what the scenario shows, so that nothing was tried: neither good nor bad."""


class EngineMissing(WorldError):
    """No engine answers, or it denies permission."""


def doctor_command(member: str) -> str:
    """The command that looks at the engine of a member; without one, at the engine in use."""
    return f"wirelab members doctor {member}" if member else "wirelab doctor"


class MemberUnreachable(EngineMissing):
    """The engine of a member does not answer."""

    def __init__(self, member: str, *, why: str = "", hint: str = "") -> None:
        hint = hint or doctor_command(member)
        super().__init__(f"the member {member!r} does not answer", why=why, hint=hint)
        self.member = member


def silent_engine(why: str, member: str = "") -> EngineMissing:
    """The error for an engine that was reached, and does not answer any more; `member` is the one whose it is."""
    if member:
        return MemberUnreachable(member, why=why)
    hint = "wirelab engine status, then wirelab engine up"
    return EngineMissing("the container engine does not answer", why=why, hint=hint)


class EngineRefused(WorldError):
    """The engine answered with an error."""


class NotPossible(EngineRefused):
    """The engine, on the kernel that it has, cannot do this at all."""


class NotFound(EngineRefused):
    """The named thing is not there."""


class TookTooLong(EngineRefused):
    """There was no answer before the deadline."""


class NotStarted(EngineRefused):
    """A program is not there (exit code 127), or is not to be run (126), as a shell has it."""

    def __init__(self, program: str, why: str, *, missing: bool, meant: str = "", hint: str = "") -> None:
        what = f"there is no program {program!r} in the node" if missing else f"{program!r} cannot be run in the node"
        hint = hint or (f"did you mean {meant!r}?" if meant else "a whole line needs a shell: -- sh -c 'COMMAND LINE'")
        super().__init__(what, why=why, hint=hint)
        self.exit_code = 127 if missing else 126


class WrongState(EngineRefused):
    """A container does not run, or is paused, and the call needs another state."""


class NetworkBusy(EngineRefused):
    """A network still has endpoints, so it cannot be removed."""


class ContainerBusy(EngineRefused):
    """A container is just ending, or another one stands in its network, so it cannot be removed."""


class VolumeBusy(EngineRefused):
    """A container uses the volume, so it cannot be removed."""


class NoRoom(EngineRefused):
    """The engine's disk is full."""

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        hint = hint or "remove what is not needed on that disk (docker system df shows some), then: wirelab up"
        super().__init__(what, why=why, hint=hint)


class Conflict(EngineRefused):
    """Somebody else has what was asked for."""


class NameTaken(Conflict):
    """A container or network of that name exists."""


class RangeTaken(Conflict):
    """A range of addresses overlaps one that is in use."""


class AddressTaken(Conflict):
    """Another container has the address."""


class ForeignLab(WorldError):
    """A lab of that name belongs to another user or state folder."""


class ImageMissing(WorldError):
    """An image is not there and cannot be made."""


class DiskFull(ImageMissing):
    """An image cannot be made, because the engine's disk is full."""


class RangeFull(WorldError):
    """No address, or no private range, is left."""


class FileUnseen(WorldError):
    """The engine cannot see a file of this machine that a node needs."""


class NodeFailed(WorldError):
    """A node ended, or did not become ready before its deadline."""


class LabBusy(WirelabError):
    """Another process works on this lab."""

    exit_code = BUSY


class Leftovers(WirelabError):
    """Clean-up was not complete; `why` names what is left."""

    exit_code = LEFTOVERS


BUG_SENTENCE = "this is a bug in wirelab; please report it"


def bug_report(error: BaseException) -> str:
    """What a report of a bug needs of an error that nobody raised on purpose: its words and the line in wirelab."""
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("orchestrator."):
            place = f", in {name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"
