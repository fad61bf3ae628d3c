"""The options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def lab_option(command: Command) -> Command:
    text = "The lab's name, where one scenario runs several times; by default the scenario's name."
    return click.option("--lab", metavar="LAB", help=text, callback=_lab_name)(command)


def _lab_name(_ctx: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    from orchestrator.cli.session import valid_lab

    return None if name is None else valid_lab(name)


def capture_option(command: Command) -> Command:
    text = "Record what crosses the networks, from the first packet; no node starts before."
    return click.option("--capture", is_flag=True, help=text)(command)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def scenario_argument(command: Command) -> Command:
    return click.argument("name", required=False)(command)
