"""graph: the lab as a picture."""

from __future__ import annotations

import click

from orchestrator.cli.capture import say_filter
from orchestrator.cli.console import out, say
from orchestrator.cli.options import lab_option, scenario_argument
from orchestrator.cli.workspace import find_lab, open_workspace
from orchestrator.errors import OK

FORMS = ("mermaid", "dot", "svg", "html")


@click.command()
@scenario_argument
@lab_option
@click.option("--format", "form", type=click.Choice(FORMS), default="mermaid", show_default=True)
def command(name: str | None, lab: str | None, form: str) -> int:
    """Print the lab as a picture, coloured by state; with its traffic if a capture is running.

    mermaid and dot are text, svg is a picture, html is a page with the picture and tables.
    """
    from orchestrator.operations.graph import picture_lab
    from orchestrator.rendering import graph
    from orchestrator.rendering.graph_svg import svg
    from orchestrator.rendering.lab_page import lab_page

    target = find_lab(name, lab)
    lab_picture = picture_lab(open_workspace(target.lab_name, read_only=True), target.scenario, target.lab_name)
    say_filter(lab_picture.filter)
    if lab_picture.missing:
        say(lab_picture.missing)
    match form:
        case "mermaid":
            out(graph.mermaid(lab_picture.picture))
        case "dot":
            out(graph.dot(lab_picture.picture))
        case "svg":
            out(svg(lab_picture.picture).rstrip())
        case _:
            out(lab_page(lab_picture.picture).rstrip())
    return OK
