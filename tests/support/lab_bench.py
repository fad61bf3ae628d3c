"""The engine, one lab of one test, and the command line, as engine tests use them.

Beside conftest.py and not in it: several folders have a file of that name, and an import by it finds any of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any

import docker
from command_server import CommandServer, stream_that_holds

CHECKOUT = Path(__file__).resolve().parents[2]
# No test measures time: a command that hangs is ended by this, on a machine that is ten times slower too.
DEADLINE = 240.0


def whole_output(api: docker.APIClient, response: Any, stream: bool, tty: bool = True, demux: bool = False) -> bytes:
    """In place of the SDK's own reading of what a program wrote, which loses what came together with the answer.

    It shares nothing with wirelab: what the witness sees must not depend on the code that it judges.
    """
    assert (stream, demux) == (False, False)
    api._raise_for_status(response)
    try:
        output: bytes = response.raw._fp.fp.read()
    finally:
        response.close()
    return output if tty else b"".join(_pieces(output))


def _pieces(output: bytes) -> Iterator[bytes]:
    """What the frames of the stream hold (Engine API, "attach"): eight bytes, the last four of them its length."""
    while output:
        end = 8 + int.from_bytes(output[4:8], "big")
        yield output[8:end]
        output = output[end:]


docker.APIClient._read_from_socket = whole_output

# In a checkout that is not installed, nobody has announced the plugin to pytest.
ANNOUNCED = any(one.name == "wirelab" for one in entry_points(group="pytest11"))


@dataclass(frozen=True)
class Engine:
    """The engine in use, and the environment of commands that use it."""

    url: str
    client: docker.DockerClient
    environ: Mapping[str, str]
    commands: CommandServer | None = None

    def with_state(self, folder: Path) -> Engine:
        """The same engine, for commands with another state folder."""
        return replace(self, environ={**self.environ, "WIRELAB_STATE": str(folder)})

    def wirelab(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        cwd: Path = CHECKOUT,
        stdin: str = "",
        seconds: float = DEADLINE,
    ) -> Ran:
        """Run `wirelab WORDS...` to its end, by the server of commands where there is one; `env` is added."""
        env = {**self.environ, **(env or {})}
        ran = self.commands and self.commands.run(words, env=env, cwd=cwd, stdin=stdin, seconds=seconds)
        if ran:
            return Ran(*ran)
        with stream_that_holds(stdin) as given:
            done = subprocess.run(
                (sys.executable, "-m", "orchestrator", *words),
                env=env, cwd=cwd, stdin=given, capture_output=True, text=True, timeout=seconds, check=False,
            )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def pytest(self) -> tuple[str, ...]:
        """The start of a command that runs pytest with the plugin; an installed one is loaded by itself."""
        return (sys.executable, "-m", "pytest", *(() if ANNOUNCED else ("-p", "orchestrator.pytest_plugin")))


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        assert self.out, f"exit code {self.code}, and no document; {self.err}"
        return json.loads(self.out)


@dataclass(frozen=True)
class Bench:
    """One lab of one test: the command line for it, and the engine's own view of it."""

    engine: Engine
    lab: str
    scenario: str = "basic"
    seconds: float = DEADLINE

    def cli(self, command: str, *words: str, **more: str) -> Ran:
        """Run `wirelab command SCENARIO --lab LAB words` to its end; `more` is added to its environment."""
        return self.engine.wirelab(*self._of_lab(command, *words), env=more, seconds=self.seconds)

    def run(self, *words: str) -> Ran:
        """Run `wirelab words` to its end, as they stand."""
        return self.engine.wirelab(*words, seconds=self.seconds)

    def _of_lab(self, command: str, *words: str) -> tuple[str, ...]:
        return (command, self.scenario, "--lab", self.lab, *words)

    def start(self, command: str, *words: str, **more: str) -> subprocess.Popen[str]:
        """The same as `cli`, under way, and always the real program."""
        return self._started(self._of_lab(command, *words), more)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """The same as `run`, under way, and always the real program."""
        return self._started(words, {})

    def _started(self, words: Sequence[str], more: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "orchestrator", *words),
            env={**self.engine.environ, **more},
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self) -> None:
        """Bring the lab up; it must succeed."""
        ran = self.cli("up")
        assert ran.code == 0, ran.err

    def steps(self) -> dict[str, str]:
        """Bring the lab up and return what had to be done: step -> why."""
        return self._steps("up")

    def healed(self, *ids: str) -> dict[str, str]:
        """Heal faults, all without an id, and return what had to be done: step -> why."""
        return self._steps("heal", *ids)

    def _steps(self, *command: str) -> dict[str, str]:
        ran = self.cli(*command, "--json")
        assert ran.code == 0, ran.err
        return {step["id"]: step["why"] for step in ran.document["steps"]}

    def events(self) -> list[Any]:
        """The events in the lab's journal, as documents."""
        return [json.loads(line) for line in self.run("events", "--json", "--lab", self.lab).out.splitlines()]

    def verdicts(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code of `check`, and each check's finding by its name."""
        ran = self.cli("check", "--json")
        return ran.code, {finding["check"]: finding for finding in ran.document["findings"]}

    def containers(self) -> list[Any]:
        label = {"label": f"wirelab.lab={self.lab}"}
        return list(self.engine.client.containers.list(all=True, filters=label, ignore_removed=True))

    def container(self, node: str) -> Any:
        """The container of a node, as the Docker SDK sees it."""
        (found,) = [container for container in self.containers() if container.labels.get("wirelab.node") == node]
        return found

    def ids(self) -> dict[str, str]:
        """Node -> container id."""
        return {container.labels["wirelab.node"]: container.id for container in self.containers()}

    def networks(self) -> list[Any]:
        return list(self.engine.client.networks.list(filters={"label": f"wirelab.lab={self.lab}"}))

    def volumes(self) -> list[Any]:
        return list(self.engine.client.volumes.list(filters={"label": f"wirelab.lab={self.lab}"}))

    def network(self) -> Any:
        """The lab's only network."""
        (found,) = self.networks()
        return found

    def address(self, node: str) -> str:
        """The node's address on the lab's network, as the engine tells it."""
        found = self.container(node).attrs["NetworkSettings"]["Networks"]
        return str(next(iter(found.values()))["IPAddress"])

    @property
    def folder(self) -> Path:
        """Where the lab's files stand on this machine."""
        return Path(self.engine.environ["WIRELAB_STATE"]) / "labs" / self.lab

    def open_runs(self) -> set[str]:
        """The runs in the state folder that have not ended, or died and were not cleaned up after."""
        return {path.name for path in (Path(self.engine.environ["WIRELAB_STATE"]) / "runs").glob("*")}

    def left(self) -> list[str]:
        """What there is of the lab."""
        return sorted(container.name for container in (*self.containers(), *self.networks(), *self.volumes()))

    def nothing_within(self, seconds: float) -> bool:
        """Whether nothing is left, now or soon; and it stays so for a moment, for a call may be under way."""
        return eventually(self.is_gone, seconds)

    def is_gone(self) -> bool:
        """Whether neither the engine nor the state folder has anything of the lab."""
        return not self.left() and not self.folder.exists()


def piped(stream: IO[str] | None) -> IO[str]:
    """The end of a pipe to a program; the program was started with one."""
    assert stream is not None
    return stream


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether `holds` twice in a row before the deadline."""
    deadline = time.monotonic() + seconds
    times = 0
    while time.monotonic() < deadline:
        times = times + 1 if holds() else 0
        if times == 2:
            return True
        time.sleep(0.1)
    return False
