"""inject and heal: break a lab on purpose, and mend it."""

from __future__ import annotations

import click

from orchestrator.cli.console import say
from orchestrator.cli.lab_commands import bring_up, lab_option
from orchestrator.cli.look_commands import known_node
from orchestrator.cli.session import lab_of, open_session
from orchestrator.errors import OK, UsageInvalid

KINDS = "stop NODE | pause NODE | disconnect NODE [NETWORK]"


@click.command()
@click.argument("name")
@click.argument("fault", nargs=-1, required=True, metavar="FAULT NODE [NETWORK]")
@lab_option
def inject_command(name: str, fault: tuple[str, ...], lab: str | None) -> int:
    """Put a fault in: stop NODE, pause NODE, or disconnect NODE [NETWORK].

    wirelab inject basic stop dns
    """
    from pydantic import ValidationError

    from orchestrator.cli.progress import tell
    from orchestrator.cli.scenarios import load
    from orchestrator.lab.breaking import inject
    from orchestrator.model.faults import FAULTS

    kind, rest = fault[0], fault[1:]
    if kind not in FAULTS or not 1 <= len(rest) <= (2 if kind == "disconnect" else 1):
        raise UsageInvalid(f"{' '.join(fault)!r} is no fault", hint=KINDS)
    loaded = load(name)
    if rest[0] not in loaded.reading.scenario.groups:
        known_node(loaded.reading.scenario, rest[0])
    fields = {kind: rest[0]} | ({"network": rest[1]} if len(rest) == 2 else {})
    try:
        wanted = FAULTS[kind].model_validate(fields)
    except ValidationError as error:
        raise UsageInvalid(f"{' '.join(fault)!r} is no fault", why=error.errors()[0]["msg"], hint=KINDS) from error
    session = open_session(start=False)
    plan = inject(lab_of(session, loaded, lab, notify=tell), wanted)  # type: ignore[arg-type]
    say(f"put in: {' '.join(fault)}; to mend it: wirelab heal {name}" if plan else "that fault is in already")
    return OK


@click.command()
@click.argument("name")
@lab_option
def heal_command(name: str, lab: str | None) -> int:
    """Mend whatever is not as the file declares: nodes, addresses, networks."""
    from orchestrator.cli.scenarios import load

    bring_up(open_session(start=False), load(name), lab, keep=True, timeout=30.0)
    return OK
