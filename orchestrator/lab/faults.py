"""Puts faults into a lab and heals them. Healing is `up`: what is not as the file declares is repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.kinds import asker_of
from orchestrator.errors import NotFound
from orchestrator.events import Event, FindingEvent
from orchestrator.lab.executor import Executor
from orchestrator.lab.lab import Lab
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.step_handler import StepHandler
from orchestrator.model.checks import BaseCheck, kind_of
from orchestrator.model.faults.fault import BaseFault
from orchestrator.planning.faults import inject as plan_of
from orchestrator.planning.plan import Plan, Step


def inject(lab: Lab, fault: BaseFault) -> Plan:
    """Put one fault in; the plan is empty if it is in already. NotFound if nothing of the lab is there."""
    with lab_lock(lab.state, lab.name):
        observed = lab.standing()
        try:
            plan = plan_of(fault, lab.topology(observed), observed)
        except NotFound as error:
            raise NotFound(error.what, hint=lab.named.command("up")) from error
        doing = StepHandler(lab.engine, lab.folder, observed, lab.named, lab.settings.ready_seconds)
        ended = Executor(doing, lab.settings.publish, shield=lab.settings.shield).run(plan)
        if ended.error:
            raise ended.error
        return plan


def check(lab: Lab, checks: Sequence[BaseCheck]) -> tuple[Finding, ...]:
    """One finding a check, in the order of the file.

    Checks without a fault are put first, side by side; then those of each fault: while it is in, and once it is healed.
    It is healed also after a failure or an interrupt. Healing would mend what somebody else broke on purpose, too: in
    a lab that is not whole to begin with, checks with a fault are unknown, and nothing is touched.
    """
    findings: dict[int, Finding] = {}
    with_fault = [check for check in checks if check.fault]
    _judge(lab, [check for check in checks if check.fault is None], findings)
    pending_repairs = lab.plan().steps if with_fault else ()
    if pending_repairs:
        findings.update((id(check), _not_asked(lab, check, pending_repairs)) for check in with_fault)
        with_fault = []
    for fault, members in groupby(with_fault, key=lambda check: check.fault):
        _through(lab, fault, list(members), findings)
    return tuple(findings[id(check)] for check in checks)


def _not_asked(lab: Lab, check: BaseCheck, pending_repairs: Sequence[Step]) -> Finding:
    """A check with a fault in a lab that something is wrong with already: unknown."""
    seen = f"it was not asked, for the lab is not whole: {pending_repairs[0]}; {lab.named.command('heal')} mends it"
    finding = Finding(check.name, str(kind_of(check)), asker_of(check), Judgement("unknown", "a whole lab", seen), 0.0)
    lab.publish_finding(finding)
    return finding


def _through(lab: Lab, fault: BaseFault, checks: Sequence[BaseCheck], findings: dict[int, Finding]) -> None:
    """Judge the checks of one fault, which is put in once, if what they say of the time before it holds."""
    for check in checks:
        early = _not_ready(lab, check)
        if early:
            findings[id(check)] = early
            lab.publish_finding(early)
    checks = [check for check in checks if id(check) not in findings]
    if not checks:
        return
    try:
        inject(lab, fault)
        while_it_is_in = [check for check in checks if check.during]
        if while_it_is_in:
            _judge_during(lab, fault, while_it_is_in, findings)
    finally:
        with lab.settings.shield():
            lab.up()
    healed = [check for check in checks if check.after]
    if healed:
        _judge(lab, healed, findings)


def _not_ready(lab: Lab, check: BaseCheck) -> Finding | None:
    """What is found of a check whose `before` does not hold; None where it does."""
    if not check.before:
        return None
    for finding in _quiet(lab).judge(check.before):
        if finding.verdict != "pass":
            judgement = finding.judgement
            actual = f"before the fault, {finding.check!r}: {judgement.actual}"
            return replace(
                finding,
                check=check.name,
                kind=str(kind_of(check)),
                asker=asker_of(check),
                judgement=replace(judgement, actual=actual),
            )
    return None


def _judge_during(lab: Lab, fault: BaseFault, checks: Sequence[BaseCheck], findings: dict[int, Finding]) -> None:
    """Of a fault that somebody has mended meanwhile, as by `heal` in another window, nothing was proved."""
    judged = _quiet(lab).judge(checks)
    mended = _mended(lab, fault)
    for check, finding in zip(checks, judged, strict=True):
        if mended:
            actual = f"the fault was mended while this was judged ({mended}): {finding.judgement.actual}"
            finding = replace(finding, judgement=replace(finding.judgement, verdict="unknown", actual=actual))
        findings[id(check)] = finding
        lab.publish_finding(finding)


def _mended(lab: Lab, fault: BaseFault) -> str:
    """What of a fault is not in any more, by the steps that would put it in again; empty while all of it is in."""
    try:
        observed = lab.standing()
        steps = plan_of(fault, lab.topology(observed), observed).steps
    except NotFound as error:
        return error.what
    return ", ".join(step.id for step in steps)


def _quiet(lab: Lab) -> Lab:
    """The lab without events of findings: they are changed before they are published."""

    def publish(event: Event) -> None:
        if not isinstance(event, FindingEvent):
            lab.settings.publish(event)

    return replace(lab, settings=replace(lab.settings, publish=publish))


def _judge(lab: Lab, checks: Sequence[BaseCheck], findings: dict[int, Finding]) -> None:
    findings.update(zip(map(id, checks), lab.judge(checks), strict=True))
