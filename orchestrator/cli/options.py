"""The options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click

from orchestrator.errors import UsageInvalid
from orchestrator.host.members.names import joined

Command = Callable[..., Any]
DAY = 86400  # seconds


def lab_option(command: Command) -> Command:
    text = "The name of the lab, if it differs from NAME. If the lab is up, you can leave NAME out."
    return click.option("--lab", metavar="LAB", help=text, callback=_lab_name)(command)


def _lab_name(_ctx: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    from orchestrator.operations.workspace import valid_lab_name

    return None if name is None else valid_lab_name(name)


def capture_option(command: Command) -> Command:
    text = "Record all packets. No node starts before the recording does."
    return click.option("--capture", is_flag=True, help=text)(command)


def close_host_option(command: Command) -> Command:
    text = "Let nodes reach no service of the engine's machine over IPv4, nor that machine the nodes."
    return click.option("--close-host", is_flag=True, help=text)(command)


def untrusted_option(command: Command) -> Command:
    text = "Refuse images of the author's and networks with a way out, and close the host as --close-host does."
    return click.option("--untrusted", is_flag=True, help=text)(command)


def trusted_option(command: Command) -> Command:
    text = (
        "For a file that you have read: its images may run as root, and the lab may be larger than the limit for one "
        "lab. With an address, also allow what --untrusted refuses."
    )
    return click.option("--trusted", is_flag=True, help=text)(command)


def timeout_option(command: Command) -> Command:
    text = "Fail if a node is not ready after this time."
    ways: dict[str, Any] = {"type": float, "default": 30.0, "show_default": True, "callback": _seconds}
    return click.option("--timeout", metavar="SECONDS", help=text, **ways)(command)


def _seconds(_ctx: click.Context, _option: click.Parameter, seconds: float) -> float:
    if not 0 < seconds <= DAY:  # nor what is not a number: each wait has its end
        raise click.BadParameter(f"{seconds:g} is not between 0 and {DAY} seconds")
    return seconds


def for_option(command: Command) -> Command:
    text = "Remove the lab automatically after DURATION, such as 2h. A later up --for changes the time."
    return click.option("--for", "ends_after", metavar="DURATION", help=text, callback=_duration)(command)


def _duration(_ctx: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    from orchestrator.operations.durations import parse_duration

    return None if text is None else parse_duration(text, "--for")


def place_options(command: Command) -> Command:
    """--member NAME, --members A,B,C and --split A,B, as `members`: those of --split in one word."""

    def with_members(*arguments: Any, members: tuple[str, ...], split: str, **more: Any) -> Any:
        if members and split:
            raise UsageInvalid("--split cannot be combined with --member or --members", hint="give one of them")
        return command(*arguments, members=(split,) if split else members, **more)

    update_wrapper(with_members, command)
    return member_options(split_option(with_members))


def member_options(command: Command) -> Command:
    """--member NAME and --members A,B,C, as `members`."""

    def with_members(*arguments: Any, member: str | None, members: tuple[str, ...], **more: Any) -> Any:
        if member and members:
            raise UsageInvalid("--member cannot be combined with --members", hint="give one of them")
        return command(*arguments, members=(member,) if member else members, **more)

    # Its name, its help, and the options that it has already.
    update_wrapper(with_members, command)
    text = "Bring a new lab up on the engine of this member."
    single = click.option("--member", metavar="MEMBER", help=text)
    text = "Bring a new lab up on the member with the most free memory; `local` is the engine in use."
    several = _members_option(text)
    return single(several(with_members))


def split_option(command: Command) -> Command:
    """--split A,B, as `split`: the members in one word, empty without the option."""
    text = "Split a new lab over all of these members, which are in one Docker Swarm; `local` is the engine in use."
    return click.option("--split", metavar="A,B", help=text, callback=_split_name)(command)


def _split_name(ctx: click.Context, option: click.Parameter, text: str | None) -> str:
    names = _names(ctx, option, text)
    if names and len(set(names)) < 2:
        raise UsageInvalid("--split takes the names of two members or more", hint=f"--member {names[0]}")
    return joined(names)


def spread_option(command: Command) -> Command:
    """--members A,B,C, as `members`, for several labs."""
    return _members_option("Spread new labs over these members; `local` is the engine in use.")(command)


def _members_option(text: str) -> Callable[[Command], Command]:
    return click.option("--members", metavar="A,B,C", help=text, callback=_names)


def _names(_ctx: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(","))
    if text is not None and not all(names):
        raise click.BadParameter(f"{text!r} is not a list of names such as a,b,c")
    return names if text is not None else ()


def line_count(_ctx: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """A number of lines; `all`, as the docker command has it, is the same as no number."""
    if text is None or text == "all":
        return None
    if not text.isdecimal():
        raise click.BadParameter(f"{text[:40]!r} is neither a number of lines nor 'all'")
    return int(text)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def verbose_option(command: Command) -> Command:
    text = "Also print the evidence of each check that holds."
    return click.option("-v", "--verbose", is_flag=True, help=text)(command)


def scenario_argument(command: Command) -> Command:
    return click.argument("name", required=False)(command)


def report_options(command: Command) -> Command:
    """--junit FILE and --report FILE, as `files`."""
    file = click.Path(dir_okay=False, path_type=Path)

    def with_files(*arguments: Any, junit: Path | None, report: Path | None, **more: Any) -> Any:
        from orchestrator.operations.reports import ReportFiles

        return command(*arguments, files=ReportFiles(junit, report), **more)

    with_files.__doc__ = command.__doc__
    with_files.__name__ = command.__name__
    junit = click.option("--junit", type=file, metavar="FILE", help="Write the findings as JUnit XML, for CI.")
    report = click.option("--report", type=file, metavar="FILE", help="Write a report as one HTML page.")
    return junit(report(with_files))
