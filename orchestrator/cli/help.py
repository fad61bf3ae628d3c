"""`wirelab help`: what a command does, or what a word of the scenario language or of lessons means, with an example."""

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
@click.argument("words", nargs=-1, metavar="[WORD]")
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain WORD: a command (shell, capture start), or a word of the scenario language or of lessons.

    A word of the language is a key (uses), a role (app), a check (checks.resolves), or `roles`. A word of lessons is a
    key of lesson.md (observe), or what a learner types (restore). Without WORD: all keys.
    """
    if not words:
        out(_overview())
        return
    out("\n\n".join(_explained(ctx, words)))


def _explained(ctx: click.Context, words: tuple[str, ...]) -> list[str]:
    """What is known of these words: of a command, of a key of the language, or of both."""
    texts = [text for text in (_command_help(ctx, words),) if text]
    key = words[0].strip().strip(".:").lower() if len(words) == 1 else ""
    texts += _language_help(key)
    if not texts:
        raise _unknown_word(ctx, words)
    return texts


def _command_help(ctx: click.Context, words: tuple[str, ...]) -> str:
    """The help of a command, as `--help` prints it; empty where there is no such command."""
    above = ctx.parent or ctx
    for word in words:
        group = above.command
        command = group.get_command(above, word) if isinstance(group, click.Group) else None
        if command is None:
            return ""
        above = command.context_class(command, parent=above, info_name=word)
    return above.get_help()


def _language_help(key: str) -> list[str]:
    from orchestrator.rendering.language_reference import Entry
    from orchestrator.rendering.lesson_reference import learner_words

    if key in ("roles", "role", "nodes.role"):
        return [_roles()]
    texts = [_entry(word) if isinstance(word, Entry) else _section(word) for word in _keys().get(key, ())]
    if lines := learner_words().get(key):
        texts.append("\n".join(lines))
    return texts


def _sections() -> tuple[Section, ...]:
    from orchestrator.rendering.language_reference import sections
    from orchestrator.rendering.lesson_reference import lesson_sections

    return (*sections(), *lesson_sections())


def _keys() -> dict[str, list[Entry | Section]]:
    from orchestrator.rendering.language_reference import keys_by_name

    return keys_by_name(_sections())


def _unknown_word(ctx: click.Context, words: tuple[str, ...]) -> UsageInvalid:
    from orchestrator.reading.spelling import near
    from orchestrator.rendering.lesson_reference import learner_words

    word = " ".join(words)[:80]
    group = (ctx.parent or ctx).command
    commands = group.list_commands(ctx) if isinstance(group, click.Group) else []
    meant = near(words[0].lower(), commands) or near(words[0].lower(), [*_keys(), "roles", *learner_words()])
    hint = f"did you mean {meant!r}?  wirelab help {meant}" if meant else "wirelab help lists all keys"
    what = f"{word!r} is neither a command nor a word of the scenario language or of lessons"
    return UsageInvalid(what, hint=hint)


def _entry(entry: Entry) -> str:
    lines = [entry.path, *_wrapped(entry.meaning), "", f"  may be:   {entry.allowed}"]
    if entry.required:
        lines.append("  it must be there")
    elif entry.default:
        lines.append(f"  default:  {entry.default}")
    lines += [f"  example:  {example}" for example in entry.examples]
    return "\n".join(lines)


def _section(section: Section) -> str:
    what = f"{section.noun} {section.tag}" if section.tag else section.where
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
    lines = []
    for section in _sections():
        title = section.where or "the file"
        title += f", {section.noun} {section.tag}" if section.tag else ""
        keys = " ".join(entry.key for entry in section.entries)
        lines += textwrap.wrap(f"{title}: {keys}", WIDTH, subsequent_indent="    ")
    return "\n".join([*lines, "", "wirelab help KEY says what a key means, with an example."])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
