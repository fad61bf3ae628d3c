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
    for path, fault_id, within in _heal_steps(raw):
        if fault_id not in within:
            known = f"the faults before it are {listed(within)}" if within else "no fault before it is in"
            message = f"there is no fault {short(fault_id)!r}{did_you_mean(fault_id, tuple(within)) or ';'} {known}"
            yield Violation((*path, "heal"), message)


def the_asker_runs(raw: RawScenario) -> Iterator[Violation]:
    """The node that is asked from, or looked at, is not stopped or frozen by the check's own fault."""
    healed = {within[fault_id] for _, fault_id, within in _heal_steps(raw) if fault_id in within}
    for path, check, fault in raw.fault_steps:
        if "during" not in path or path in healed:
            continue
        asker = check.get("from") or (check.get("node") if "listens" in check else None)
        kind = fault_kind(fault)
        name = fault.get(kind) if isinstance(fault, dict) and kind and FAULTS[kind].halts else None
        if isinstance(name, str) and asker in raw.groups.get(name, (name,)):
            message = f"{asker!r} is asked during this fault, and could not answer; break another node, or ask from"
            yield Violation((*path, str(kind)), f"{message} another")


def _heal_steps(raw: RawScenario) -> Iterator[tuple[Path, str, Mapping[str, Path]]]:
    """Each `heal` of a list: its path, the id that it names, and by id the paths of the faults that are in before it.

    Those of a list with a fault that cannot be read are left out: its id is not known.
    """
    lists: dict[Path, dict[str, Path]] = {}
    unreadable: set[Path] = set()
    for path, _, step in raw.fault_steps:
        at = path[:-1]
        within = lists.setdefault(at, {})
        healed = step.get("heal") if isinstance(step, dict) else None
        if isinstance(healed, str) and isinstance(path[-1], int):
            if at not in unreadable:
                yield path, healed, dict(within)
            within.pop(healed, None)
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
