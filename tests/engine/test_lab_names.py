"""A lab is found by its own name: by each command, from any folder, and where its scenario is gone too."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lab_bench import Bench, Engine, Ran, eventually, piped

from orchestrator.errors import INTERRUPTED, INVALID

SCENARIO = """\
name: small
title: A web server and who asks it
domain: shop.lab
nodes:
  dns:    {role: dns}
  app:    {role: app}
  client: {role: client, uses: [app]}
checks:
  - name: The app answers
    from: client
    http: http://app.shop.lab/whoami
"""
LOOK = (
    "ps", "inspect", "graph", "events", "logs", "logs LAB app", "exec LAB client -- true", "shell LAB client",
    "capture start", "trace LAB -- true", "roles", "capture status", "capture save LAB FILE", "capture stop",
)  # fmt: skip
DECLARED = ("check", "why", "plan", "up")


@dataclass(frozen=True)
class Elsewhere:
    """A lab that was made from a scenario in a folder, and somebody who stands in another one."""

    engine: Engine
    lab: str
    folder: Path
    here: Path

    def cli(self, line: str) -> Ran:
        """Run a command, in which LAB is the lab's name; a single word gets it as its argument."""
        line = line if "LAB" in line else f"{line} LAB"
        return self.run(*line.replace("LAB", self.lab).replace("FILE", str(self.here / "packets.pcapng")).split())

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command under way."""
        return subprocess.Popen(
            (sys.executable, "-m", "orchestrator", *words),
            env=dict(self.engine.environ), cwd=self.here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str) -> Ran:
        """Run a command as it stands."""
        return self.engine.wirelab(*words, cwd=self.here, stdin="exit\n")


@pytest.fixture(scope="module")
def elsewhere(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    root = tmp_path_factory.mktemp("names")
    (root / "here").mkdir()
    (root / "there").mkdir()
    (root / "there/scenario.yaml").write_text(SCENARIO)
    # A state folder of its own: what is written there meanwhile, these commands have written.
    engine = replace(engine, environ={**engine.environ, "WIRELAB_STATE": str(root / "state")})
    one = Elsewhere(engine, f"t-name-{secrets.token_hex(3)}", root / "there", root / "here")
    ran = one.cli(f"up {root}/there --lab LAB")
    assert ran.code == 0, ran.err
    yield one
    ran = one.cli("down")
    assert ran.code == 0, ran.err
    assert Bench(engine, one.lab).left() == []


@pytest.mark.parametrize("line", [*LOOK, *DECLARED, "inject LAB stop app", "heal"])
def test_a_command_finds_the_lab_from_another_folder(elsewhere: Elsewhere, line: str) -> None:
    ran = elsewhere.cli(line)
    assert (ran.code, "note:" in ran.err) == (0, False), ran


def test_ls_shows_the_lab_with_its_file_and_the_verdict_of_its_last_check(elsewhere: Elsewhere) -> None:
    """And writes nothing."""
    assert elsewhere.cli("check").code == 0
    state = Path(elsewhere.engine.environ["WIRELAB_STATE"])
    before = {file: file.stat().st_mtime_ns for file in state.rglob("*")}
    (lab,) = [lab for lab in elsewhere.run("ls", "--json").document["labs"] if lab["lab"] == elsewhere.lab]
    assert {file: file.stat().st_mtime_ns for file in state.rglob("*")} == before
    assert (lab["scenario"], lab["nodes"], lab["running"]) == ("small", 3, 3)
    assert (lab["file"], lab["owner"]) == (f"{elsewhere.folder}/scenario.yaml", pwd.getpwuid(os.getuid()).pw_name)
    assert (lab["check"]["verdict"], lab["check"]["pass"]) == ("pass", 1)


def test_logs_shows_the_last_lines_those_of_a_time_and_those_to_come(elsewhere: Elsewhere) -> None:
    """As `docker logs` does, but by the lab's name and the node's."""
    for name in ("one", "two", "three"):
        assert elsewhere.cli(f"exec LAB client -- dig {name}.shop.lab").code == 0
    for option in ("--tail 2", "-n 2", "--tail 2 --since 1h"):
        lines = elsewhere.cli(f"logs LAB dns {option}").out.splitlines()
        assert [("two.shop.lab" in line, "three.shop.lab" in line) for line in lines] == [(True, False), (False, True)]
    assert elsewhere.cli("logs LAB dns --tail 0").out == ""
    assert len(elsewhere.cli("logs LAB dns --tail all --since 2026-01-31T12:00").out.splitlines()) > 2
    assert elsewhere.cli("logs LAB dns --since 2100-01-31T12:00").out == ""
    assert [line.split()[0] for line in elsewhere.cli("logs LAB -n 1").out.splitlines()] == ["dns", "app", "client"]
    assert eventually(lambda: elsewhere.cli("logs LAB dns --since 1s").out == "", 60)
    following = elsewhere.start("logs", elsewhere.lab, "dns", "-f", "--tail", "1")
    assert "three.shop.lab" in piped(following.stdout).readline()
    assert elsewhere.cli("exec LAB client -- dig four.shop.lab").code == 0
    assert "four.shop.lab" in piped(following.stdout).readline()
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=240)
    assert following.returncode == INTERRUPTED


def test_a_lab_outlives_the_folder_of_its_scenario(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Who looks at it or mends it needs no file; `check` and `up` say where it was, and `down --lab` still works."""
    away = tmp_path / "away"
    shutil.move(elsewhere.folder, away)
    try:
        for line in (*LOOK, "inject LAB stop app", "heal"):
            ran = elsewhere.cli(line)
            assert ran.code == 0, (line, ran)
        for line in DECLARED:
            ran = elsewhere.cli(line)
            assert ran.code == INVALID, (line, ran)
            assert f"the scenario of the lab '{elsewhere.lab}' is gone" in ran.err
            assert f"made from {elsewhere.folder}/scenario.yaml" in ran.err
        assert elsewhere.cli(f"check {away} --lab LAB").code == 0
    finally:
        shutil.move(away, elsewhere.folder)


def test_a_lab_that_was_removed_is_no_longer_found(bench: Bench) -> None:
    """Its events still are."""
    bench.up()
    assert bench.cli("down").code == 0
    here = Elsewhere(bench.engine, bench.lab, bench.folder, Path("/"))
    ran = here.cli("ps")
    assert (ran.code, ran.err.splitlines()[0]) == (INVALID, f"error: there is no lab and no scenario '{bench.lab}'")
    assert here.cli("events").code == 0
