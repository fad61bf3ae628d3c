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

A scenario is the file `scenarios/<name>/scenario.yaml`, with the files that it mentions beside it. This first line
gives completion and help in editors that know JSON Schema:

```yaml
# yaml-language-server: $schema=../../scenario.schema.json
```

## How values are read

The file is YAML with fewer surprises:

- `true` and `false` are truth values. `no`, `on` and `Yes` are text.
- `null`, `~` and an empty value mean "not given".
- A whole number has decimal digits and no leading zero. wirelab refuses `010`: write `"010"` or `10`. A number may have
  a fraction or an exponent.
- Everything else is text, also `22:22` and `1_000`. Quote a text that contains `: ` or ` #`, or that begins with one of
  ``[ ] { } & * ! | > ' " % @ ` ``.
- Keys are always text.
- wirelab refuses duplicate keys, anchors (`&a`), aliases (`*a`), tags (`!!str`), merge keys (`<<`), and a second
  document.

## Placeholders

You can use these in every text of a check:

- `${random}` is a word that is new at each try.
- `${NODE}` is the address of a node on the network of the node that asks.
- `${NODE.NETWORK}` and `${NODE.NETWORK.ipv6}` are the node's addresses on that network.
- `${NODE.name}` is the node's name in the lab's DNS.
- `${loopback}` is 127.0.0.1 and `${loopback.ipv6}` is ::1, if no node is called `loopback`.
- `$$` is a single `$`, so `$${HOME}` reaches a shell as `${HOME}`.
"""

FOOT = """\
## Rules that only wirelab checks

The JSON Schema tells an editor which keys and values exist. The following rules need several places of a file, or the
files beside it. `wirelab validate` checks them:

{rules}

These rules concern one value, but a JSON Schema cannot express them:

- mistakes of YAML itself, and everything that wirelab refuses above;
- for a JSON Schema `1.0` is a whole number; for wirelab only `1` is;
- the address of a subnet has no bits set beyond its prefix (`192.168.7.1/24` is no subnet, `192.168.7.0/24` is).
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
        lines += ["| key | value | default | meaning | example |", "|---|---|---|---|---|"]
        lines += [_row(entry) for entry in section.entries]
        lines.append("")
    return "\n".join(lines)


def _title(section: Section) -> str:
    if not section.where:
        return "The file"
    if not section.tag:
        return f"`{section.where}`" + (": what all have in common" if section.common else "")
    return f"{section.noun.capitalize()} `{section.tag}`"


def _brings(role: Role) -> str:
    """What the role brings: where it listens, as whom it runs, what it may use."""
    listeners = ", ".join(f"{listener.protocol} {listener.port}" for listener in role.listeners)
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
