"""`wirelab help`: what a key of the scenario language means, with an example."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from orchestrator.cli.console import out
from orchestrator.errors import UsageInvalid

if TYPE_CHECKING:
    from orchestrator.rendering.language_reference import Entry, Section

WIDTH = 88


@click.command("help")
@click.argument("key", required=False)
def command(key: str | None) -> None:
    """Say what KEY of the scenario language means: a key (uses), a role (app), a check (checks.resolves), `roles`.

    Without KEY: the list of all keys. For the commands of wirelab see: wirelab --help.
    """
    if key is None:
        out(_overview())
        return
    out("\n\n".join(_explained(key.strip().strip(".:").lower())))


def _explained(key: str) -> list[str]:
    from orchestrator.reading.spelling import near
    from orchestrator.rendering.language_reference import Entry, keys_by_name

    if key in ("roles", "role", "nodes.role"):
        return [_roles()]
    known = keys_by_name()
    if key not in known:
        meant = near(key, [*known, "roles"])
        hint = f"did you mean {meant!r}?  wirelab help {meant}" if meant else "wirelab help lists all keys"
        raise UsageInvalid(f"the scenario language has no key {key[:80]!r}", hint=hint)
    return [_entry(found) if isinstance(found, Entry) else _section(found) for found in known[key]]


def _entry(entry: Entry) -> str:
    lines = [entry.path, *_wrapped(entry.meaning), "", f"  may be:   {entry.allowed}"]
    if entry.required:
        lines.append("  it must be there")
    elif entry.default:
        lines.append(f"  default:  {entry.default}")
    lines += [f"  example:  {example}" for example in entry.examples]
    return "\n".join(lines)


def _section(section: Section) -> str:
    what = f"{section.called} {section.tag}" if section.tag else section.where
    lines = [what, *_wrapped(section.meaning), ""]
    lines += _listing(section.entries)
    if section.tag:
        lines += ["", f"  keys that all have: wirelab help {section.where}"]
    return "\n".join(lines)


def _listing(entries: tuple[Entry, ...]) -> list[str]:
    width = max((len(entry.key) for entry in entries), default=0)
    return [
        f"  {entry.key.ljust(width)}  {entry.examples[0] if entry.examples else entry.meaning}" for entry in entries
    ]


def _roles() -> str:
    from orchestrator.model.roles import ROLES

    width = max(map(len, ROLES))
    lines = ["roles: what a node is (nodes.NAME.role)"]
    lines += [f"  {name.ljust(width)}  {role.summary}" for name, role in sorted(ROLES.items())]
    return "\n".join(lines)


def _overview() -> str:
    from orchestrator.rendering.language_reference import sections

    lines = []
    for section in sections():
        title = section.where or "the file"
        title += f", {section.called} {section.tag}" if section.tag else ""
        keys = " ".join(entry.key for entry in section.entries)
        lines += textwrap.wrap(f"{title}: {keys}", WIDTH, subsequent_indent="    ")
    return "\n".join([*lines, "", "wirelab help KEY says what a key means, with an example."])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
