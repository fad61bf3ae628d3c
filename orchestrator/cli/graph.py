"""graph: the lab as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.capture import tell_narrowed
from orchestrator.cli.console import out, say
from orchestrator.cli.options import lab_option, scenario_argument
from orchestrator.cli.workspace import open_workspace
from orchestrator.errors import OK

if TYPE_CHECKING:
    from orchestrator.rendering.graph import Picture

FORMS = ("mermaid", "dot", "svg", "html")


@click.command()
@scenario_argument
@lab_option
@click.option("--format", "form", type=click.Choice(FORMS), default="mermaid", show_default=True)
def command(name: str | None, lab: str | None, form: str) -> int:
    """Print the lab as a picture: coloured by state where it stands, with its traffic where a capture runs.

    mermaid and dot are text; svg is a picture, html a page with the picture and its tables.
    """
    from orchestrator.rendering import graph
    from orchestrator.rendering.graph_svg import svg

    shown = _shown(name, lab)
    match form:
        case "mermaid":
            out(graph.mermaid(shown))
        case "dot":
            out(graph.dot(shown))
        case "svg":
            out(svg(shown).rstrip())
        case _:
            from orchestrator.rendering.lab_page import lab_page

            out(lab_page(shown).rstrip())
    return OK


def _shown(name: str | None, lab_name: str | None) -> Picture:
    """The picture of a lab as it is now."""
    from orchestrator.lab.capture.window import CaptureWindow
    from orchestrator.operations.capture import seen_traffic
    from orchestrator.operations.scenario_library import load_scenario
    from orchestrator.rendering.graph import picture
    from orchestrator.rendering.labs import node_states

    opened = open_workspace(read_only=True).lab(load_scenario(name), lab_name)
    observed = opened.observe()
    topology = opened.topology(observed)
    window = CaptureWindow.of_running_capture(opened)
    result = window.result(topology)
    if window.container:
        tell_narrowed(window.capture)
    if window.container and result.missing:
        say(result.missing)
    return picture(topology, node_states(topology, observed), seen_traffic(window, result))
