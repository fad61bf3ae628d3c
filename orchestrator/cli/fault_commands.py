"""inject and heal: break a lab on purpose, and mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.console import out_json, say
from orchestrator.cli.lab_commands import bring_up, steps_document
from orchestrator.cli.look_commands import known_node
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import OK, UsageInvalid

if TYPE_CHECKING:
    from orchestrator.model.faults import AnyFault
    from orchestrator.model.scenario import Scenario

KINDS = (
    "stop NODE | pause NODE | disconnect NODE [NETWORK] | cut NODE,... NODE,... [ipv4|ipv6] | "
    "record DNS-NODE NAME TYPE [VALUE...]"
)


@click.command()
@click.argument("name")
@click.argument("fault", nargs=-1, required=True, metavar="FAULT NODE...")
@lab_option
@json_option
def inject_command(name: str, fault: tuple[str, ...], lab: str | None, as_json: bool) -> int:
    """Put a fault in.

    stop NODE, pause NODE, disconnect NODE [NETWORK], cut NODE,... NODE,... [ipv4|ipv6],
    or record DNS-NODE NAME TYPE [VALUE...]: another record, or none.

    wirelab inject basic stop dns

    wirelab inject basic cut client app,db

    wirelab inject basic record dns app.shop.lab A 192.0.2.1
    """
    from orchestrator.cli.progress import tell
    from orchestrator.lab.faults import inject
    from orchestrator.operations.scenario_library import load_scenario

    fields = _fields(fault)
    loaded = load_scenario(name)
    wanted = _read(fault, fields, loaded.reading.scenario)
    workspace = open_workspace(start=False)
    broken = workspace.lab(loaded, lab, notify=tell)
    plan = inject(broken, wanted)
    say(
        f"put in: {' '.join(fault)}; to mend it: {broken.named.command('heal')}" if plan else "that fault is in already"
    )
    if as_json:
        out_json(steps_document(plan))
    return OK


def _fields(fault: tuple[str, ...]) -> dict[str, Any]:
    """A fault as it stands in a file, from the words of the command line. Raises UsageInvalid where they are none."""
    match fault:
        case ("stop" | "pause" | "disconnect" as kind, node):
            return {kind: node}
        case ("disconnect", node, network):
            return {"disconnect": node, "network": network}
        case ("cut", one, other):
            return {"cut": [one.split(","), other.split(",")]}
        case ("cut", one, other, only):
            return {"cut": [one.split(","), other.split(",")], "only": only}
        case ("record", server, name, kind, *values):
            return {"record": {"server": server, "name": name, "type": kind} | ({"value": values} if values else {})}
    from orchestrator.model.faults import FAULTS
    from orchestrator.reading.spelling import near

    meant = near(fault[0], FAULTS) if fault[0] not in FAULTS else None
    raise _no_fault(fault, f"did you mean {meant!r}?" if meant else "")


def _read(fault: tuple[str, ...], fields: dict[str, Any], scenario: Scenario) -> AnyFault:
    """The fault, of nodes that the scenario has. Raises UsageInvalid."""
    from pydantic import ValidationError

    from orchestrator.model.faults import FAULTS

    kind = fault[0]
    for node in _nodes(fields[kind]):
        if node not in scenario.groups:
            known_node(scenario, node)
    try:
        return FAULTS[kind].model_validate(fields)
    except ValidationError as error:
        raise _no_fault(fault, error.errors()[0]["msg"]) from error


def _no_fault(fault: tuple[str, ...], why: str) -> UsageInvalid:
    return UsageInvalid(f"{' '.join(fault)!r} is no fault", why=why, hint=KINDS)


def _nodes(named: str | list[list[str]] | dict[str, str]) -> list[str]:
    if isinstance(named, dict):
        return [named["server"]]
    return [named] if isinstance(named, str) else [node for group in named for node in group]


@click.command()
@click.argument("name")
@lab_option
@json_option
def heal_command(name: str, lab: str | None, as_json: bool) -> int:
    """Mend whatever is not as the file declares: nodes, addresses, networks."""
    from orchestrator.operations.scenario_library import load_scenario

    workspace, loaded = open_workspace(start=False), load_scenario(name)
    workspace.lab(loaded, lab).standing()  # a lab that nobody brought up is not mended by making it
    plan = bring_up(workspace, loaded, lab, keep=True, timeout=30.0)
    if as_json:
        out_json(steps_document(plan))
    return OK
