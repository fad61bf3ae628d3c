"""Write a file as a whole: what was there stays until all of the new content is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

from orchestrator.errors import UsageInvalid


def replace_file(file: Path, pieces: Iterable[bytes]) -> Path:
    """Write the pieces to a temporary file beside `file` and rename it; after an error `file` is as it was before.

    Follows a symbolic link, and keeps the permissions of a file that is there. A device or a pipe is written directly.
    Returns `file`. Raises UsageInvalid if it cannot be written, and the errors of wirelab that `pieces` raises.
    """
    try:
        _replace(Path(os.path.realpath(file)), pieces)
    except OSError as error:
        raise UsageInvalid(f"{file} cannot be written", why=error.strerror or str(error)) from error
    return file


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    if target.exists() and not target.is_file():
        with target.open("wb") as output:
            output.writelines(pieces)
        return
    part = target.with_name(f".{target.name}.{token_hex(4)}.part")
    try:
        with part.open("xb") as output:
            if target.exists():
                part.chmod(stat.S_IMODE(target.stat().st_mode))
            output.writelines(pieces)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
