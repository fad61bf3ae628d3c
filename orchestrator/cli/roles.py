"""roles: who was client of whom and who was server to whom, from what was captured."""

from __future__ import annotations

import click

from orchestrator.cli.capture import open_capture, tell_narrowed
from orchestrator.cli.console import out, out_json, say
from orchestrator.cli.options import json_option, lab_option, scenario_argument
from orchestrator.errors import OK


@click.command()
@scenario_argument
@lab_option
@json_option
def command(name: str | None, lab: str | None, as_json: bool) -> int:
    """Tell of each node of whom it was client and to whom it was server, from the packets of a running capture.

    What crossed the wire is compared with `uses`: what was seen but not declared, and what was declared but never seen.
    """
    from orchestrator.rendering.roles import roles_document, roles_text
    from orchestrator.traffic.roles import compare, traffic_roles

    capture, observed, _ = open_capture(name, lab)
    recording = capture.read(capture.require_running())
    tell_narrowed(capture)
    if recording.warning:
        say(recording.warning)
    topology = capture.topology(observed)
    events, _ = recording.events(topology)
    roles = traffic_roles(events)
    nodes = topology.scenario.nodes
    uses = {node: tuple(one.uses) for node, one in nodes.items()}
    comparison = compare(roles, uses, frozenset(topology.with_role("dns")))
    if as_json:
        out_json(roles_document(topology.lab, tuple(nodes), roles, comparison, recording.losses))
    else:
        out(roles_text(tuple(nodes), roles, comparison, recording.losses))
    return OK
