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
)

# What an engine writes -> what it means. The status codes do not tell: 403 stands for three of them.
REFUSALS: tuple[tuple[str, type[EngineRefused]], ...] = (
    ("can not pause containers on rootless containers", NotPossible),
    ("has active endpoints", NetworkBusy),
    ("network is being used", NetworkBusy),
    ("has dependent containers", ContainerBusy),
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


@contextmanager
def map_api_errors(what: str) -> Iterator[None]:
    """Raise what the API raises inside as an error of wirelab; `what` names what the engine was asked about."""
    try:
        yield
    except Refused as error:
        raise refusal(what, error.status, error.reason) from error
    except TimeoutError as error:
        raise TookTooLong(f"{what} took too long", why="no answer before the deadline") from error
    # A program's output comes over a bare socket, which has the kernel's own error.
    except (NoAnswer, ConnectionResetError) as error:
        raise engine_missing(what, error) from error


def engine_missing(what: str, error: Exception) -> EngineMissing:
    """The error for an engine that cannot be reached, or goes away while it answers."""
    return EngineMissing(
        "the container engine does not answer",
        why=f"{what}: {str(error)[:300]}",
        hint="wirelab engine status, then wirelab engine up",
    )


def refusal(what: str, status: int, reason: str) -> Exception:
    """The error for what the engine refused, with this status code and these words."""
    lower = reason.lower()
    if "no such image" in lower:
        return ImageMissing(f"{what} needs an image that is not there", why=reason, hint="wirelab images build")
    if "bind source path does not exist" in lower:
        return FileUnseen(
            f"the engine cannot see a file that {what} needs",
            why=reason,
            hint="use an engine on this machine, or one that shares the folder WIRELAB_STATE",
        )
    if "no space left on device" in lower:
        return NoRoom(f"the engine has no room on its disk for {what}", why=reason)
    if status == 404:
        return NotFound(f"{what} is not there", why=reason)
    other = Conflict if status == 409 else EngineRefused
    kind = next((kind for text, kind in REFUSALS if text in lower), other)
    return kind(f"the engine refused: {what}", why=reason, hint="wirelab doctor")
