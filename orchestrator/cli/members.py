"""`wirelab members add|ls|rm|doctor`: the engines of other machines on which labs may stand."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out_json, out_text, say, say_error, terminal_width
from orchestrator.cli.options import json_option
from orchestrator.errors import OK, WORLD, UsageInvalid, WirelabError
from orchestrator.host.state_folder import StateFolder

if TYPE_CHECKING:
    from orchestrator.diagnosis.doctor import Row

WIDTH = 110


@click.group("members")
def command() -> None:
    """Name the engines of other machines, on which labs may stand."""


@command.command("add", short_help="Name an engine, after it has answered.")
@click.argument("name")
@click.argument("address")
@click.option("--cacert", metavar="FILE", help="The certificate of the authority that signed the engine's (PEM).")
@click.option("--cert", metavar="FILE", help="Your certificate (PEM).")
@click.option("--key", metavar="FILE", help="Its private key (PEM).")
@click.option("--insecure", is_flag=True, help="Take tcp:// without TLS: who reaches the port is root there.")
def add(name: str, address: str, cacert: str | None, cert: str | None, key: str | None, insecure: bool) -> int:
    """Name an engine: unix:///PATH, ssh://USER@HOST[:PORT] or tcp://HOST:PORT.

    The engine has to answer. ssh takes your keys, your known hosts and your ~/.ssh/config.
    """
    from orchestrator.host.members.member import member_of_words
    from orchestrator.operations.members.registration import register_member

    files = {"cacert": cacert, "cert": cert, "key": key}
    member = member_of_words(name, address, files, insecure=insecure)
    member = register_member(StateFolder.of(os.environ), member)
    say(f"the member {member.name!r} answers ({member.architecture}); what it has: wirelab members doctor {name}")
    return OK


@command.command("ls", short_help="List the members, and which of them answer.")
@json_option
def list_members(as_json: bool) -> int:
    """List the members, and which of them answer. Exit code 3 if one does not."""
    from orchestrator.operations.members.registration import member_states
    from orchestrator.rendering.members import MemberLine, members_document, members_text

    states = member_states(StateFolder.of(os.environ))
    lines = [
        MemberLine(
            state.member.name,
            state.member.address,
            state.member.architecture,
            (state.trouble.why or state.trouble.what) if state.trouble else "",
        )
        for state in states
    ]
    if as_json:
        out_json(members_document(lines))
    else:
        out_text(members_text(lines, terminal_width(sys.stdout)))
    return WORLD if any(state.trouble for state in states) else OK


@command.command("rm", short_help="Forget a member.")
@click.argument("name", required=False)
@click.option("--all", "all_members", is_flag=True, help="Forget all members.")
@click.option("--forget-labs", is_flag=True, help="Also forget the labs that stand on it, for a machine that is gone.")
def remove(name: str | None, all_members: bool, forget_labs: bool) -> int:
    """Forget a member, and end the connection to it. Nothing is changed on its engine."""
    from orchestrator.host.members.registry import members
    from orchestrator.operations.members.registration import forget_member

    if bool(name) == all_members:
        raise UsageInvalid("which member?", why="NAME names one, --all all of them", hint="wirelab members ls")
    state = StateFolder.of(os.environ)
    for member_name in (name,) if name else [member.name for member in members(state)]:
        member = forget_member(state, member_name, labs=forget_labs)
        say(f"{member.name!r} ({member.address}) is no member any more")
    return OK


@command.command("doctor", short_help="Measure what a member has, or all of them.")
@click.argument("name", required=False)
@json_option
def doctor(name: str | None, as_json: bool) -> int:
    """Measure what a member has: engine, files, clock, memory, ranges, images, swarm.

    Exit code 3 if a member does not answer, or no lab can run there.
    """
    from orchestrator.diagnosis.doctor import MISSING, verdict
    from orchestrator.host.members.registry import member_named, members
    from orchestrator.operations.members.examine import examine_member
    from orchestrator.rendering.members import member_doctor_document

    state = StateFolder.of(os.environ)
    chosen = (member_named(state, name),) if name else members(state)
    rows_of: dict[str, Sequence[Row]] = {}
    code = OK
    for member in chosen:
        try:
            rows_of[member.name] = examine_member(state, member)
        except WirelabError as error:
            say_error(error)
            code = WORLD
    if as_json:
        out_json(member_doctor_document(rows_of))
    else:
        _print_rows(rows_of)
    return WORLD if code or any(verdict(rows) == MISSING for rows in rows_of.values()) else OK


def _print_rows(rows_of: Mapping[str, Sequence[Row]]) -> None:
    from orchestrator.rendering.members import member_doctor_text, no_members_text

    width = WIDTH if terminal_width(sys.stdout) is None else sys.maxsize
    for member_name, rows in rows_of.items():
        out_text(member_doctor_text(member_name, rows, width))
    if not rows_of:
        say(no_members_text())
