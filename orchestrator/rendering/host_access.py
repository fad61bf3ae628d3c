"""What `up` says of networks whose nodes reach the engine's machine."""

from __future__ import annotations

from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.networks import opened_to_host
from orchestrator.planning.plan import Plan


def host_open_text(plan: Plan, why: str, lab: LabRef) -> str:
    """Which networks that the plan made lead to the engine's machine, why, and how to close the lab."""
    opened = opened_to_host(plan)
    names = ", ".join(opened)
    note = f"note: nodes may reach services of the engine's machine, over {names}: {why}\n"
    if any(can_be_closed for can_be_closed in opened.values()):
        return note + f"      to close the lab to that machine: {lab.command('up', '--close-host')}"
    return note + "      no option closes a network with internal: false or ipv6: true"
