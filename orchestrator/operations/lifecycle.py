"""Bring a lab up, take it down, and tell what `up` would do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.events import LabEvent
from orchestrator.lab.expiry import LabEnd, end_of
from orchestrator.operations.command_record import recorded
from orchestrator.operations.expiry import keep_end, remove_ended_labs
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.planning.injected_faults import InjectedFault
    from orchestrator.planning.lab_ref import LabRef
    from orchestrator.planning.obstacles import Obstacle
    from orchestrator.planning.plan import Plan


@dataclass(frozen=True)
class UpOptions:
    """How to bring a lab up: with a recorder of its traffic, and how long each node may take to become ready.

    With `keep`, what was made stays after a failure. The lab removes itself after `ends_after` seconds; without them,
    an end that it has stays as it is. With `heal`, faults that are in are healed. With `close_host`, its internal
    networks are closed to the engine's host. With `trusted`, the file may have images that run as root, and be larger
    than one lab may be; None is what was said when the lab was made. With `look`, nodes that ran before are searched
    for what wirelab did not make, if there is a sign of trouble: something was to be repaired or healed, or the last
    check did not hold. Else `up` asks no node.
    """

    keep: bool = False
    ready_seconds: float = 30.0
    capture: bool = False
    ends_after: float | None = None
    heal: bool = False
    close_host: bool = False
    trusted: bool | None = None
    look: bool = False


@dataclass(frozen=True)
class UpResult:
    """What `up` did, and how long it took; the plan is empty where nothing was to be done.

    `ends` is when the lab removes itself, in seconds since 1970, if it does.
    `faults` are those that are in afterwards, `healed` those that were healed. `host_open` says why nodes of new
    networks reach services of the engine's machine; it is empty if they reach none. `unlimited` is what the engine sets
    no limit on for the new nodes. `obstacles` are what wirelab did
    not make, and cannot put right without starting the node anew.
    """

    lab: str
    plan: Plan
    seconds: float
    named: LabRef
    ends: float | None = None
    faults: tuple[InjectedFault, ...] = ()
    healed: tuple[InjectedFault, ...] = ()
    host_open: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    unlimited: tuple[str, ...] = ()
    member: str = ""


def bring_up(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None, options: UpOptions) -> UpResult:
    """Make the lab what its file declares, under a watchdog that removes it again if this process dies."""
    name = lab_name or scenario.reading.scenario.name
    with (guard := workspace.guard(keep=options.keep)) as run, recorded(workspace, name, run):
        result = bring_up_in_run(workspace, scenario, name, options, run, on_complete=guard.release)
        return replace(result, obstacles=_obstacles(workspace, scenario, result, options, run))


def _obstacles(
    workspace: Workspace, scenario: LoadedScenario, result: UpResult, options: UpOptions, run: str
) -> tuple[Obstacle, ...]:
    from orchestrator.planning.plan import MakeNode, StartNode

    if not options.look or not (options.heal or result.plan or _last_check_failed(workspace, result.lab)):
        return ()
    from orchestrator.lab.obstacles import find_obstacles

    new = {step.action.node for step in result.plan.steps if isinstance(step.action, MakeNode | StartNode)}
    return find_obstacles(workspace.lab(scenario, result.lab, run=run), new)


def _last_check_failed(workspace: Workspace, lab_name: str) -> bool:
    """Whether the last run of checks in the lab has a finding that is no pass."""
    from orchestrator.events import FindingEvent
    from orchestrator.lab.journal_reader import last_findings

    events = (entry.event for entry in last_findings(workspace.state, lab_name))
    return any(isinstance(event, FindingEvent) and event.verdict != "pass" for event in events)


def bring_up_in_run(
    workspace: Workspace,
    scenario: LoadedScenario,
    lab_name: str | None,
    options: UpOptions,
    run: str,
    *,
    on_complete: Callable[[], None] = lambda: None,
    kept_end: LabEnd | None = None,
) -> UpResult:
    """As `bring_up`, in a run whose watchdog somebody else began; `on_complete` is called once the lab is complete."""
    from orchestrator.operations.compiled_scenarios import CompiledScenarios

    began = time.monotonic()
    _prepare_engine(workspace, scenario)
    name = lab_name or scenario.reading.scenario.name

    def when_complete() -> None:
        end = LabEnd(time.time() + options.ends_after, workspace.url) if options.ends_after else kept_end
        keep_end(workspace, name, end)
        on_complete()

    lab = workspace.lab(scenario, name, run=run, on_complete=when_complete, **_settings(options))
    healed = lab.folder.faults.faults() if options.heal else ()
    plan = lab.up([fault.id for fault in healed])
    CompiledScenarios(workspace.state).keep(scenario.text, scenario.reading)
    lab.settings.publish(LabEvent("up", len(plan.steps), scenario.reading.scenario.name))
    end = end_of(workspace.state, name)
    return UpResult(
        lab.name,
        plan,
        time.monotonic() - began,
        lab.named,
        end.at if end else None,
        lab.faults(),
        healed,
        host_open=_why_host_is_open(workspace, plan),
        unlimited=_unlimited(workspace, plan),
        member=workspace.member,
    )


def _prepare_engine(workspace: Workspace, scenario: LoadedScenario) -> None:
    """Remove labs whose time is over, and give a member the author's own images, if the engine in use has them."""
    remove_ended_labs(workspace)
    if not workspace.member:
        return
    from orchestrator.operations.members.images import send_author_images

    references = [node.image for node in scenario.reading.scenario.nodes.values() if node.image]
    with workspace.naming_errors():
        for url in workspace.engine_urls:
            send_author_images(workspace.state, url, references, workspace.notify)


