"""What a server of commands gives is what the real program gives; what it cannot give, it refuses."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from command_client import ask
from command_server import CHECKOUT, FOLDER, CommandServer, command_server, remove_stale_folders

pytestmark = pytest.mark.slow
DEADLINE = 240.0


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return {**os.environ, "WIRELAB_STATE": str(tmp_path_factory.mktemp("state")), "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture(scope="module")
def server(environ: Mapping[str, str]) -> Iterator[CommandServer]:
    with command_server(environ) as server:
        yield server


@pytest.mark.parametrize(
    "words", ["--version", "validate scenarios/basic", "validate nothing", "lock", "schema --lesson", "events away"]
)
def test_a_command_of_the_server_ends_as_the_real_one(
    server: CommandServer, environ: Mapping[str, str], words: str, tmp_path: Path
) -> None:
    """Exit code, output and errors; also by the script that stands for `wirelab`, in the folder where it is called."""
    (tmp_path / "scenarios").symlink_to(CHECKOUT / "scenarios")
    script = tmp_path / "wirelab"
    script.write_text(server.script)
    ran = [
        subprocess.run(
            (*argv, *words.split()), env=dict(environ), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=DEADLINE, check=False,
        )
        for argv in ((sys.executable, "-m", "orchestrator"), ("sh", str(script)))
    ]  # fmt: skip
    real, by_script = ((done.returncode, done.stdout, done.stderr) for done in ran)
    assert server.run(words.split(), env=environ, cwd=tmp_path, seconds=DEADLINE) == real
    assert by_script == real


def test_a_command_has_the_environment_that_it_is_given(server: CommandServer, environ: Mapping[str, str]) -> None:
    """And none of it is left to the next one."""
    answers = [
        server.run(("up", "basic"), env={**environ, "DOCKER_HOST": host}, cwd=CHECKOUT, seconds=DEADLINE)
        for host in ("unix:///nowhere/one", "unix:///nowhere/two")
    ]
    for answer, own, other in zip(answers, ("one", "two"), ("two", "one"), strict=True):
        assert answer is not None
        assert (answer[0], f"/nowhere/{own}" in answer[2], f"/nowhere/{other}" in answer[2]) == (3, True, False)


def test_what_only_a_start_can_give_is_refused(server: CommandServer, environ: Mapping[str, str]) -> None:
    """An encoding, say. The script then becomes the real program, which prints what it imports."""
    special = {**environ, "PYTHONPROFILEIMPORTTIME": "1"}
    assert server.run(("--version",), env=special, cwd=CHECKOUT, seconds=DEADLINE) is None
    done = subprocess.run(
        ("sh", "-c", server.script.partition("\n")[2].replace("$@", "--version")), env=special, capture_output=True,
        stdin=subprocess.DEVNULL, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("wirelab, version")
    assert "import time:" in done.stderr
    assert "orchestrator.cli.main" in done.stderr


def test_a_command_that_nobody_waits_for_is_killed(
    server: CommandServer, environ: Mapping[str, str], tmp_path: Path
) -> None:
    """As after a deadline. The command is a process of its own; this one waits to read from a pipe of the test's."""
    os.mkfifo(tmp_path / "scenario.yaml")
    with open(os.devnull, "r+") as nothing:
        streams = (nothing.fileno(),) * 3
        connection, pid = ask(server.address, ("validate", "."), env=environ, cwd=str(tmp_path), streams=streams)
    process = os.pidfd_open(pid)
    try:
        assert not select.select([process], [], [], 0)[0]
        connection.close()
        assert select.select([process], [], [], DEADLINE)[0]
    finally:
        os.close(process)
    answer = server.run(("--version",), env=environ, cwd=CHECKOUT, seconds=DEADLINE)
    assert answer is not None
    assert answer[0] == 0


def test_folders_of_killed_processes_go(tmp_path: Path) -> None:
    """Those of a process that lives stay, and so does what bears no pid."""
    ended = subprocess.Popen(("true",))
    ended.wait()
    stay = [tmp_path / f"{FOLDER}{os.getpid()}-a", tmp_path / f"{FOLDER}else", tmp_path / "other"]
    for folder in (*stay, tmp_path / f"{FOLDER}{ended.pid}-b"):
        folder.mkdir()
    remove_stale_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(stay)
