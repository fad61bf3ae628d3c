"""What the API of a Docker engine answers, as the errors of `errors.py`: once, at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.engine.docker.http_api import NoAnswer, Refused
from orchestrator.errors import (
    AddressTaken,
    Conflict,
    ContainerBusy,
    EngineMissing,
    EngineRefused,
    FileUnseen,
    ImageMissing,
    NameTaken,
    NetworkBusy,
    NoRoom,
    NotFound,
    NotPossible,
    RangeTaken,
    TookTooLong,
    VolumeBusy,
    WrongState,
    doctor_command,
    silent_engine,
)

# What an engine writes -> what it means. The status codes do not tell: 403 stands for three of them.
REFUSALS: tuple[tuple[str, type[EngineRefused]], ...] = (
    ("can not pause containers on rootless containers", NotPossible),
    ("cgroups not configured for container", NotPossible),
    ("has active endpoints", NetworkBusy),
    ("network is being used", NetworkBusy),
    ("has dependent containers", ContainerBusy),
    ("cannot remove container", ContainerBusy),
    # swarmkit, manager/controlapi/network.go: the Swarm forgets a container a moment after the engine has.
    ("is in use by task", NetworkBusy),
    # moby#31018: what the manager said does not come through; it is an address that somebody has.
    ("attaching to network failed", AddressTaken),
    ("volume is in use", VolumeBusy),
    ("volume is being used", VolumeBusy),
    ("pool overlaps", RangeTaken),
    ("already used on the host or by another config", RangeTaken),
    ("address already in use", AddressTaken),
    ("already allocated", AddressTaken),
    ("name is already in use", NameTaken),
    ("already in use by container", NameTaken),
    ("already exists", NameTaken),
    ("is not running", WrongState),
    ("is not paused", WrongState),
    ("is already paused", WrongState),
    ("is paused", WrongState),
    ("non running container", WrongState),
    ("exec sessions on running containers", WrongState),
    ("can only kill running containers", WrongState),
)

# What Podman says with the status 500 of a container that goes while it is asked about it.
GOING = ("no such container", "has already been removed", "container not known")


@contextmanager
def map_api_errors(what: str, member: str = "") -> Iterator[None]:
    """Raise what the API raises inside as an error of wirelab.

    `what` names what the engine was asked about, `member` the member whose engine it is.
    """
    try:
        yield
    except Refused as error:
        raise refusal(what, error.status, error.reason, member) from error
    except TimeoutError as error:
        raise TookTooLong(
            f"{what} took too long{_on(member)}", why="no answer before the deadline", hint=_look_at(member)
        ) from error
    # A program's output comes over a bare socket, which has the kernel's own error.
    except (NoAnswer, ConnectionResetError) as error:
        raise engine_missing(what, error, member) from error


def engine_missing(what: str, error: Exception, member: str = "") -> EngineMissing:
    """The error for an engine that cannot be reached, or goes away while it answers."""
    return silent_engine(f"{what}: {str(error)[:300]}", member)


def refusal(what: str, status: int, reason: str, member: str = "") -> Exception:
    """The error for what the engine, or that of this member, refused with this status code and these words."""
    lower = reason.lower()
    if "no such image" in lower:
        hint = _look_at(member) or "wirelab images build"
        return ImageMissing(f"{what} needs an image that is not there{_on(member)}", why=reason, hint=hint)
    # Of Podman's own API the second.
    if "bind source path does not exist" in lower or ("statfs " in lower and "no such file or directory" in lower):
        return FileUnseen(
            f"{named_engine(member)} cannot see a file that {what} needs",
            why=reason,
            hint=_look_at(member) or "use an engine on this machine, or one that shares the folder WIRELAB_STATE",
        )
    if "no space left on device" in lower:
        return NoRoom(f"{named_engine(member)} has no room on its disk for {what}", why=reason, hint=_look_at(member))
    if status == 404 or any(text in lower for text in GOING):
        return NotFound(f"{what} is not there{_on(member)}", why=reason)
    other = Conflict if status == 409 else EngineRefused
    kind = next((kind for text, kind in REFUSALS if text in lower), other)
    return kind(f"{named_engine(member)} refused: {what}", why=reason, hint=doctor_command(member))


def named_engine(member: str) -> str:
    return f"the member {member!r}" if member else "the engine"


def _on(member: str) -> str:
    return f" on the member {member!r}" if member else ""


def _look_at(member: str) -> str:
    """The command that measures a member; nothing for the engine in use."""
    return doctor_command(member) if member else ""
