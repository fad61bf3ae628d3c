"""Rules about the faults of checks, of which a list may hold several and heal some again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from orchestrator.model.fault_steps import new_id
from orchestrator.model.faults import FAULTS, fault_kind
from orchestrator.model.faults.fault import BaseFault
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.spelling import did_you_mean


def healed_faults_are_in(raw: RawScenario) -> Iterator[Violation]:
    """`heal` in a list of faults names the id of one that stands before it and is still in."""
    for path, fault_id, within in _steps(raw, "heal"):
        if isinstance(fault_id, str) and fault_id not in within:
            known = f"the faults before it are {listed(within)}" if within else "no fault before it is in"
            message = f"there is no fault {short(fault_id)!r}{did_you_mean(fault_id, tuple(within)) or ';'} {known}"
            yield Violation((*path, "heal"), message)


def the_asker_runs(raw: RawScenario) -> Iterator[Violation]:
    """The node that is asked from, or looked at, is not stopped or frozen by the check's own fault."""
    healed = {within[named] for _, named, within in _steps(raw, "heal") if isinstance(named, str) and named in within}
    for path, check, fault in raw.fault_steps:
        if "during" in path and path not in healed:
            yield from _asker_is_halted(raw, path, fault, check)
    faults = {path: fault for path, _, fault in raw.fault_steps}
    for _, check, within in _steps(raw, "check"):
        for path in within.values() if isinstance(check, dict) else ():
            yield from _asker_is_halted(raw, path, faults[path], check)


def _asker_is_halted(raw: RawScenario, path: Path, fault: Any, check: Mapping[str, Any]) -> Iterator[Violation]:
    """What is wrong where a fault stops or freezes the node that a check asks from."""
    asker = check.get("from") or (check.get("node") if "listens" in check else None)
    kind = fault_kind(fault)
    name = fault.get(kind) if isinstance(fault, dict) and kind and FAULTS[kind].halts else None
    if isinstance(name, str) and asker in raw.groups.get(name, (name,)):
        message = f"{asker!r} is asked during this fault, and could not answer; break another node, or ask from another"
        yield Violation((*path, str(kind)), message)


def _steps(raw: RawScenario, kind: str) -> Iterator[tuple[Path, Any, Mapping[str, Path]]]:
    """Each `heal`, or each `check`, of a list: its path, its value, and by id the paths of the faults that are in then.

    Those of a list with a fault that cannot be read are left out: its id is not known.
    """
    lists: dict[Path, dict[str, Path]] = {}
    unreadable: set[Path] = set()
    for path, _, step in raw.fault_steps:
        at = path[:-1]
        within = lists.setdefault(at, {})
        named = next((key for key in ("heal", "check") if isinstance(step, dict) and key in step), None)
        if named and isinstance(path[-1], int):
            if named == kind and at not in unreadable:
                yield path, step[named], dict(within)
            if named == "heal":
                within.pop(str(step[named]), None)
        elif fault := _fault_of(step):
            within[new_id(fault, within)] = path
        else:
            unreadable.add(at)


def _fault_of(step: Any) -> BaseFault | None:
    kind = fault_kind(step)
    try:
        return FAULTS[kind].model_validate(step) if kind else None
    except ValidationError:
        return None
