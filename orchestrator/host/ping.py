"""Asks one address "is an engine there?" and tells apart no, not for you, and silence.

`GET /_ping` of the Docker Engine API, spoken over a bare socket: this runs before every command, and an HTTP library
costs more to import than the whole question costs to ask.
"""

from __future__ import annotations

import enum
import errno
import os
import socket

from orchestrator.engine.address import connect
from orchestrator.quick_dataclass import dataclass

_REQUEST = b"GET /_ping HTTP/1.1\r\nHost: wirelab\r\nConnection: close\r\n\r\n"
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


class Reply(enum.Enum):
    """What came back."""

    ANSWERS = "answers"
    ABSENT = "nobody is there"
    DENIED = "permission denied"
    SILENT = "no useful answer"


@dataclass(frozen=True)
class Pinged:
    """The reply, and the evidence for it in words."""

    reply: Reply
    why: str


def ping(url: str, *, seconds: float = 5.0) -> Pinged:
    """Ask the engine at `unix://PATH`, `tcp://HOST:PORT` or `http://HOST:PORT` whether it answers.

    `seconds` bounds each wait. It is long because a socket that systemd holds starts its engine on the first question.
    """
    try:
        with connect(url, seconds) as link:
            link.sendall(_REQUEST)
            status = _first_line(link)
    except TimeoutError:
        return Pinged(Reply.SILENT, f"{url} gave no answer within {seconds:g} s")
    except (OSError, ValueError, UnicodeError) as error:
        return _failed(url, error)
    if status.split(" ")[1:2] == ["200"]:
        return Pinged(Reply.ANSWERS, f"{url} answers")
    return Pinged(Reply.SILENT, f"{url} answered {status!r}, which no engine says")


def _first_line(link: socket.socket) -> str:
    got = b""
    while b"\n" not in got and len(got) < 4096:
        more = link.recv(4096)
        if not more:
            break
        got += more
    return got.partition(b"\n")[0].decode("latin-1").strip()


def _failed(url: str, error: Exception) -> Pinged:
    number = error.errno if isinstance(error, OSError) else None
    if number in _FORBIDDEN:
        return Pinged(Reply.DENIED, f"{url}: permission denied for user {_user()}")
    if number in _NOBODY:
        return Pinged(Reply.ABSENT, f"nobody listens on {url}")
    return Pinged(Reply.SILENT, f"{url}: {error}")


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "?")
