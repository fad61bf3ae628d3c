"""The lab of the table of situations, and the steps by which it is disturbed from outside of wirelab.

A step is `where: words`:

- `docker: stop app` calls the engine: stop, start, pause, unpause, kill NODE SIGNAL, disconnect NODE, cpu NODE
  PER CENT.
- `in app: script` runs a script in a node, as its own user.
- `net app: script` runs one in the network namespace of a node, with the right to change the network.
- `zone: PATTERN -> TEXT` edits the domain's zone file line by line and reloads the server.
- `file client resolv.conf: text` replaces a file of the lab that a node sees.
- `engine: late 3` lets the engine say nothing for three seconds after the first program of a check has been started;
  a proxy before it does that, so that nobody else waits. `engine: prompt` ends it.
- `machine: load 40` runs so many programs that want a processor, `machine: load 0` ends them.
- `until client: script` waits until a script in a node ends with 0.
- `wirelab: up` runs wirelab, where that repairs what was done.

`${app}` in the words is the address of the node app, `${app.mac}` its hardware address.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from breakages import Broken
from engine_proxy import proxy_of
from lab_bench import CHECKOUT, Ran, eventually
from truth_rows import Result, Row, Situation, judge

SECONDS = 60


@dataclass(frozen=True)
class TruthLab(Broken):
    """The lab, and helpers that stand in the network namespaces of its nodes, by the node's container and its start."""

    run_label: str = ""
    helpers: dict[tuple[str, str], Any] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    # The seconds for which the engine is late, where it is.
    late: list[float] = field(default_factory=list)
    load: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def up(self) -> None:
        """Bring the lab up, and keep each node's address and hardware address: a stopped node has none."""
        super().up()
        for container in self.containers():
            (end,) = container.attrs["NetworkSettings"]["Networks"].values()
            self.places[container.labels["wirelab.node"]] = (end["IPAddress"], end["MacAddress"])

    def close(self) -> None:
        """Remove the helpers, and end what makes a load."""
        self._load(0)
        for helper in self.helpers.values():
            helper.remove(force=True)
        self.helpers.clear()

    @contextmanager
    def in_situation(self, situation: Situation) -> Iterator[None]:
        """The lab as the situation says; afterwards each step of `undo` is done, whatever failed."""
        with ExitStack() as undo:
            for step in reversed(situation.undo):
                undo.callback(self.do, step)
            for step in situation.put:
                self.do(step)
            yield

    def do(self, step: str) -> None:
        """Carry out one step."""
        where, _, words = step.partition(": ")
        words = self._filled(words)
        match where.split():
            case ["docker"]:
                self._engine(*words.split())
            case ["in", node]:
                self.inside(node, words)
            case ["net", node]:
                code, out = self._helper(node).exec_run(("bash", "-ec", words))
                assert code == 0, out
            case ["zone"]:
                pattern, _, text = words.partition(" -> ")
                self.edit_zone(lambda line: re.sub(pattern, text.strip(), line))
            case ["file", node, name]:
                self.file(node, name).write_text(words + "\n")
            case ["until", node]:
                assert eventually(lambda: self._holds(node, words), SECONDS), step
            case ["engine"]:
                self.late[:] = [float(second) for second in words.split()[1:]]
            case ["machine"]:
                self._load(int(words.split()[1]))
            case ["wirelab"]:
                ran = self.cli(*words.split())
                assert ran.code == 0, ran.err
            case _:
                raise AssertionError(step)

    def _load(self, programs: int) -> None:
        for program in self.load:
            program.kill()
            program.wait()
        self.load[:] = [subprocess.Popen(("sh", "-c", "while :; do :; done")) for _ in range(programs)]

    def _filled(self, words: str) -> str:
        return re.sub(r"\$\{([a-z]+)(\.mac)?\}", lambda match: self.places[match[1]][bool(match[2])], words)

    def _holds(self, node: str, script: str) -> bool:
        return bool(self.container(node).exec_run(("bash", "-c", script)).exit_code == 0)

    def _helper(self, node: str) -> Any:
        """One helper for as long as a node runs: each start of it makes a new namespace."""
        container = self.container(node)
        start = (container.id, container.attrs["State"]["StartedAt"])
        if start not in self.helpers:
            self.helpers[start] = self.engine.client.containers.run(
                self.container("client").image.id, ["sleep", "infinity"], user="0", detach=True, cap_add=["NET_ADMIN"],
                network_mode=f"container:{container.id}", labels={"wirelab.run": self.run_label},
            )  # fmt: skip
        return self.helpers[start]

    def _engine(self, call: str, node: str, *words: str) -> None:
        container = self.container(node)
        match call:
            case "disconnect":
                self.network().disconnect(container, force=True)
            case "kill":
                container.kill(*words)
            case "stop":
                container.stop(timeout=1)
            case "cpu":
                # The SDK knows no nano CPUs, by which wirelab limits a node; an engine takes one way or the other.
                api = self.engine.client.api
                fields = {"NanoCpus": int(words[0]) * 10_000_000}
                api._raise_for_status(api._post_json(api._url("/containers/{0}/update", container.id), data=fields))
            case _:
                getattr(container, call)()

    def judged(self, situation: Situation) -> list[Result]:
        """Check all rows of a situation at once."""
        findings = self._findings([row.check for row in situation.rows])
        results = [judge(situation, row, findings[row.check]) for row in situation.rows]
        if situation.is_cause:
            row = situation.rows[0]
            results += self._cause_results(situation, row, findings[row.check]["why"])
        return results

    def _findings(self, checks: Sequence[str]) -> dict[str, Any]:
        words = [word for check in checks for word in ("--only", f"{check}.")]
        with TemporaryDirectory() as folder:
            ran = self._check_late(words, Path(folder)) if self.late else self.cli("check", *words, "--json")
        assert ran.code in (0, 1, 3), ran.err
        return {finding["check"].removesuffix("."): finding for finding in ran.document["findings"]}

    def _check_late(self, words: Sequence[str], folder: Path) -> Ran:
        with proxy_of(self.engine.url, folder / "late.sock") as proxy:
            proxy.at_first_program(lambda: proxy.hold_up(self.late[0]))
            return self.cli("check", *words, "--json", DOCKER_HOST=proxy.url)

    def _cause_results(self, situation: Situation, row: Row, walk: Any) -> list[Result]:
        """The sentence, and what comes of the command to try."""
        lacks = [text for text in situation.says if text not in walk["sentence"]]
        wanted = f"says {', '.join(situation.says)}"
        judged = "wrong cause" if lacks else "right"
        results = [Result(situation.name, "why", row.check, wanted, judged, walk["sentence"])]
        if situation.shows or situation.mends:
            results.append(self._tried(situation, row, walk["try"] or ""))
        return results

    def _tried(self, situation: Situation, row: Row, command: str) -> Result:
        printed = "".join(self._typed(shlex.split(part)) for part in command.split(" && "))
        if situation.mends:
            verdict = self._findings([row.check])[row.check]["verdict"]
            wanted, holds, printed = "the command mends it", verdict == "pass", f"afterwards: {verdict}"
        else:
            wanted, holds = (
                f"the command shows {situation.shows}",
                bool(re.search(self._filled(situation.shows), printed)),
            )
        judged = "right" if holds else "wrong cause"
        return Result(situation.name, "try", row.check, wanted, judged, f"{command}: {printed.strip()[-300:]}")

    def _typed(self, words: Sequence[str]) -> str:
        """What a suggested command prints; it is ended after ten seconds, as a person would."""
        argv = [sys.executable, "-m", "orchestrator", *words[1:]] if words[:1] == ["wirelab"] else list(words)
        try:
            done = subprocess.run(
                argv, env={**self.engine.environ}, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return str(late.stdout or b"", "utf-8", "replace") if isinstance(late.stdout, bytes) else ""
        return done.stdout
