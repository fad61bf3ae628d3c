"""graph: the lab as a picture in text."""

from __future__ import annotations

import click

from orchestrator.cli.console import out
from orchestrator.cli.lab_commands import lab_option, scenario_argument
from orchestrator.cli.look_commands import observed_lab
from orchestrator.errors import OK


@click.command()
@scenario_argument
@lab_option
@click.option("--format", "form", type=click.Choice(["mermaid", "dot"]), default="mermaid", show_default=True)
def command(name: str | None, lab: str | None, form: str) -> int:
    """Print the lab as a picture in text, coloured by state where it stands."""
    from orchestrator.showing import graph
    from orchestrator.showing.labs import nodes_document

    topology, observed = observed_lab(name, lab)
    states = {node["node"]: node["state"] for node in nodes_document(topology, observed)["nodes"]}
    if set(states.values()) == {"missing"}:
        states = {}
    out(graph.mermaid(topology, states) if form == "mermaid" else graph.dot(topology, states))
    return OK
