"""The public reports of docs/cases.md: each is a whole scenario, with the files that lie beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cases.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SCENARIO = re.compile(r"^```yaml\n(name: shop\n.*?)^```", re.MULTILINE | re.DOTALL)
BESIDE = re.compile(r"^`([\w.-]+)`:\n\n```(?:conf|sql)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"^(?=  - name: )", re.MULTILINE)
REFUSED = re.compile(r"^```text\n(scenario\.yaml:.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class PublicCase:
    """One case: what it shows, its scenario, the files beside it, and the message where wirelab refuses it."""

    title: str
    scenario: str
    beside: dict[str, str]
    refused: str

    def write(self, folder: Path) -> None:
        """Put the scenario and its files into a folder. A check that sets no deadline gets a long one: what holds is
        told at once, and a busy machine is no reason to fail."""
        blocks = CHECK.split(self.scenario)
        patient = [
            block if "within:" in block else block.replace("\n", "\n    within: 60\n", 1) for block in blocks[1:]
        ]
        for name, text in {"scenario.yaml": "".join((blocks[0], *patient)), **self.beside}.items():
            (folder / name).write_text(text, encoding="utf-8")


def public_cases() -> tuple[PublicCase, ...]:
    """Every case of the page, in its order."""
    cases = []
    for title, text in SECTION.findall(PAGE.read_text(encoding="utf-8")):
        for scenario in SCENARIO.findall(text):
            cases.append(PublicCase(title, scenario, dict(BESIDE.findall(text)), "".join(REFUSED.findall(text))))
    return tuple(cases)
