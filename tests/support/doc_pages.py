"""The pages of the documentation: their blocks, and their commands in the order in which a reader meets them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
# A line may say with which exit code its command ends, if not 0:   wirelab check basic   # exit code 1
EXIT_CODE = re.compile(r"\s+# exit code (\d+)\b")
# What follows in a page are the results of a run, which name commands of a lab that is gone. No reader types them.
RESULTS = "<!-- results of a run: what follows is written by a program -->"
REMARK = re.compile(r"\s+# .*")
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")
CLASS_COMMANDS = (
    "start monday --seats 12 --scenario basic",
    "status monday",
    "mark-done monday seat03 fetch",
    "hold monday fetch",
    "open monday fetch",
    "replay monday seat03",
    "codes monday --seats 30 --scenario basic",
    "reset monday seat03",
    "links monday",
    "start monday --seats 14",
    "export monday",
    "stop monday",
    "start monday",
    "export monday > monday.csv",
    "stop monday --forget",
)
COMPOSE_COMMANDS = ("up --wait", "exec client curl -s http://app.shop.lab/items", "down --volumes")
COMPOSE_RUN = "tests/engine/test_compose_files.py runs it where Compose is installed"
OFFLINE = "it gets packages and saves all images; tests/engine/test_offline_images.py makes and reads a small file"
MEMBERS = "no test has another machine; tests/unit/host/test_members.py has members"
TLS = "tests/unit/host/test_tls_members.py speaks TLS with an engine of its own"
SPREAD = "tests/unit/operations/test_class_on_members.py spreads seats"
PLACED = "tests/engine/test_labs_on_members.py has two engines in namespaces of their own"
SPLIT = "tests/engine/test_split_labs.py joins two engines in a Swarm"
# Commands that the tests do not run, and why.
NOT_RUN = {
    "wirelab class start monday --seats 12 --scenario basic --lan": "tests/unit/web/test_class_room.py serves a room",
    **{f"wirelab class {words}": "tests/engine/test_teachers_guide.py types it" for words in CLASS_COMMANDS},
    **{f"docker compose -f basic.yaml {words}": COMPOSE_RUN for words in COMPOSE_COMMANDS},
    "make test": "CI runs it, and it runs these commands",
    "make unit": "CI runs it",
    "make truth": "it takes many minutes; `make test` runs a sample of it",
    "make endurance": "it takes an hour; `make test` runs a sample of it",
    "make engines": "it takes minutes; `make test` runs the same cases",
    "make docs": "tests/browser builds the site",
    "make bench": "it takes minutes; CI runs one round of it",
    "wirelab lesson prove basic": "it takes a minute; tests/engine/test_lessons.py runs it",
    "make clean": "it removes the engine and the images that the tests use",
    ". .venv/bin/activate": "the tests put a wirelab of their own in the path",
    "wirelab engine down": "it ends the engine that the tests use",
    "wirelab web basic": "it runs until Ctrl-C; tests/browser opens the page",
    "wirelab members add big ssh://me@big.example": MEMBERS,
    "wirelab members add big tcp://big.example:2376 --cacert ca.pem --cert cert.pem --key key.pem": TLS,
    "wirelab members doctor big": MEMBERS,
    "wirelab members rm big": MEMBERS,
    "wirelab class start monday --seats 30 --scenario basic --members big,small,local": SPREAD,
    "wirelab class reset monday seat07": "tests/engine/test_class.py has a class of two seats",
    "wirelab members rm small --forget-labs": MEMBERS,
    "wirelab class start monday --members big,local": "tests/unit/operations/test_class_moved.py moves a class",
    "wirelab up basic --member big": PLACED,
    "wirelab learn basic --member big": PLACED,
    "wirelab run basic --lab second --members big,small,local": PLACED,
    "wirelab plan basic --split big,small": SPLIT,
    "wirelab up basic --split big,small": SPLIT,
    "wirelab offline make room.tar": OFFLINE,
    "wirelab offline make room.tar basic proxy": OFFLINE,
    "wirelab offline show room.tar": OFFLINE,
    "wirelab engine down --purge": "it ends the engine that the tests use",
    "wirelab images remove": "it removes the images that the tests use",
    "wirelab learn basic --web": "it runs until Ctrl-C; tests/browser opens the page",
    "wirelab learn basic": "it waits for a learner; tests/engine/test_lessons.py has one",
    "wirelab learn basic --no-web": "it waits for a learner; tests/engine/test_lessons.py has one",
    "wirelab up basic --web": "it runs until Ctrl-C; tests/browser opens the page",
    "wirelab trace -f basic": "it runs until Ctrl-C; tests/engine/test_trace.py runs it",
    "wirelab capture start basic --live | wireshark -k -i -": "no machine of the tests has Wireshark",
}

# What the tests run for a target of make. A lesson waits for a learner (tests/engine/test_lessons.py has one), and a
# live page for its end (tests/engine/test_web.py); here their labs come up.
IN_TESTS = {"scenario": "run", "lesson": "up", "web": "up"}


@dataclass(frozen=True)
class Command:
    """A command line, the number of its line in the page, and the exit code that the page gives for it."""

    line: int
    text: str
    code: int = 0

    @property
    def typed(self) -> str:
        """The command line; of a make target, the wirelab command that it calls.

        `make logs NAME=basic NODE=app` is `wirelab logs basic app`. CI runs `make scenario` as it stands, in a
        checkout without a virtual environment.
        """
        if not self.text.startswith("make "):
            return self.text
        _, target, *variables = self.text.split()
        values = (variable.partition("=")[2] for variable in variables)
        return " ".join(("wirelab", IN_TESTS.get(target, target), *values))


@dataclass(frozen=True)
class DocPage:
    """A page of Markdown, by its path in the checkout."""

    name: str
    text: str

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language."""
        return [text for kind, text in BLOCK.findall(self.text) if kind == language]

    def spans(self) -> list[str]:
        """Everything between backquotes, outside of code blocks."""
        return SPAN.findall(BLOCK.sub("", self.text))

    def commands(self) -> list[Command]:
        """Every command of the shell blocks, and every one in a sentence that can be typed as it stands.

        A bare `wirelab heal` in a sentence is a name, `wirelab run NAME` a form, `wirelab new shop` a command. The
        first `make scenario` comes first: a page may show a command before the lab is up.
        """
        commands: list[Command] = []
        language = ""
        for number, line in enumerate(self.text.partition(RESULTS)[0].splitlines(), start=1):
            if line.startswith("```"):
                language = "" if language else line[3:] or "text"
            elif language == "sh" and line.strip() and not line.startswith("#"):
                commands.append(_command(number, line))
            elif not language:
                spans = [Command(number, span) for span in SPAN.findall(line) if span.startswith("wirelab ")]
                commands += [span for span in spans if len(span.text.split()) > 2 and not PLACEHOLDER.search(span.text)]
        starts = (place for place, command in enumerate(commands) if command.text.startswith("make scenario"))
        start = next(starts, 0)
        return [*commands[start : start + 1], *commands[:start], *commands[start + 1 :]]

    def ci_steps(self) -> list[str]:
        """The commands of the GitHub Actions workflows that the page shows."""
        lines = [line for text in self.blocks("yaml") for line in text.splitlines()]
        return [line.partition("run: ")[2] for line in lines if "run: " in line]


def _command(number: int, line: str) -> Command:
    code = EXIT_CODE.search(line)
    return Command(number, REMARK.sub("", line).strip(), int(code[1]) if code else 0)


def _page(name: str) -> DocPage:
    return DocPage(name, (ROOT / name).read_text(encoding="utf-8"))


# Every page with links and commands of ours. The pages of the scenarios have tests of their own.
PAGES = tuple(
    _page(str(file.relative_to(ROOT)))
    for file in sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "images" / "README.md"))
)
# Pages for readers who type what they read. The others describe the code, are generated, or list what changed.
GUIDES = tuple(
    page
    for page in PAGES
    if page.name == "README.md"
    or (
        Path(page.name).parent == Path("docs")
        and page.name not in ("docs/ARCHITECTURE.md", "docs/scenario-reference.md")
    )
)
