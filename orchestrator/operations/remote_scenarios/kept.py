"""Scenarios that were fetched, in the state folder: found again by their hash, as long as nothing in them has changed.

<state>/fetched/<pin>/manifest.json and <state>/fetched/<pin>/tree/…
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from orchestrator.errors import WorldError
from orchestrator.host.state_folder import StateFolder

MANIFEST, TREE = "manifest.json", "tree"
PART = ".part-"


@dataclass(frozen=True)
class KeptScenarios:
    """The fetched scenarios of a state folder."""

    state: StateFolder

    @property
    def folder(self) -> Path:
        return self.state.root / "fetched"

    def place(self, pin: str) -> Path:
        """Where the files of a pin are, or would be."""
        return self.folder / pin / TREE

    def find(self, pin: str) -> Path | None:
        """The files that are kept under a pin; None if there are none, or if one has changed since it was fetched."""
        try:
            manifest = json.loads((self.folder / pin / MANIFEST).read_text())
            tree = self.place(pin)
            return tree if pin and manifest["files"] == _hashes(tree) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder beside them, for what is being fetched. It is removed in the end, whatever happens."""
        try:
            self.state.private(self.folder)
            self._remove_abandoned()
            part = self.folder / f"{PART}{os.getpid()}-{token_hex(4)}"
            part.mkdir(mode=0o700)
        except OSError as error:
            what, why = f"{self.folder} cannot be written", error.strerror or str(error)
            raise WorldError(what, why=why, hint="set WIRELAB_STATE to a folder that you can write to") from error
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def keep(self, tree: Path, pin: str, address: str) -> Path:
        """Keep a folder from the staging under a pin, and return where its files are now."""
        manifest = {"schema": 1, "address": address, "files": _hashes(tree)}
        new = tree.parent / pin
        new.mkdir()
        (new / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        tree.rename(new / TREE)
        target = self.folder / pin
        if self.find(pin) is None:
            if target.exists():  # somebody has changed it
                target.rename(tree.parent / "changed")
            with suppress(OSError):  # another command was faster: what it has put there has the same hash
                new.rename(target)
        return self.place(pin)

    def _remove_abandoned(self) -> None:
        """Remove what commands that were killed have left."""
        for part in self.folder.glob(f"{PART}*"):
            process = part.name.removeprefix(PART).partition("-")[0]
            if process.isdecimal() and not _runs(int(process)):
                shutil.rmtree(part, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _hashes(tree: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its path. A link has none, so that it counts as a change."""
    files = [path for path in sorted(tree.rglob("*")) if path.is_symlink() or not path.is_dir()]
    return {
        path.relative_to(tree).as_posix(): "link"
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
