"""What the README shows: its blocks, and its commands in the order in which a reader meets them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
# A line may say how its command ends, where that is not with 0:   wirelab check basic   # exit code 1
EXIT_CODE = re.compile(r"\s+# exit code (\d+)\b.*")
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")
# Not run by the tests, and why.
NOT_RUN = {
    "make test": "CI runs it, and what runs these commands is part of it",
    "make clean": "it removes the engine and the images that the tests use",
    "wirelab engine down": "it ends the engine that the tests use",
}


@dataclass(frozen=True)
class Command:
    """A command line, the line of the README where it stands, and the exit code that it has there."""

    line: int
    text: str
    code: int = 0


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(README) if kind == language]


def steps(page: str) -> list[Command]:
    """Every command of the shell blocks, and every one in a sentence that can be typed as it stands.

    A bare `wirelab heal` in a sentence is a name, `wirelab run NAME` a form, `wirelab new shop` a command. What is
    shown before a lab has been brought up, as a foretaste, comes right after that.
    """
    found: list[Command] = []
    inside = ""
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith("```"):
            inside = "" if inside else line[3:] or "text"
        elif inside == "sh" and line.strip() and not line.startswith("#"):
            found.append(_command(number, line))
        elif not inside:
            spans = [Command(number, span) for span in SPAN.findall(line) if span.startswith("wirelab ")]
            found += [one for one in spans if len(one.text.split()) > 2 and not PLACEHOLDER.search(one.text)]
    start = next((place for place, one in enumerate(found) if one.text.startswith("make scenario")), 0)
    return [*found[start : start + 1], *found[:start], *found[start + 1 :]]


def _command(number: int, line: str) -> Command:
    code = EXIT_CODE.search(line)
    return Command(number, EXIT_CODE.sub("", line).strip(), int(code[1]) if code else 0)


def typed(text: str) -> str:
    """A target of the Makefile as what it calls: `make logs NAME=basic NODE=app` is `wirelab logs basic app`.

    CI runs `make scenario` as it stands, in a checkout without an environment.
    """
    if not text.startswith("make "):
        return text
    _, target, *values = text.split()
    return " ".join(("wirelab", {"scenario": "run"}.get(target, target), *(one.partition("=")[2] for one in values)))
