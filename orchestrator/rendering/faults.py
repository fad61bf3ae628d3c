"""The faults that are in a lab, as a table and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from shlex import join
from typing import Any

from orchestrator.planning.injected_faults import InjectedFault
from orchestrator.planning.lab_ref import LabRef
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.tables import table


def faults_text(faults: Sequence[InjectedFault], zone: tzinfo | None = UTC, width: int | None = None) -> str:
    """A line for each fault: its id, its words, since when it is in, and who put it in."""
    rows = [(fault.id, join(fault.fault.words), _since(fault, zone), fault.by) for fault in faults]
    return table(("ID", "FAULT", "SINCE", "BY"), rows, width)


def _since(fault: InjectedFault, zone: tzinfo | None) -> str:
    return f"{datetime.fromtimestamp(fault.since, zone):%Y-%m-%d %H:%M:%S}"


def faults_document(lab_name: str, faults: Sequence[InjectedFault]) -> dict[str, Any]:
    """As `wirelab faults --json` prints it. `since` is in seconds since 1970."""
    return {"schema": 1, "lab": lab_name, "faults": [_document(fault) for fault in faults]}


def _document(fault: InjectedFault) -> dict[str, Any]:
    document: dict[str, Any] = {"id": fault.id, "words": list(fault.fault.words)}
    document["fault"] = fault.fault.as_written()
    return document | {"since": fault.since, "by": fault.by, "run": fault.run}


def kept_faults_text(faults: Sequence[InjectedFault], lab: LabRef) -> str:
    """What `up` says of the faults that it keeps."""
    which = ", ".join(fault.id for fault in faults)
    stays = "stays" if len(faults) == 1 else "stay"
    return f"{counted(len(faults), 'fault')} {stays} in: {which}; to heal: {lab.command('heal')}"
