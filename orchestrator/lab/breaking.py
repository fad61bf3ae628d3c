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

    Checks without a fault are put first, side by side; then those of each fault, while it is in. The fault is healed
    afterwards, also after a failure or an interrupt.
    """
    calm = [check for check in checks if check.during is None]
    found = dict(zip(map(id, calm), lab.judge(calm), strict=True)) if calm else {}
    stormy = [check for check in checks if check.during is not None]
    for fault, group in groupby(stormy, key=lambda check: check.during):
        assert fault is not None
        members = list(group)
        try:
            inject(lab, fault)
            found.update(zip(map(id, members), lab.judge(members), strict=True))
        finally:
            with lab.settings.shield():
                lab.up()
    return tuple(found[id(check)] for check in checks)
