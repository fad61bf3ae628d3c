"""The public reports of docs/cases.md: each is a whole scenario, with the files that lie beside it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cases.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SCENARIO = re.compile(r"^```yaml\n(name: shop\n.*?)^```", re.MULTILINE | re.DOTALL)
BESIDE = re.compile(r"^`([\w.-]+)`:\n\n```(?:conf|sql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"^(?=  - name: )", re.MULTILINE)
TRACE = re.compile(r"^`trace --from ([\w-]+) -- ([^`]+)`[^\n]*:\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^```text\n(scenario\.yaml:.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class CaseTrace:
    """A command that is traced from a node, and lines of the story, in their order; times are left out."""

    node: str
    words: tuple[str, ...]
    lines: tuple[str, ...]

    def missing(self, story: str) -> list[str]:
        """The lines that do not stand in a story, in this order. Which subnet the lab has, does not matter."""
        rest, missing = iter([told_text(line) for line in story.splitlines()]), []
        for line in self.lines:
            if not any(told_text(line) in told for told in rest):
                missing.append(line)
        return missing


@dataclass(frozen=True)
class PublicCase:
    """One case: what it shows, its scenario, the files beside it, the message where wirelab refuses it, and traces."""

    title: str
    scenario: str
    beside: dict[str, str]
    refused: str
    traces: tuple[CaseTrace, ...] = ()

    def write(self, folder: Path) -> None:
        """Put the scenario and its files into a folder. A check that sets no deadline gets a long one: what holds is
        told at once, and a busy machine is no reason to fail."""
        blocks = CHECK.split(self.scenario)
        patient = [
            block if "within:" in block else block.replace("\n", "\n    within: 60\n", 1) for block in blocks[1:]
        ]
        for name, text in {"scenario.yaml": "".join((blocks[0], *patient)), **self.beside}.items():
            (folder / name).write_text(text, encoding="utf-8")


def told_text(line: str) -> str:
    """A line of a story without the pictures of its tree, with one kind of space and one third octet."""
    words = re.sub(r"[│└├─]+", " ", line).split()
    return re.sub(r"\b192\.168\.\d+\.", "192.168.N.", " ".join(words))


def _traces(text: str) -> tuple[CaseTrace, ...]:
    return tuple(
        CaseTrace(node, tuple(shlex.split(words)), tuple(story.splitlines()))
        for node, words, story in TRACE.findall(text)
    )


def public_cases() -> tuple[PublicCase, ...]:
    """Every case of the page, in its order."""
    cases = []
    for title, text in SECTION.findall(PAGE.read_text(encoding="utf-8")):
        for scenario in SCENARIO.findall(text):
            refused = "".join(REFUSED.findall(text))
            cases.append(PublicCase(title, scenario, dict(BESIDE.findall(text)), refused, _traces(text)))
    return tuple(cases)
