"""The faults that are in a lab, on this machine: written down before they are put in, struck out once they are healed.

    {"schema": 1,
     "faults":  [{"id": "stop-dns", "fault": {"stop": "dns"}, "since": 1767261600.25, "by": "command line", "run": ""}],
     "blocked": {"client": {"container": "…", "started": "…", "addresses": ["192.168.7.11"], "complete": true}}}

`blocked` is what helpers have put into the networks of nodes: the engine does not tell it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.run_registry import is_alive
from orchestrator.planning.snapshot import BlockedAddresses

if TYPE_CHECKING:
    from orchestrator.planning.injected_faults import InjectedFault

SCHEMA = 1


class FaultFile:
    """`faults.json` in a lab's folder. Several threads may write; other processes are kept out by the lab's lock."""

    def __init__(self, state: StateFolder, lab: str) -> None:
        self._state = state
        self._file = state.labs / lab / "faults.json"
        self._lock = threading.Lock()

    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults that are in, in the order in which they were put in; those of an unknown kind are left out."""
        return tuple(_faults(self._read().get("faults")))

    def active(self, run: str = "") -> tuple[InjectedFault, ...]:
        """As `faults`, without those that a check put in whose run, another one than this, has ended."""
        ended = self.ended()
        return tuple(fault for fault in self.faults() if fault not in ended or fault.run == run)

    def ended(self) -> tuple[InjectedFault, ...]:
        """The faults that a check put in whose run has ended without healing them."""
        return tuple(fault for fault in self.faults() if fault.of_check and not is_alive(self._state, fault.run))

    def blocked(self) -> dict[str, BlockedAddresses]:
        """Node -> the addresses that helpers let it block."""
        blocked = {}
        for node, entry in _mapping(self._read().get("blocked")).items():
            with suppress(TypeError):
                blocked[node] = BlockedAddresses(**{**entry, "addresses": tuple(entry.get("addresses", ()))})
        return blocked

    def keep(self, faults: Iterable[InjectedFault]) -> None:
        """Say that just these faults are in. Where there is none and nothing is blocked, no file stays."""
        entries = [_entry(fault) for fault in faults]
        with self._lock:
            document = self._read()
            if entries or self._holds_blocked(document):
                self._write({**document, "faults": entries})
            else:
                self._file.unlink(missing_ok=True)

    def _holds_blocked(self, document: dict[str, Any]) -> bool:
        """Whether the file says of a node that it blocks, or that it no longer blocks what its old record says."""
        entries = [_mapping(entry) for entry in _mapping(document.get("blocked")).values()]
        unsettled = any(entry.get("addresses") or not entry.get("complete", True) for entry in entries)
        return unsettled or bool(entries and blocked_by_records(self._file.parent.glob("*/record.json")))

    def block(self, node: str, blocked: BlockedAddresses) -> None:
        """Say what a node blocks."""
        with self._lock:
            document = self._read()
            self._write({**document, "blocked": {**_mapping(document.get("blocked")), node: asdict(blocked)}})

    def _read(self) -> dict[str, Any]:
        try:
            return _mapping(json.loads(self._file.read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def _write(self, document: dict[str, Any]) -> None:
        """Whole: a reader sees the old file or the new one."""
        self._state.private(self._file.parent)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps({"schema": SCHEMA, **document}), "utf-8")
        os.replace(beside, self._file)


def blocked_by_records(records: Iterable[Path]) -> dict[str, BlockedAddresses]:
    """What the previous release wrote into the records of nodes: `cut`, and `cut_at`, the start to which it belongs."""
    blocked = {}
    for file in records:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            record = json.loads(file.read_text("utf-8"))
            if record["cut"]:
                addresses = tuple(record["cut"].split())
                blocked[file.parent.name] = BlockedAddresses(record["container"], record["cut_at"], addresses)
    return blocked


def _entry(fault: InjectedFault) -> dict[str, Any]:
    entry = {"id": fault.id, "fault": fault.fault.as_written(), "since": fault.since}
    entry |= {"by": fault.by, "run": fault.run}
    return entry | ({"of_check": True} if fault.of_check else {})


def _faults(entries: Any) -> Iterator[InjectedFault]:
    """The entries that can be read. What only removes a lab has none and need not load the scenario language."""
    for entry in entries if isinstance(entries, list) else ():
        from orchestrator.model.faults import FAULTS, fault_kind
        from orchestrator.planning.injected_faults import InjectedFault

        with suppress(KeyError, TypeError, ValueError):
            fault = FAULTS[str(fault_kind(entry["fault"]))].model_validate(entry["fault"])
            by, run = str(entry.get("by", "")), str(entry.get("run", ""))
            yield InjectedFault(str(entry["id"]), fault, float(entry["since"]), by, run, bool(entry.get("of_check")))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
