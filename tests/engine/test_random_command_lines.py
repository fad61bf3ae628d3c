"""Command lines that nobody meant, by the thousand: each does its work, or says what is wrong with it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_server import CHECKOUT, CommandServer, command_server

from orchestrator.cli.main import COMMANDS
from orchestrator.errors import BUG

pytestmark = pytest.mark.endurance
DEADLINE = 240.0
# Those that act on this machine without an engine.
LEFT_OUT = ("engine", "images", "doctor")
NAMES = sorted(set(COMMANDS) - set(LEFT_OUT))
VERBS = (
    "start", "stop", "save", "status", "show", "check", "prove", "serve", "collect", "replay", "lan", "bash", "fish",
    "stop-all", "delay", "cut", "pause", "promote", "checks", "role", "during",
)  # fmt: skip
OPTIONS = (
    "--lab", "--json", "--help", "-h", "--seed", "--seat", "--no-web", "--only", "--within", "--format", "-f",
    "--follow", "--from", "--read", "--node", "--filter", "--checks", "--timeout", "--capture", "--keep", "--rm",
    "--untrusted", "--close-host", "--ends-after", "--reference", "--lesson", "--version", "--junit", "--", "-", "-o",
    "--output",
)  # fmt: skip
VALUES = (
    "basic", "dns", "db", "client", "nobody", "", " ", "0", "-1", "999999999999999999999", "1e309", "nan", "30s", "2h",
    "text", "svg", "mermaid", "x.yaml", "basic/scenario.yaml", "..", ".", "a:b", "=", "--=", "é", "\udce9", "\n",
    "\x1b[31m", "%s", "{}", "$(id)", "*", "x" * 5000, "app:80", "tcp/80", "fe80::1%eth0", "[::1]:80", "null", "~",
)  # fmt: skip


def line(chance: random.Random) -> list[str]:
    """A command, mostly one that there is, and up to six words."""
    pools = (VERBS, OPTIONS, VALUES, VALUES, NAMES)
    words = [chance.choice(chance.choice(pools)) for _ in range(chance.randrange(7))]
    first = chance.choice(NAMES) if chance.random() < 0.95 else chance.choice(VALUES)
    return [word for word in (first, *words) if word not in LEFT_OUT]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandServer, dict[str, str]]]:
    """A server of commands that find no engine, and what keeps them in a folder of their own."""
    folder = tmp_path_factory.mktemp("lines")
    own = {name: str(folder / name.lower()) for name in ("WIRELAB_STATE", "HOME", "XDG_RUNTIME_DIR", "TMPDIR")}
    for path in own.values():
        Path(path).mkdir(mode=0o700)
    environ = {**os.environ, **own, "PYTHONPATH": str(CHECKOUT), "CI": "true", "BROWSER": "true"}
    environ["DOCKER_HOST"] = f"unix://{folder}/nobody.sock"
    with command_server(environ) as commands:
        yield commands, environ


@pytest.mark.rounds(1, full=100)
def test_any_command_line_is_done_or_told(
    server: tuple[CommandServer, dict[str, str]], tmp_path: Path, round_number: int, pytestconfig: pytest.Config
) -> None:
    """100 command lines a round that nobody meant: an exit code that the documentation names, and no traceback."""
    commands, environ = server
    chance = random.Random(round_number)
    for _ in range(100 if pytestconfig.getoption("full") else 10):
        words = line(chance)
        ran = commands.run(words, env=environ, cwd=tmp_path, seconds=DEADLINE)
        assert ran is not None, words
        code, _, err = ran
        assert code in (0, 1, 2, 3, 5, 6), (words, code, err)
        assert code != BUG
        assert "Traceback" not in err, (words, err)
