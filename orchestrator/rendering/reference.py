"""The reference of the scenario language as Markdown, from the model: the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.roles.role import Role
from orchestrator.reading.rules import RULES
from orchestrator.rendering.language_reference import Entry, Section, sections

HEAD = """\
# The scenario language

This page is generated from the model that reads the files: `wirelab schema --reference > docs/scenario-reference.md`.
Do not edit it by hand; a test compares it. `wirelab help KEY` prints one entry, `wirelab validate NAME` checks a file.

A scenario is the file `scenarios/<name>/scenario.yaml`, with the files that it mentions beside it. This line at its
top gives completion and help in editors that know JSON Schema:

```yaml
# yaml-language-server: $schema=../../scenario.schema.json
```

## How values are read

YAML, without its traps. `true` and `false` are truth values, and nothing else is: `no`, `on` and `Yes` are text.
`null`, `~` and nothing at all mean "not said". Whole numbers have decimal digits and no leading zero (`010` is refused:
write `"010"` or `10`); numbers may have a fraction or an exponent. Everything else is text, `22:22` and `1_000` too.
A text that holds `: ` or ` #`, or begins with one of ``[ ] { } & * ! | > ' " % @ ` ``, stands in quotes. Keys are
always text. Refused are keys that stand twice, anchors (`&a`), aliases (`*a`), tags (`!!str`), merge keys (`<<`), and
a second document.

## Placeholders

In every text of a check `${random}` is a word that is new at each try, `${NODE}` the address of a node on the asker's
network, and `${NODE.name}` its name in the lab's DNS. `$$` is a single `$`, so `$${HOME}` reaches a shell as `${HOME}`.
"""

FOOT = """\
## What only wirelab knows

The JSON Schema tells an editor which keys and values there are. These rules look at several places of a file at once,
or at the files beside it; `wirelab validate` tells them:

{rules}

And these concern one value, but cannot be said in a JSON Schema:

- the mistakes of YAML itself, and what is refused above;
- a number such as `1.0` is a whole number to a JSON Schema; here, where a whole number is needed, only `1` is one;
- the address of a subnet has no bits set outside of its prefix (`192.168.7.1/24` is no subnet, `192.168.7.0/24` is).
"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD, *map(_section, sections()), FOOT.format(rules="\n".join(_rules()))]
    return "\n".join(parts)


def _rules() -> Iterator[str]:
    for rule in RULES:
        yield "- " + " ".join((rule.__doc__ or "").split()).rstrip(".") + "."


def _section(section: Section) -> str:
    lines = [f"## {_title(section)}", "", section.meaning, ""]
    if section.role:
        lines += [_brings(section.role), ""]
    if section.entries:
        lines += ["| key | what may stand there | without it | what it means | example |", "|---|---|---|---|---|"]
        lines += [_row(entry) for entry in section.entries]
        lines.append("")
    return "\n".join(lines)


def _title(section: Section) -> str:
    if not section.where:
        return "The file"
    if not section.tag:
        return f"`{section.where}`" + (": what all have in common" if section.common else "")
    return f"{section.called.capitalize()} `{section.tag}`"


def _brings(role: Role) -> str:
    """What the role brings: where it listens, as whom it runs, what it may use."""
    listeners = ", ".join(f"{one.protocol} {one.port}" for one in role.listeners)
    listens = f"listens on {listeners}" if listeners else "listens nowhere by itself"
    limits = role.limits
    image = f"image `images/{role.image}`, " if role.image else ""
    return (
        f"Brings: {image}{listens}; user {role.user}; limits: memory {limits.memory} (MiB), "
        f"cpus {limits.cpus:g}, pids {limits.pids}."
    )


def _row(entry: Entry) -> str:
    examples = "<br>".join(f"`{_cell(example)}`" for example in entry.examples)
    default = f"`{_cell(entry.default)}`" if entry.default and not entry.required else entry.default
    return f"| `{entry.key}` | {_cell(entry.allowed)} | {default} | {_cell(entry.meaning)} | {examples} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
