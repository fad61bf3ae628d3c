"""Puts faults into a lab and heals them. Healing is `up`: what is not as the file declares is repaired."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from orchestrator.judging.findings import Finding
from orchestrator.lab.doing import Doing
from orchestrator.lab.lab import Lab
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.runner import Runner
from orchestrator.model.checks import Common
from orchestrator.planning.faults import AnyFault
from orchestrator.planning.faults import inject as plan_of
from orchestrator.planning.plan import Plan


def inject(lab: Lab, fault: AnyFault) -> Plan:
    """Put one fault in; the plan is empty if it is in already."""
    with lab_lock(lab.state, lab.name):
        observed = lab.observe()
        plan = plan_of(fault, lab.topology(observed), observed)
        doing = Doing(lab.engine, lab.folder, observed, lab.name, lab.settings.ready_seconds)
        ended = Runner(doing, lab.settings.notify).run(plan)
        if ended.error:
            raise ended.error
        return plan


def check(lab: Lab, checks: Sequence[Common]) -> tuple[Finding, ...]:
    """One finding a check, in the order of the file.

    Checks without a fault are put first, side by side; then those of each fault: while it is in, and once it is healed.
    It is healed also after a failure or an interrupt.
    """
    found: dict[int, Finding] = {}
    _judge(lab, [check for check in checks if check.fault is None], found)
    for fault, members in groupby((check for check in checks if check.fault), key=lambda check: check.fault):
        _through(lab, fault, list(members), found)
    return tuple(found[id(check)] for check in checks)


def _through(lab: Lab, fault: AnyFault, checks: Sequence[Common], found: dict[int, Finding]) -> None:
    """Judge the checks of one fault, which is put in once."""
    try:
        inject(lab, fault)
        _judge(lab, [check for check in checks if check.during], found)
    finally:
        with lab.settings.shield():
            lab.up()
    _judge(lab, [check for check in checks if check.after], found)


def _judge(lab: Lab, checks: Sequence[Common], found: dict[int, Finding]) -> None:
    if checks:
        found.update(zip(map(id, checks), lab.judge(checks), strict=True))
