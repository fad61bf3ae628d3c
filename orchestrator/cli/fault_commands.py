"""inject, faults and heal: break a lab on purpose, see what is broken, and heal it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from shlex import join
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.lab_commands import say_up, steps_document
from orchestrator.cli.options import json_option, lab_option, scenario_argument
from orchestrator.cli.workspace import find_lab, find_lab_name, open_workspace
from orchestrator.errors import OK

if TYPE_CHECKING:
    from orchestrator.planning.injected_faults import InjectedFault


class InjectCommand(click.Command):
    """Its help lists the kinds of faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from orchestrator.model.faults import FAULTS

        with formatter.section("Faults"):
            formatter.write_dl([(f"{kind} {fault.usage}", fault.__doc__ or "") for kind, fault in FAULTS.items()])
        super().format_epilog(ctx, formatter)


@click.command(cls=InjectCommand)
@click.argument("name")
@click.argument("fault", nargs=-1, required=True, metavar="FAULT WORD...")
@lab_option
@json_option
def inject_command(name: str, fault: tuple[str, ...], lab: str | None, as_json: bool) -> int:
    """Put a fault into a lab: name its kind, and what it breaks.

    wirelab inject basic stop dns

    wirelab inject basic cut client app,db

    wirelab inject basic record dns app.shop.lab A 192.0.2.1
    """
    from orchestrator.operations.faults import fault_of_words, inject_fault

    target = find_lab(name, lab)
    wanted = fault_of_words(fault, target.scenario.reading.scenario)
    result = inject_fault(open_workspace(target.lab_name, start=False), target.scenario, target.lab_name, wanted)
    fault_id = result.faults[0].id
    heal = result.lab.command("heal", fault_id)
    said = (
        f"put in as {fault_id}: {join(fault)}" if result.plan else f"that fault is in already; now also as {fault_id}"
    )
    say(f"{said}; to heal it: {heal}")
    if loss := result.faults[0].fault.loss:
        say(f"once it is healed, {loss}")
    if as_json:
        out_json({**steps_document(result.plan), "id": fault_id, "heal": heal})
    return OK


@click.command()
@scenario_argument
@click.argument("fault_id", nargs=-1, metavar="[FAULT]...")
@lab_option
@json_option
def heal_command(name: str | None, fault_id: tuple[str, ...], lab: str | None, as_json: bool) -> int:
    """Remove faults by their ids, and change nothing else.

    Without an id: remove all faults, and repair everything that differs from the scenario file.

    wirelab heal basic

    wirelab heal basic stop-dns
    """
    from orchestrator.operations.faults import heal_faults, heal_lab

    target = find_lab(name, lab)
    workspace = open_workspace(target.lab_name, start=False)
    if not fault_id:
        whole = heal_lab(workspace, target.scenario, target.lab_name, look=True)
        _say_healed(whole.healed)
        say_up(whole)
        plan, healed, obstacles = whole.plan, whole.healed, whole.obstacles
    else:
        result = heal_faults(workspace, target.scenario, target.lab_name, fault_id)
        plan, healed, obstacles = result.plan, result.faults, ()
        _say_healed(healed)
    if as_json:
        out_json({**steps_document(plan, obstacles), "healed": [fault.id for fault in healed]})
    return OK


def _say_healed(faults: Sequence[InjectedFault]) -> None:
    if faults:
        say(f"healed: {', '.join(fault.id for fault in faults)}")
    for fault in faults:
        if fault.fault.loss:
            say(fault.fault.loss)


@click.command()
@scenario_argument
@lab_option
@json_option
def faults_command(name: str | None, lab: str | None, as_json: bool) -> int:
    """List the faults of a lab: id, time, and who put the fault in."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.faults import list_faults
    from orchestrator.rendering.faults import faults_document, faults_text

    lab_name = find_lab_name(name, lab)
    faults = list_faults(StateFolder.of(os.environ), lab_name)
    if as_json:
        out_json(faults_document(lab_name, faults))
    elif faults:
        out(faults_text(faults, None))
    else:
        say(f"no fault is in the lab {lab_name!r}")
    return OK
