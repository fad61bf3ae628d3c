"""Where the sockets of a member's connection are: <state>/members/NAME.sock and the files beside it.

Where the name of the state folder is too long for a socket, they are in a short folder for this user alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

# unix(7): sun_path holds 108 bytes with the closing zero. ssh makes its control socket under a name that is longer by
# 17 characters (mux.c); a member's name has at most 32.
LONGEST_PATH = 107
LONGEST_NAME = len(".ctl") + 32 + 17


@dataclass(frozen=True)
class MemberSockets:
    """`socket` is where the member's engine answers on this machine, `control` where its ssh takes orders."""

    socket: Path
    control: Path
    lock: Path

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"


def member_sockets(state: StateFolder, name: str, environ: Mapping[str, str] = os.environ) -> MemberSockets:
    """The paths of a member, whose folder is made. Raises WorldError where no folder is this user's alone."""
    folder = state.private(state.root / "members")
    if len(os.fsencode(folder)) + 1 + LONGEST_NAME > LONGEST_PATH:
        folder = _short_folder(folder, environ)
    return MemberSockets(folder / f"{name}.sock", folder / f"{name}.ctl", folder / f"{name}.lock")


def _short_folder(folder: Path, environ: Mapping[str, str]) -> Path:
    """A folder with a short name that only this state folder has; somebody else may have made one of that name."""
    import hashlib

    base = environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else "/tmp")
    short = Path(base) / f"wirelab-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    try:
        short.mkdir(mode=0o700, exist_ok=True)
        seen = short.lstat()
    except OSError as error:
        raise _no_folder(short, error.strerror or str(error)) from error
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise _no_folder(short, "it is not a folder of this user alone")
    return short


def _no_folder(short: Path, why: str) -> WorldError:
    hint = "set WIRELAB_STATE to a folder with a shorter path"
    return WorldError("there is no place for the socket of a member", why=f"{short}: {why}", hint=hint)
