"""What the Docker SDK raises, as the errors of `errors.py`: once, at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from orchestrator.errors import (
    AddressTaken,
    Conflict,
    EngineMissing,
    EngineRefused,
    FileUnseen,
    ImageMissing,
    NameTaken,
    NetworkBusy,
    NotFound,
    RangeTaken,
    TookTooLong,
    VolumeBusy,
    WrongState,
)

# What an engine writes -> what it means. The status codes do not tell: 403 stands for three of them.
REFUSALS: tuple[tuple[str, type[EngineRefused]], ...] = (
    ("has active endpoints", NetworkBusy),
    ("volume is in use", VolumeBusy),
    ("pool overlaps", RangeTaken),
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
)


@contextmanager
def map_sdk_errors(what: str, *, patient: bool = False) -> Iterator[None]:
    """Raise what the Docker SDK raises inside as an error of wirelab; `what` names what the engine was asked about.

    With `patient`, the HTTP libraries' own errors at a silence, or for want of a connection, pass unchanged.
    """
    try:
        yield
    except APIError as error:
        raise _refusal(what, error) from error
    except TimeoutError as error:
        raise TookTooLong(f"{what} took too long", why="no answer before the deadline") from error
    # While an answer is read, the SDK hands on what lies below it: urllib3's errors, and the kernel's.
    except (requests.exceptions.RequestException, HTTPError, ConnectionResetError, DockerException) as error:
        if patient and isinstance(error, requests.exceptions.RequestException | ReadTimeoutError):
            raise
        raise EngineMissing(
            "the container engine does not answer",
            why=f"{what}: {str(error)[:300]}",
            hint="wirelab engine status, then wirelab engine up",
        ) from error


def _refusal(what: str, error: APIError) -> Exception:
    reason = str(error.explanation or error)
    lower = reason.lower()
    if "no such image" in lower:
        return ImageMissing(f"{what} needs an image that is not there", why=reason, hint="wirelab images build")
    if "bind source path does not exist" in lower:
        return FileUnseen(
            f"the engine cannot see a file that {what} needs",
            why=reason,
            hint="use an engine on this machine, or one that shares the folder WIRELAB_STATE",
        )
    if error.status_code == 404:
        return NotFound(f"{what} is not there", why=reason)
    other = Conflict if error.status_code == 409 else EngineRefused
    kind = next((kind for text, kind in REFUSALS if text in lower), other)
    return kind(f"the engine refused: {what}", why=reason, hint="wirelab doctor")
