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
    pattern = _pattern([*step.output, "..."] if step.typed else step.output)
    if re.fullmatch(pattern, " ".join(text.split())) or _shown_in_any_order(step, text):
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
        found = next((line for line in left if re.fullmatch(_pattern([shown]), " ".join(line.split()))), None)
        if found is None:
            return False
        left.remove(found)
    return not left or "..." in step.output


def _pattern(lines: list[str]) -> str:
    """A regular expression for a text whose runs of blanks are one blank each."""
    words = " ".join(lines).split()
    pieces = [".*?".join(map(re.escape, word.split("..."))) for word in words]
    # `...` as a word of its own also stands for no word at all
    pattern = ""
    for piece in pieces:
        if piece == ".*?":
            pattern += "(?: ?.*?)"
        else:
            pattern += (" ?" if pattern.endswith("(?: ?.*?)") else " " if pattern else "") + piece
    return "(?s) ?" + pattern + " ?"


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
