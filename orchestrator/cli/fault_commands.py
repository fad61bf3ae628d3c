"""inject and heal: break a lab on purpose, and mend it."""

from __future__ import annotations

import click

from orchestrator.cli.console import out_json, say
from orchestrator.cli.lab_commands import say_up, steps_document
from orchestrator.cli.options import json_option, lab_option
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK


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
    """Put a fault in: its kind, and what it breaks.

    wirelab inject basic stop dns

    wirelab inject basic cut client app,db

    wirelab inject basic record dns app.shop.lab A 192.0.2.1
    """
    from orchestrator.operations.faults import fault_of_words, inject_fault

    target = find_lab(name, lab)
    wanted = fault_of_words(fault, target.scenario.reading.scenario)
    lab_ref, plan = inject_fault(open_workspace(start=False), target.scenario, target.lab_name, wanted)
    say(f"put in: {' '.join(fault)}; to mend it: {lab_ref.command('heal')}" if plan else "that fault is in already")
    if as_json:
        out_json(steps_document(plan))
    return OK


@click.command()
@click.argument("name")
@lab_option
@json_option
def heal_command(name: str, lab: str | None, as_json: bool) -> int:
    """Mend whatever is not as the file declares: nodes, addresses, networks."""
    from orchestrator.operations.faults import heal_lab

    target = find_lab(name, lab)
    result = heal_lab(open_workspace(start=False), target.scenario, target.lab_name)
    say_up(result)
    if as_json:
        out_json(steps_document(result.plan))
    return OK
