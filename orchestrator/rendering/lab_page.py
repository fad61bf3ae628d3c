"""The lab as a page: its picture, and the same as tables."""

from __future__ import annotations

from html import escape

from orchestrator.rendering.graph import Arrow, Picture
from orchestrator.rendering.graph_svg import svg
from orchestrator.rendering.page import Section, page, scrolling, table

HOW = {
    "uses": "uses, as declared",
    "asks": "asks for names",
    "delegates": "delegates a zone",
    "seen": "not declared, but seen",
}


def lab_page(picture: Picture) -> str:
    """The picture alone, as `wirelab graph --format html` prints it."""
    return page(picture.title, "", [lab_section(picture)], "Made by wirelab.")


def lab_section(picture: Picture, note: str = "") -> Section:
    """The picture as a part of a page, with a `note` on it."""
    parts = [f"<p>{escape(note)}</p>"] if note else []
    parts.append(scrolling("Picture of the lab", svg(picture), "figure"))
    rows = [
        (machine.name, machine.role, machine.state or "-", " ".join(machine.addresses), " ".join(machine.networks))
        for machine in picture.machines
    ]
    parts.append("<details><summary><h3>The nodes as a table</h3></summary>")
    parts.append(table("The nodes", ("Node", "Role", "State", "Addresses", "Networks"), rows) + "</details>")
    if picture.arrows:
        parts.append("<details><summary><h3>The arrows as a table</h3></summary>")
        parts.append(table("The arrows", ("Client", "Server", "How", "What"), map(_row, picture.arrows)) + "</details>")
    return Section("lab", "The lab", "\n".join(parts))


def _row(arrow: Arrow) -> tuple[str, str, str, str]:
    return arrow.client, arrow.server, HOW[arrow.how], arrow.label or "-"
