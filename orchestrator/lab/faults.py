"""Puts faults into a lab and heals them, by hand or for the checks that want one."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby

from orchestrator.checks.asker import asker_of
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import HeldConnection
from orchestrator.errors import NotFound, NotPossible, UsageInvalid, WirelabError
from orchestrator.events import Event, FindingEvent
from orchestrator.lab.executor import Executor
from orchestrator.lab.lab import Lab
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.step_handler import StepHandler
from orchestrator.model.checks import BaseCheck, CheckStep, HoldsOpen, kind_of
from orchestrator.model.fault_steps import Heal, new_id, with_ids
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import ScenarioModel
from orchestrator.planning.fault_plan import fault_plan
from orchestrator.planning.injected_faults import InjectedFault, effect_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.snapshot import Snapshot


@dataclass(frozen=True)
class FaultChange:
    """Faults that were put in or healed, and the steps of that; none where the lab was so already."""

    faults: tuple[InjectedFault, ...]
    plan: Plan


def inject(lab: Lab, fault: BaseFault, *, of_check: bool = False) -> FaultChange:
    """Put one fault in, beside those that are in. NotFound if a node that it breaks is not there.

    It is written down first: a command that is killed meanwhile leaves a fault that can be healed. One that cannot be
    put in is healed again.
    """
    with lab_lock(lab.state, lab.name):
        observed = lab.standing()
        topology = lab.topology(observed)
        for node in sorted(fault.effect(topology).nodes):
            if observed.container_of(node) is None:
                raise NotFound(f"the node {node!r} is not up", hint=lab.named.command("up"))
        written = lab.folder.faults.faults()
        actor, run = lab.settings.actor, lab.settings.run
        injected = InjectedFault(
            new_id(fault, {other.id for other in written}),
            fault,
            round(time.time(), 3),
            f"{actor}, for a check" if of_check else str(actor),
            run if of_check else actor.run,
            of_check,
        )
        faults = (*observed.faults, injected)
        before, after = effect_of(topology, written), effect_of(topology, faults)
        plan = fault_plan(topology, observed, before, after)
        lab.keep_faults(faults)
        try:
            _carry_out(lab, observed, plan)
        except WirelabError:
            with suppress(WirelabError):
                _heal(lab, [injected.id])
            raise
        return FaultChange((injected,), plan)


def heal(lab: Lab, ids: Collection[str]) -> FaultChange:
    """Heal just these faults: whatever else is in, or was changed by hand, stays. UsageInvalid if one is not in."""
    with lab_lock(lab.state, lab.name):
        return _heal(lab, ids)


def heal_ended(lab: Lab) -> FaultChange:
    """Heal the faults of checks whose run has ended without healing them, as after a SIGKILL.

    A step that was under way then may still come: the engine goes on with a stop that nobody waits for. So the faults
    are first put in whole. A lab that does not stand on this engine stays as it is.
    """
    with lab_lock(lab.state, lab.name, cleaning=True):
        ended, observed = lab.folder.faults.ended(), lab.observe()
        if not ended or not observed.containers:
            return FaultChange((), Plan(lab.name, ()))
        topology = lab.topology(observed)
        rest = [fault for fault in observed.faults if fault not in ended]
        before, after = effect_of(topology, rest), effect_of(topology, (*rest, *ended))
        _carry_out(lab, observed, fault_plan(topology, observed, before, after))
        return _heal(lab, [fault.id for fault in ended])


def _heal(lab: Lab, ids: Collection[str]) -> FaultChange:
    observed = lab.standing()
    topology = lab.topology(observed)
    written = lab.folder.faults.faults()
    known = [fault.id for fault in written]
    for fault_id in ids:
        if fault_id not in known:
            why = f"the faults of this lab are {', '.join(known)}" if known else "this lab has no fault"
            what = f"the lab {lab.name!r} has no fault {fault_id!r}"
            raise UsageInvalid(what, why=why, hint=lab.named.command("faults"))
    rest = tuple(fault for fault in observed.faults if fault.id not in ids)
    plan = fault_plan(topology, observed, effect_of(topology, written), effect_of(topology, rest))
    _carry_out(lab, observed, plan)
    # Only now: what a command that is killed meanwhile has not healed is still written down.
    lab.keep_faults(rest)
    return FaultChange(tuple(fault for fault in written if fault.id in ids), plan)


def _carry_out(lab: Lab, observed: Snapshot, plan: Plan) -> None:
    handler = StepHandler(lab.engine, lab.folder, observed, lab.named, lab.settings.ready_seconds)
    result = Executor(handler, lab.settings.publish, shield=lab.settings.shield).run(plan)
    if result.error:
        raise result.error


def check(lab: Lab, checks: Sequence[BaseCheck]) -> tuple[Finding, ...]:
    """One finding a check, in the order of the file.

    Checks without a fault are put first, side by side; then those of each fault: while it is in, and once it is healed.
    It is healed also after a failure or an interrupt. A fault that somebody else has put in would change what is seen,
    and healing would mend what somebody broke by hand: then checks with a fault are unknown, and nothing is touched.
    """
    findings: dict[int, Finding] = {}
    with_fault = [check for check in checks if check.fault_steps]
    _judge(lab, [check for check in checks if not check.fault_steps], findings)
    reason = _reason_not_to_break(lab) if with_fault else ""
    if reason:
        findings.update((id(check), _not_asked(lab, check, reason)) for check in with_fault)
        with_fault = []
    for steps, members in groupby(with_fault, key=lambda check: check.fault_steps):
        _run_checks_of_faults(lab, steps, list(members), findings)
    return tuple(findings[id(check)] for check in checks)


def _reason_not_to_break(lab: Lab) -> str:
    """Why no check may put a fault into the lab as it is; empty where one may."""
    faults = lab.faults()
    if faults:
        which = ", ".join(fault.id for fault in faults)
        return f"another fault is in ({which}); {lab.named.command('heal')} heals it"
    steps = lab.plan().steps
    return f"the lab is not whole: {steps[0]}; {lab.named.command('up')} mends it" if steps else ""


def _not_asked(lab: Lab, check: BaseCheck, reason: str) -> Finding:
    """A check with a fault in a lab that something is wrong with already: unknown."""
    actual = f"it was not asked, for {reason}"
    finding = Finding(
        check.name, str(kind_of(check)), asker_of(check), Judgement("unknown", "a whole lab", actual), 0.0
    )
    lab.publish_finding(finding)
    return finding


def _run_checks_of_faults(
    lab: Lab, steps: Sequence[ScenarioModel], checks: Sequence[BaseCheck], findings: dict[int, Finding]
) -> None:
    """Judge the checks of the same faults, which are put in once, if what they say of the time before it holds."""
    for check in checks:
        early = _not_ready(lab, check)
        if early:
            findings[id(check)] = early
            lab.publish_finding(early)
    with _connections(lab, [check for check in checks if id(check) not in findings], findings) as held:
        rest = [check for check in checks if id(check) not in findings]
        if rest:
            _break_and_judge(lab, steps, rest, held, findings)


@contextmanager
def _connections(
    lab: Lab, checks: Sequence[BaseCheck], findings: dict[int, Finding]
) -> Iterator[dict[str, HeldConnection]]:
    """The connections that checks hold open over their fault, by the names of the checks; of a check whose connection
    cannot be opened that is the finding."""
    holding = {check.name: check for check in checks if isinstance(check, HoldsOpen)}
    if not holding:
        yield {}
        return
    from orchestrator.lab.held_connections import held_connections

    with (
        lab.judged_lab() as judged,
        held_connections(judged, list(holding.values()), lab.settings.publish) as opened,
    ):
        for name, judgement in opened.items():
            if isinstance(judgement, Judgement):
                before = replace(judgement, actual=f"before the fault: {judgement.actual}")
                finding = Finding(name, str(kind_of(holding[name])), holding[name].asker, before, 0.0)
                findings[id(holding[name])] = finding
                lab.publish_finding(finding)
        yield {name: connection for name, connection in opened.items() if isinstance(connection, HeldConnection)}


def _break_and_judge(
    lab: Lab,
    steps: Sequence[ScenarioModel],
    checks: Sequence[BaseCheck],
    held: Mapping[str, HeldConnection],
    findings: dict[int, Finding],
) -> None:
    """Put the faults in, judge, heal them, and judge what says something of the time after that."""
    known = {fault.id for fault in lab.folder.faults.faults()}
    try:
        try:
            injected, failed = _take_steps(lab, steps)
        except NotPossible as error:
            _skip(lab, checks, error, findings)
            return
        if failed:
            for check in checks:
                findings[id(check)] = _as_finding_of(check, "between the faults", failed)
                lab.publish_finding(findings[id(check)])
            checks = ()
        while_it_is_in = [check for check in checks if check.during]
        if while_it_is_in:
            _judge_during(lab, injected, while_it_is_in, held, findings)
    finally:
        with lab.settings.shield():
            # Not by the id that `inject` returned: it may have been interrupted.
            own = [fault for fault in lab.faults() if fault.of_check and fault.id not in known]
            lab.up(healed=[fault.id for fault in own if fault.run == lab.settings.run])
    healed = [check for check in checks if check.after]
    if healed:
        _judge(lab, healed, findings, held)


def _skip(lab: Lab, checks: Sequence[BaseCheck], error: NotPossible, findings: dict[int, Finding]) -> None:
    """The engine cannot put in what the checks need: nothing is known of them."""
    actual = f"skipped: the engine cannot put the fault in: {error.why}"
    for check in checks:
        judgement = Judgement("unknown", "the fault is in", actual)
        findings[id(check)] = Finding(check.name, str(kind_of(check)), asker_of(check), judgement, 0.0)
        lab.publish_finding(findings[id(check)])


def _take_steps(lab: Lab, steps: Sequence[ScenarioModel]) -> tuple[tuple[InjectedFault, ...], Finding | None]:
    """Put the faults of a check in, in their order, heal those that it says, and judge the checks between them.

    Those that are in at the end, and what was found of the first check between them that does not hold.
    """
    injected: dict[str, InjectedFault] = {}
    for fault_id, step in with_ids(steps):
        match step:
            case Heal():
                heal(lab, [injected.pop(fault_id).id])
            case BaseFault():
                # Its id in the lab may be another one: a check that was killed has left an entry.
                (injected[fault_id],) = inject(lab, step, of_check=True).faults
            case CheckStep():
                (finding,) = _judged_in(lab, injected.values(), [step.check], {})
                if finding.verdict != "pass":
                    return tuple(injected.values()), finding
    return tuple(injected.values()), None


def _not_ready(lab: Lab, check: BaseCheck) -> Finding | None:
    """What is found of a check whose `before` does not hold; None where it does."""
    if not check.before:
        return None
    failed = (finding for finding in _quiet(lab).judge(check.before) if finding.verdict != "pass")
    return next((_as_finding_of(check, "before the fault", finding) for finding in failed), None)


def _as_finding_of(check: BaseCheck, when: str, finding: Finding) -> Finding:
    """What was found of a check that belongs to this one, as the finding of this one."""
    judgement = finding.judgement
    return replace(
        finding,
        check=check.name,
        kind=str(kind_of(check)),
        asker=asker_of(check),
        judgement=replace(judgement, actual=f"{when}, {finding.check!r}: {judgement.actual}"),
    )


def _judge_during(
    lab: Lab,
    injected: Collection[InjectedFault],
    checks: Sequence[BaseCheck],
    held: Mapping[str, HeldConnection],
    findings: dict[int, Finding],
) -> None:
    for check, finding in zip(checks, _judged_in(lab, injected, checks, held), strict=True):
        findings[id(check)] = finding
        lab.publish_finding(finding)


def _judged_in(
    lab: Lab, injected: Collection[InjectedFault], checks: Sequence[BaseCheck], held: Mapping[str, HeldConnection]
) -> Iterator[Finding]:
    """Of a fault that somebody has mended meanwhile, as by `heal` in another window, nothing was proved."""
    judged = _quiet(lab).judge(checks, held=held)
    mended = _mended(lab, injected)
    for finding in judged:
        if mended:
            actual = f"the fault was mended while this was judged ({mended}): {finding.judgement.actual}"
            finding = replace(finding, judgement=replace(finding.judgement, verdict="unknown", actual=actual))
        yield finding


def _mended(lab: Lab, injected: Collection[InjectedFault]) -> str:
    """What of these faults is not in any more, by the steps that would put it in again; empty while all of it is in."""
    try:
        observed = lab.standing()
    except NotFound as error:
        return error.what
    topology = lab.topology(observed)
    own = {fault.id for fault in injected}
    without = [fault for fault in observed.faults if fault.id not in own]
    effects = effect_of(topology, without), effect_of(topology, (*without, *injected))
    return ", ".join(step.id for step in fault_plan(topology, observed, *effects).steps)


def _quiet(lab: Lab) -> Lab:
    """The lab without events of findings: they are changed before they are published."""

    def publish(event: Event) -> None:
        if not isinstance(event, FindingEvent):
            lab.settings.publish(event)

    return replace(lab, settings=replace(lab.settings, publish=publish, on_finding=lambda _finding: None))


def _judge(
    lab: Lab,
    checks: Sequence[BaseCheck],
    findings: dict[int, Finding],
    held: Mapping[str, HeldConnection] | None = None,
) -> None:
    findings.update(zip(map(id, checks), lab.judge(checks, held=held), strict=True))
