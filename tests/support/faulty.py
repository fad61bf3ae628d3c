"""Faults in a lab of planning tests: put in, healed, and what is then seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from observed_labs import STARTED, planned, with_container, with_files

from orchestrator.model.fault_steps import new_id
from orchestrator.model.faults import FAULTS, fault_kind
from orchestrator.model.faults.fault import BaseFault
from orchestrator.planning.fault_plan import fault_plan
from orchestrator.planning.injected_faults import InjectedFault, effect_of
from orchestrator.planning.plan import (
    AwaitReady,
    CutOff,
    LeaveNetwork,
    PauseNode,
    Plan,
    Reconnect,
    Reload,
    SetRoutes,
    StartNode,
    Step,
    StopNode,
    UnpauseNode,
    WriteFiles,
)
from orchestrator.planning.snapshot import BlockedAddresses, Snapshot

RESTARTED = "2026-01-01T00:00:09.000000001Z"


def fault_of(fields: dict[str, Any]) -> BaseFault:
    """The fault that stands so in a file."""
    return FAULTS[str(fault_kind(fields))].model_validate(fields)


def injected(text: str, seen: Snapshot, fault: BaseFault) -> tuple[Plan, Snapshot]:
    """The plan that puts a fault in, and what is seen once it was carried out."""
    entry = InjectedFault(new_id(fault, [other.id for other in seen.faults]), fault, 0.0)
    return _changed(text, seen, (*seen.faults, entry))


def healed(text: str, seen: Snapshot, *ids: str) -> tuple[Plan, Snapshot]:
    """The plan that heals faults, and what is seen once it was carried out."""
    return _changed(text, seen, tuple(fault for fault in seen.faults if fault.id not in ids))


def _changed(text: str, seen: Snapshot, faults: Sequence[InjectedFault]) -> tuple[Plan, Snapshot]:
    topology, _ = planned(text, replace(seen, faults=()))
    plan = fault_plan(topology, seen, effect_of(topology, seen.faults), effect_of(topology, faults))
    return plan, replace(carried_out(seen, plan), faults=tuple(faults))


def carried_out(seen: Snapshot, plan: Plan) -> Snapshot:
    """What is seen after each step of a plan that makes and removes nothing."""
    for step in plan.steps:
        seen = _carried_out(seen, step)
    return seen


def _carried_out(seen: Snapshot, step: Step) -> Snapshot:
    action: Any = step.action
    container = seen.container_of(action.node)
    assert container is not None
    files = seen.files[action.node]
    assert files.record is not None
    match action:
        case StopNode():
            ends: dict[str, Any] = dict.fromkeys(container.addresses)
            return with_container(seen, action.node, state="exited", addresses=ends, addresses6={})
        case PauseNode():
            return with_container(seen, action.node, state="paused")
        case UnpauseNode():
            return with_container(seen, action.node, state="running")
        case StartNode():
            ends = {"addresses": container.claims, "addresses6": container.claims6}
            seen = with_container(seen, action.node, state="running", started=RESTARTED, **ends)
            return with_files(seen, action.node, replace(files, record=replace(files.record, loaded=action.loaded)))
        case AwaitReady():
            record = replace(files.record, ready=container.started)
            return with_files(seen, action.node, replace(files, record=record))
        case LeaveNetwork():
            ends = {name: _without(getattr(container, name), action.network_id) for name in _ENDS}
            return with_container(seen, action.node, **ends)
        case Reconnect(attach=attach):
            own = {attach.network_id: attach.address}
            own6 = {attach.network_id: attach.address6} if attach.address6 else {}
            alive = container.state != "exited"
            ends = {
                "claims": {**container.claims, **own},
                "claims6": {**container.claims6, **own6},
                "addresses": {**container.addresses, **(own if alive else dict.fromkeys(own))},
                "addresses6": {**container.addresses6, **(own6 if alive else {})},
            }
            return with_container(seen, action.node, **ends)
        case CutOff(addresses=addresses):
            blocked = BlockedAddresses(container.id, container.started, addresses)
            return replace(seen, blocked={**seen.blocked, action.node: blocked})
        case WriteFiles(texts=texts):
            return with_files(seen, action.node, replace(files, texts=texts))
        case Reload(loaded=loaded):
            return with_files(seen, action.node, replace(files, record=replace(files.record, loaded=loaded)))
        case SetRoutes(routes=routes):
            record = replace(files.record, routed=routes, routed_at=container.started)
            return with_files(seen, action.node, replace(files, record=record))
    raise AssertionError(f"no fault needs {step}")


_ENDS = ("addresses", "addresses6", "claims", "claims6")


def _without(ends: Any, network_id: str) -> Any:
    return {key: value for key, value in ends.items() if key != network_id}


def state_of(seen: Snapshot) -> dict[str, tuple[Any, ...]]:
    """Of each node what faults can change, but for the time of its start."""
    return {
        node: (
            container.state,
            dict(container.addresses) if container.state != "exited" else (),
            dict(container.claims),
            dict(files.texts),
            files.record.loaded if files.record and container.state == "running" else "",
            seen.blocked_in(node),
        )
        for node, files in seen.files.items()
        if (container := seen.container_of(node))
    }


__all__ = ["RESTARTED", "STARTED", "carried_out", "fault_of", "healed", "injected", "state_of"]
