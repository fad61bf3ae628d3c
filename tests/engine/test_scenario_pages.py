"""What the page of a scenario shows is what a reader sees: each command is typed as it stands, and its output compared.

A reader may be quick or slow. What a server keeps for a while (a TTL, a peer that a proxy holds for dead) makes the
difference; so those pages are also read by somebody who takes longer than that for a command.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import library
import pytest
import scenario_pages
from lab_bench import CHECKOUT, Engine
from terminal import at_a_terminal

SECONDS = 240
# Longer than a TTL of the page's lab, and than a proxy holds a peer for dead (nginx, fail_timeout: 10 s).
SLOW = {"dns-tree": 13.0, "proxy": 11.0}
# In so many rounds somebody is slow before each output; `make test` has one of them.
ROUNDS = 4
# A proxy leaves a server that was stopped out for a second (nginx, fail_timeout: 1s, counted in whole seconds), also
# when it is back. Nobody types quicker than that after a command that changed the lab.
AFTER_A_CHANGE = {"proxy": 2.0}
NAME = re.compile(r"^name: ([a-z0-9-]+)$", re.MULTILINE)
SUBNET = re.compile(r"\b(192\.168\.\d+)(?=\.\d)")


@dataclass
class Reader:
    """Somebody with a checkout and a state of their own, whose lab bears a name that nobody else's does."""

    engine: Engine
    folder: Path
    name: str
    suffix: str
    activated: bool = False
    subnets: Mapping[str, str] = field(default_factory=dict)  # of the page -> of the lab

    def types(self, step: scenario_pages.Step) -> tuple[int, str]:
        """Exit code and output, as if the lab had its own name and the addresses of the picture."""
        text = SUBNET.sub(lambda found: self.subnets.get(found[0], found[0]), step.text)
        if text == ". .venv/bin/activate":
            self.activated = True
            return 0, ""
        if text == f"make scenario NAME={self.name}":
            code, written = self._run(f".venv/bin/wirelab run {self.name}")
            self.subnets = self._subnets()
            return code, self._as_on_the_page(written)
        assert self.activated, f"{text}: the page does not say that the virtual environment must be active"
        if step.typed:
            argv = ("bash", "-c", text)
            code, written = at_a_terminal(argv, env=self._environ, cwd=self.folder, lines=step.typed, seconds=SECONDS)
            return code, self._as_on_the_page(written)
        code, written = self._run(text)
        return code, self._as_on_the_page(written)

    @property
    def _environ(self) -> dict[str, str]:
        path = f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        state = str(self.folder / "state")
        return {**self.engine.environ, "WIRELAB_STATE": state, "PATH": path, "COLUMNS": "100"}

    def _run(self, text: str) -> tuple[int, str]:
        done = subprocess.run(
            ("bash", "-c", text), env=self._environ, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def _subnets(self) -> dict[str, str]:
        """The first three numbers of each network: those of the picture -> those of this lab."""
        nets = self.engine.client.networks.list(filters={"label": f"wirelab.lab={self.name}{self.suffix}"})
        own = {
            net.attrs["Labels"]["wirelab.network"]: _prefix(net.attrs["IPAM"]["Config"][0]["Subnet"]) for net in nets
        }
        shown = {network: _prefix(str(subnet)) for network, subnet in library.addressed(self.name).subnets.items()}
        return {shown[network]: own[network] for network in own}

    def _as_on_the_page(self, written: str) -> str:
        shown = {own: picture for picture, own in self.subnets.items()}
        text = SUBNET.sub(lambda found: shown.get(found[0], found[0]), written)
        return text.replace(self.suffix, "")

    def down(self) -> None:
        self._run(f"wirelab down {self.name}")


def _prefix(subnet: str) -> str:
    return subnet.rpartition(".")[0]


@pytest.fixture
def reader(engine: Engine, tmp_path: Path, name: str) -> Iterator[Reader]:
    """A copy of the scenario, and a virtual environment that holds `wirelab`. Afterwards nothing is left of the lab."""
    suffix = f"-{secrets.token_hex(3)}"
    shutil.copytree(CHECKOUT / "scenarios" / name, tmp_path / "scenarios" / name)
    file = tmp_path / "scenarios" / name / "scenario.yaml"
    file.write_text(NAME.sub(lambda found: found[0] + suffix, file.read_text("utf-8"), count=1), "utf-8")
    command = tmp_path / ".venv" / "bin" / "wirelab"
    command.parent.mkdir(parents=True)
    assert engine.commands
    command.write_text(engine.commands.script)
    command.chmod(0o755)
    made = Reader(engine, tmp_path, name, suffix)
    yield made
    made.down()
    label = {"label": f"wirelab.lab={name}{suffix}"}
    assert engine.client.containers.list(all=True, filters=label, ignore_removed=True) == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A slow reader reads both pages in `make truth`; otherwise one, chosen by the seed in the head of the output."""
    if metafunc.function is test_the_page_shows_what_a_slow_reader_sees:
        chosen = Random(metafunc.config.getoption("truth_seed")).choice(sorted(SLOW))
        metafunc.parametrize("name", SLOW if metafunc.config.getoption("full") else [chosen])


@pytest.mark.waits
@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", library.NAMES)
def test_the_page_shows_what_a_reader_sees(reader: Reader, name: str) -> None:
    """Every command of "Try it" in its order."""
    wrong = _differences(reader, steps_of(name), {})
    assert not wrong, wrong


@pytest.mark.waits
@pytest.mark.truth
@pytest.mark.rounds(1, full=ROUNDS)
def test_the_page_shows_what_a_slow_reader_sees(
    reader: Reader, name: str, round_number: int, pytestconfig: pytest.Config
) -> None:
    """The pause is real time, for servers forget by clocks of their own.

    It comes before commands whose output the page shows: only there can it be seen what a server has forgotten.
    """
    steps = steps_of(name)
    shown = [place for place, step in enumerate(steps) if step.output]
    first = round_number if pytestconfig.getoption("full") else secrets.randbelow(ROUNDS)
    pauses = dict.fromkeys(shown[first::ROUNDS], SLOW[name])
    wrong = _differences(reader, steps, pauses)
    assert not wrong, f"slow before {[steps[place].text for place in pauses]}\n{wrong}"


def steps_of(name: str) -> list[scenario_pages.Step]:
    return scenario_pages.steps((library.SCENARIOS / name / "README.md").read_text("utf-8"))


def _differences(reader: Reader, steps: Sequence[scenario_pages.Step], pauses: Mapping[int, float]) -> str:
    """What was not as the page shows it; `pauses` are the seconds before some of the steps."""
    wrong = []
    for place, step in enumerate(steps):
        time.sleep(pauses.get(place, 0))
        code, written = reader.types(step)
        if step.output and (difference := scenario_pages.difference(step, written)):
            wrong.append(difference)
        elif not step.output and code != 0:
            wrong.append(f"$ {step.text}\nended with {code}:\n{written[-2000:]}")
        time.sleep(0 if step.output else AFTER_A_CHANGE.get(reader.name, 0))
    return "\n\n".join(wrong)
