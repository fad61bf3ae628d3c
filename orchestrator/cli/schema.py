"""`wirelab schema`: the scenario language for editors (JSON Schema) and for readers (Markdown)."""

from __future__ import annotations

import click

from orchestrator.cli.console import out, out_json


@click.command("schema")
@click.option("--reference", "as_reference", is_flag=True, help="Print the reference of the language, as Markdown.")
@click.option("--lesson", is_flag=True, help="Print the schema of the front matter of a lesson.")
def command(as_reference: bool, lesson: bool) -> None:
    """Print the JSON Schema (draft-07) of scenario files, made from the model that reads them."""
    if lesson:
        from orchestrator.lessons.schema import lesson_schema

        out_json(lesson_schema())
        return
    if as_reference:
        from orchestrator.rendering.reference import reference

        out(reference().removesuffix("\n"))
        return
    from orchestrator.reading.schema import scenario_schema

    out_json(scenario_schema())
