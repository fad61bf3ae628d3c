"""Every command that a guide shows is run, in its order, from a fresh state; so are its scenario and its Python.

What is run is read from the page itself: a command that is added there is run here.
"""

from __future__ import annotations

import os
import pty
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doc_pages import GUIDES, NOT_RUN, DocPage
from lab_bench import CHECKOUT, Engine

SECONDS = 300
# A lab of that name may be a person's, on the same engine.
NAME = re.compile(r"^name: ([a-z0-9-]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Reader:
    """Somebody who types what a page shows, in a folder and with a state of their own."""

    engine: Engine
    folder: Path
    suffix: str

    @property
    def environ(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**self.engine.environ, "WIRELAB_STATE": str(self.folder / "state"), "PATH": path}

    def types(self, text: str) -> tuple[int, str]:
        """Exit code and all output of a command line; `wirelab shell` gets a terminal, and is left at once."""
        if text.startswith("wirelab shell"):
            return self._at_a_terminal(text)
        done = subprocess.run(
            ("bash", "-c", text), env=self.environ, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _at_a_terminal(self, text: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        try:
            os.write(ours, b"exit\n")
            done = subprocess.run(
                ("bash", "-c", text), env=self.environ, cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs,
                start_new_session=True, timeout=SECONDS, check=False,
            )  # fmt: skip
            os.close(theirs)
            return done.returncode, _all_of(ours)
        finally:
            os.close(ours)

    def own_names(self) -> None:
        """Give every scenario here a name that no other lab on the engine bears."""
        for file in (self.folder / "scenarios").glob("*/scenario.yaml"):
            text = file.read_text("utf-8")
            file.write_text(NAME.sub(lambda found: self._own(found[0]), text, count=1), "utf-8")

    def _own(self, line: str) -> str:
        return line if line.endswith(self.suffix) else line + self.suffix

    def left(self) -> list[str]:
        """What there is on the engine of the scenarios here."""
        ours, client = {"label": "wirelab.scenario"}, self.engine.client
        containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
        networks = [(network.name, network.attrs["Labels"]) for network in client.networks.list(filters=ours)]
        found = [*((container.name, container.labels) for container in containers), *networks]
        return [name for name, labels in found if labels["wirelab.scenario"].endswith(self.suffix)]


def _all_of(terminal: int) -> str:
    text = b""
    try:
        while piece := os.read(terminal, 65536):
            text += piece
    except OSError:  # how Linux tells that nobody is at the other end any more (EIO)
        pass
    return text.decode(errors="replace")


@pytest.fixture
def reader(engine: Engine, tmp_path: Path) -> Iterator[Reader]:
    """A copy of the library, and a `wirelab` in the path. Afterwards all labs go down, and nothing is left."""
    shutil.copytree(CHECKOUT / "scenarios", tmp_path / "scenarios")
    command = tmp_path / "bin" / "wirelab"
    command.parent.mkdir()
    assert engine.commands
    command.write_text(engine.commands.script)
    command.chmod(0o755)
    one = Reader(engine, tmp_path, f"-{secrets.token_hex(3)}")
    one.own_names()
    yield one
    for lab in sorted((tmp_path / "state" / "labs").glob("*")):
        one.types(f"wirelab down {lab.name}")
    assert one.left() == []


# A newcomer types what the README shows: it is read in every run.
READ = [page if page.name == "README.md" else pytest.param(page, marks=pytest.mark.sampled(10)) for page in GUIDES]


@pytest.mark.waits
@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_everything_that_a_page_shows_works(reader: Reader, page: DocPage) -> None:
    """Each command ends as the page says, with 0 where it says nothing; scenarios hold, tests pass, scripts run."""
    failures = []
    for command in page.commands():
        if command.text in NOT_RUN:
            continue
        code, output = reader.types(command.typed)
        if code != command.code:
            place = f"{page.name}:{command.line}"
            failures.append(f"{place}: `{command.text}` ended with {code}, not {command.code}:\n{output[-2000:]}")
        if command.text.startswith("wirelab new "):
            file = reader.folder / "scenarios" / command.text.split()[2] / "scenario.yaml"
            file.write_text(next(text for text in page.blocks("yaml") if "nodes:" in text), "utf-8")
            reader.own_names()
    assert not failures, "\n".join(failures)
    suite = "".join(text for text in page.blocks("python") if "def test_" in text)
    if suite:
        (reader.folder / "test_page.py").write_text(suite)
        code, output = reader.types(" ".join((*reader.engine.pytest, "-q", "-p no:cacheprovider", "test_page.py")))
        assert code == 0, output
    for number, script in enumerate(text for text in page.blocks("python") if "def test_" not in text):
        (reader.folder / f"script{number}.py").write_text(script)
        code, output = reader.types(f"{sys.executable} script{number}.py")
        assert code == 0, output
