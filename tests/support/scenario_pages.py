"""The "Try it" part of a scenario's page: what a reader types, and what the page says that they will see.

A block of the kind `console` holds commands after `$ `, or after `NODE$ ` inside the shell that the command before has
opened, each with its output below. In an output `...` stands for any text, a run of blanks for any other, and the
addresses are those of the picture. A command without an output must end with 0.

`python tests/support/scenario_pages.py NAME...` prints such blocks with what is really written.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

TRY_IT = re.compile(r"^## Try it\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(?P<node>[a-z0-9-]*)\$ (?P<text>.+)$")
# What a terminal is told beside the text (ECMA-48, section 5.4).
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
# `...` as a word of its own, with the blanks beside it, or within a word.
ANY_TEXT = re.compile(r" ?(?<!\S)\.\.\.(?!\S) ?|\.\.\.")

KERNEL_TABLES = ("ss", "ip")


@dataclass
class Step:
    """A command, what is typed in the shell that it opens, and the output that the page shows."""

    text: str
    typed: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)


def steps(page: str) -> list[Step]:
    """The commands of the page in their order. Raises ValueError where a block begins with an output."""
    found: list[Step] = []
    part = TRY_IT.search(page)
    for block in CONSOLE.findall(part[1] if part else ""):
        for line in block.splitlines():
            match = PROMPT.match(line)
            if match and not match["node"]:
                found.append(Step(match["text"]))
            elif match:
                found[-1].typed.append(match["text"])
                found[-1].output.append("...")
            elif not found:
                raise ValueError(f"no command comes before {line!r}")
            else:
                found[-1].output.append(line)
    return found


def difference(step: Step, written: str) -> str:
    """What the page shows and the command has not written; empty where the output is as the page shows it."""
    text = CONTROL.sub("", written).replace("\r", "")
    shown = [*step.output, "..."] if step.typed else step.output
    if _matches(shown, " ".join(text.split())) or _shown_in_any_order(step, text):
        return ""
    return f"$ {step.text}\nthe page shows:\n{_indented(step.output)}\nit was:\n{_indented(text.splitlines())}"


def _shown_in_any_order(step: Step, text: str) -> bool:
    """Whether a table of the kernel has each line that the page shows, and no other unless the page has left some out.

    The kernel gives the rows of such a table in an order of its own.
    """
    if not any(program in step.words for program in KERNEL_TABLES):
        return False
    left = [line for line in text.splitlines() if line.strip()]
    for shown in (line for line in step.output if line.strip() != "..."):
        found = next((line for line in left if _matches([shown], " ".join(line.split()))), None)
        if found is None:
            return False
        left.remove(found)
    return not left or "..." in step.output


def _matches(lines: list[str], text: str) -> bool:
    """Whether a text, whose runs of blanks are one blank each, is what the lines show; `...` stands for any text.

    The first place of each piece is as good as any later one, so that nothing is tried twice: a regular expression
    would try all places of all pieces before it says no.
    """
    first, *rest = _pieces(lines)
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in rest[:-1]:
        if (found := text.find(piece, position)) < 0:
            return False
        position = found + len(piece)
    return text[position:].endswith(rest[-1])


def _pieces(lines: list[str]) -> list[str]:
    """The texts between the `...` of these lines. As a word of its own it also stands for no word at all."""
    return ANY_TEXT.split(" ".join(" ".join(lines).split()))


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
