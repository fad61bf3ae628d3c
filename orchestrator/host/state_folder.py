"""Where wirelab keeps what must outlive a command: one folder, found the XDG way.

`WIRELAB_STATE` names it outright; otherwise it is `wirelab` under `XDG_STATE_HOME`, by default `~/.local/state`
(XDG Base Directory Specification). Nothing is created until somebody writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import WorldError
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class StateFolder:
    """The paths below the state folder."""

    root: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> StateFolder:
        """The state folder that this environment names, as an absolute path."""
        if named := environ.get("WIRELAB_STATE"):
            return cls(Path(named).expanduser().absolute())
        home = Path(environ.get("HOME") or Path.home())
        base = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
        return cls(base.absolute() / "wirelab")

    @property
    def engine(self) -> Path:
        """Socket, pid file, data root and exec root of the private engine."""
        return self.root / "engine"

    @property
    def labs(self) -> Path:
        """One folder a lab: the files that its nodes mount, its journal, its lock."""
        return self.root / "labs"

    def unwritable(self) -> str:
        """The folder that this user cannot write to, so that nothing can be kept; empty where all is well."""
        nearest = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        return "" if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK) else str(nearest)

    def private(self, folder: Path) -> Path:
        """Make `folder` (below the state folder) and keep the state folder itself closed to other people.

        Raises WorldError where no folder can be: under a link to nothing, or where the kernel itself makes the folders.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError) as error:
            what, why = f"wirelab's state folder {self.root} cannot be made", f"{error.strerror}: {error.filename}"
            raise WorldError(what, why=why, hint="set WIRELAB_STATE to a folder that you can write to") from error
        self.root.chmod(0o700)
        return folder
