"""The lab's folder on this machine: what its nodes mount, and what wirelab remembers of their containers.

    <state>/labs/<lab>/nodes/<node>/files/         mounted read-only at /wirelab
    <state>/labs/<lab>/nodes/<node>/resolv.conf    mounted read-only at /etc/resolv.conf
    <state>/labs/<lab>/nodes/<node>/record.json    the journal of that node
    <state>/labs/<lab>/faults.json                 the faults that are in
    <state>/labs/<lab>/credentials.json            its certificates and key pairs, with the private keys
    <state>/labs/<lab>/ends                        when it removes itself, if it does (`expiry.py`)
    <state>/labs/<lab>/source.json                 what it was made from (`source.py`)
    <state>/labs/<lab>/member                      the member on which it stands, if it does (`member_pin.py`)
    <state>/labs/<lab>/run                         the run that worked on it last
    <state>/labs/<lab>/removing                    a `down` began and did not complete

The state folder is closed to other people (0700); below it everything is readable, for a node's user is another one
than ours, and inside the container only what is mounted is seen.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.fault_file import FaultFile, blocked_by_records
from orchestrator.lab.secret_source import NOT_GENERATED
from orchestrator.model.replication import PASSWORD_FILE, REPLICATION_PASSWORD_FILE
from orchestrator.planning.snapshot import (
    RESOLVER_FILE,
    BlockedAddresses,
    ContainerRecord,
    ObservedFiles,
)

CREDENTIALS_FILE = "credentials.json"
RECORD_FILE = "record.json"
RECORD_FIELDS = tuple(field.name for field in fields(ContainerRecord))
REMOVING_FILE = "removing"


class LabFolder:
    """The files of one lab."""

    def __init__(self, state: StateFolder, lab: str) -> None:
        self._state = state
        self.path = state.labs / lab / "nodes"
        self.faults = FaultFile(state, lab)

    def seen(self) -> dict[str, ObservedFiles]:
        """Node -> its files as they stand; a file that cannot be read counts as another text."""
        if not self.path.is_dir():
            return {}
        return {folder.name: self._observed(folder) for folder in sorted(self.path.iterdir()) if folder.is_dir()}

    def _observed(self, node: Path) -> ObservedFiles:
        texts = {file.name: _text(file) for file in sorted((node / "files").glob("*"))}
        resolver = node / RESOLVER_FILE
        if resolver.is_file():
            texts[RESOLVER_FILE] = _text(resolver)
        inode = resolver.stat().st_ino if resolver.exists() else 0
        return ObservedFiles(texts, inode, self.record(node.name))

    def write(self, node: str, texts: Mapping[str, str]) -> None:
        """Make the files of a node just these. Raises ValueError where a secret in them is not drawn yet."""
        if any(NOT_GENERATED in text for text in texts.values()):
            raise ValueError(f"the files of {node!r} hold a secret that is not drawn yet")
        folder = self._files_of(node)
        self._make_source(self.path / node / RESOLVER_FILE)
        for name, text in texts.items():
            target = self.path / node / name if name == RESOLVER_FILE else folder / name
            # In place: a container goes on seeing the inode that it has mounted.
            target.write_text(text)
            target.chmod(0o644)
        for stray in folder.iterdir():
            if stray.name not in texts:
                _remove(stray)

    def _files_of(self, node: str) -> Path:
        """The folder that the node mounts, made if it is missing."""
        folder = self._state.private(self.path / node / "files")
        folder.chmod(0o755)
        return folder

    def keep_password(self, node: str, file: str, password: str) -> None:
        """Write the password of a node, which `write` then writes again among its files."""
        target = self._files_of(node) / file
        target.write_text(password)
        target.chmod(0o644)

    def _make_source(self, resolver: Path) -> None:
        """An engine of old that missed the file may have made a folder in its place."""
        if resolver.is_dir():
            shutil.rmtree(resolver)

    def inode(self, node: str) -> int:
        """Which file the node's resolv.conf is, for somebody may put another in its place."""
        return (self.path / node / RESOLVER_FILE).stat().st_ino

    def record(self, node: str) -> ContainerRecord | None:
        """What is remembered of the node's container; None where nothing readable is."""
        try:
            record = json.loads((self.path / node / RECORD_FILE).read_text())
            # An earlier release wrote more into it.
            return ContainerRecord(**{name: record[name] for name in RECORD_FIELDS if name in record})
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, node: str, record: ContainerRecord) -> None:
        """Put the record down whole: a reader sees the old one or the new one."""
        target = self.path / node / RECORD_FILE
        beside = target.with_suffix(".new")
        beside.write_text(json.dumps(asdict(record)))
        os.replace(beside, target)

    def update(self, node: str, **changes: str | int) -> None:
        """Change parts of a record that is there."""
        record = self.record(node)
        if record:
            self.remember(node, replace(record, **changes))  # type: ignore[arg-type]

    def blocked(self) -> dict[str, BlockedAddresses]:
        """Node -> the addresses from which it drops what arrives, because of faults."""
        return {**blocked_by_records(self.path.glob(f"*/{RECORD_FILE}")), **self.faults.blocked()}

    def forget(self, node: str) -> None:
        """Remove one node's files."""
        shutil.rmtree(self.path / node, ignore_errors=True)

    def secrets(self) -> Iterator[str]:
        """The passwords in the files of the nodes."""
        for name in (PASSWORD_FILE, REPLICATION_PASSWORD_FILE):
            for file in self.path.glob(f"*/files/{name}"):
                with suppress(OSError, ValueError):
                    yield file.read_text()

    def credentials(self) -> str:
        """What `keep_credentials` was given; nothing where nothing readable is."""
        file = self.path.parent / CREDENTIALS_FILE
        return _text(file) if file.is_file() else ""

    def keep_credentials(self, text: str) -> None:
        """For the next command; only we may read it."""
        file = self._state.private(self.path.parent) / CREDENTIALS_FILE
        file.touch(mode=0o600)
        file.write_text(text)

    def claim(self, run: str) -> None:
        """Say whose run works on the lab: should it die, its watchdog finds the folder."""
        (self._state.private(self.path.parent) / "run").write_text(run)

    def claimed_by(self) -> str:
        """The run that worked on the lab last; nothing where no run is known."""
        file = self.path.parent / "run"
        return _text(file) if file.is_file() else ""

    @property
    def removal_begun(self) -> bool:
        """Whether a removal began and did not complete."""
        return (self.path.parent / REMOVING_FILE).exists()

    def begin_removal(self) -> None:
        """Say that the lab is being removed, until `remove` or `cancel_removal`. The caller holds the lab's lock."""
        (self._state.private(self.path.parent) / REMOVING_FILE).touch()

    def cancel_removal(self) -> None:
        """Say that the lab is wanted again. The caller holds the lab's lock."""
        (self.path.parent / REMOVING_FILE).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the lab's whole folder; nothing happens if it is gone."""
        shutil.rmtree(self.path.parent, ignore_errors=True)
        from orchestrator.lab.reservations import end_reservation

        end_reservation(self._state, self.path.parent.name)


def claimed(state: StateFolder, run: str) -> list[str]:
    """The labs on which a run worked last."""
    return sorted(file.parent.name for file in state.labs.glob("*/run") if _text(file) == run)


def labs_with_begun_removal(state: StateFolder) -> list[str]:
    """The labs whose removal began and did not complete."""
    return sorted(file.parent.name for file in state.labs.glob(f"*/{REMOVING_FILE}"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return "\0unreadable"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