def _settings(options: UpOptions) -> dict[str, object]:
    """The settings of the lab by these options."""
    settings: dict[str, object] = {
        "keep": options.keep,
        "ready_seconds": options.ready_seconds,
        "capture": options.capture,
        "close_host": options.close_host,
    }
    return settings if options.trusted is None else settings | {"trusted": options.trusted}


def _unlimited(workspace: Workspace, plan: Plan) -> tuple[str, ...]:
    """What the engine sets no limit on for the nodes that the plan made."""
    from orchestrator.planning.plan import MakeNode

    return workspace.unlimited() if any(isinstance(step.action, MakeNode) for step in plan.steps) else ()


def _why_host_is_open(workspace: Workspace, plan: Plan) -> str:
    """Why nodes of networks that the plan made reach services of the engine's machine; empty where they reach none."""
    from orchestrator.host.private_engine.host_access import why_host_is_open
    from orchestrator.planning.networks import opened_to_host

    return why_host_is_open(workspace.engine_urls[0]) if opened_to_host(plan) else ""


def reset_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str, options: UpOptions) -> UpResult:
    """Remove the lab with its volumes and bring it up anew, under the same name. Its end stays, its faults do not.

    A recorder that runs is started anew, too, and networks stay closed to the engine's host. Raises NotFound where the
    lab is not up.
    """
    from orchestrator.planning.capture import recorder_of
    from orchestrator.planning.networks import is_host_closed

    observed = (lab := workspace.lab(scenario, lab_name)).standing()
    trusted = options.trusted or lab.settings.trusted
    options = replace(options, close_host=is_host_closed(lab.topology(observed), observed), trusted=trusted)
    end = end_of(workspace.state, lab_name)
    kept_end = end if end and end.at > time.time() else None
    options = replace(options, capture=options.capture or recorder_of(observed) is not None)
    with (guard := workspace.guard(keep=options.keep)) as run, recorded(workspace, lab_name, run):
        remove_lab(workspace, lab_name, run)
        return bring_up_in_run(
            workspace, scenario, lab_name, options, run, on_complete=guard.release, kept_end=kept_end
        )


def plan_up(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> Plan:
    """What `bring_up` would do now. Changes nothing."""
    return workspace.lab(scenario, lab_name).plan()


def bring_down(workspace: Workspace, lab_name: str) -> Plan:
    """Remove the whole lab: containers, networks, volumes and files. The plan is empty where nothing was there."""
    from orchestrator.lab.journal import prune_journals

    prune_journals(workspace.state)
    with recorded(workspace, lab_name):
        return remove_lab(workspace, lab_name)


def remove_lab(workspace: Workspace, lab_name: str, run: str = "") -> Plan:
    """As `bring_down`, inside of another operation, whose run may be named."""
    from orchestrator.lab.take_down import take_down

    publish = workspace.publisher(workspace.journal(lab_name, run))
    plan = take_down(workspace.engine, workspace.state, lab_name, publish)
    if plan:
        publish(LabEvent("down", len(plan.steps)))
    return plan
