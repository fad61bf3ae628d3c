"""What a person meets on a terminal: the welcome of a shell, and a program that is not there."""

from __future__ import annotations

import re
import shlex
import sys

import pytest
from lab_bench import CHECKOUT, Bench
from terminal import at_a_terminal

pytestmark = pytest.mark.sampled(3)


def on_terminal(lab: Bench, command: str, *words: str, lines: tuple[str, ...] = ()) -> tuple[int, str]:
    argv = (sys.executable, "-m", "orchestrator", command, lab.scenario, "--lab", lab.lab, *words)
    return at_a_terminal(argv, env=lab.engine.environ, cwd=CHECKOUT, lines=lines, seconds=lab.seconds)


@pytest.mark.parametrize("node", ["client", "app"])
def test_all_that_the_welcome_of_a_shell_says_can_be_typed(shared: Bench, node: str) -> None:
    """Every machine with its address and what it serves; each command ends well, on servers too."""
    code, text = on_terminal(shared, "shell", node, lines=("exit",))
    assert code == 0, text
    assert re.search(rf"app\.shop\.lab +{re.escape(shared.address('app'))} +HTTP on port 80", text)
    assert re.search(rf"db\.shop\.lab +{re.escape(shared.address('db'))} +PostgreSQL on port 5432", text)
    block = text.partition("Things to try:\n")[2].partition("\n\n")[0]
    commands = [re.split(r"  +", line.strip())[0] for line in block.splitlines()]
    assert len(commands) >= 4
    for typed in commands:
        ran = shared.cli("exec", node, "--", *shlex.split(typed))
        assert ran.code == 0, f"{typed}: {ran.err}"
        assert "NXDOMAIN" not in ran.out


@pytest.mark.parametrize("node", ["client", "dns", "db", "app"])
def test_every_node_has_the_tools_to_look_around(shared: Bench, node: str) -> None:
    """`ps`, `dig` and `curl` on servers too; on the client also `less` and `traceroute`."""
    tools = ["ps", "dig", "curl", "ss", "ip", *(["less", "traceroute"] if node == "client" else [])]
    ran = shared.cli("exec", node, "--", "sh", "-c", " && ".join(f"command -v {tool}" for tool in tools))
    assert ran.code == 0, f"{ran.out} {ran.err}"
    assert "named" in shared.cli("exec", "dns", "--", "ps", "aux").out


def test_a_program_that_is_not_there_is_told_in_three_lines(shared: Bench) -> None:
    """On a terminal and off it; never in the words of the engine's runtime."""
    wanted = (
        "error: there is no program 'dgi' in the node\n"
        "why:   it is in no folder of the node's PATH\n"
        "try:   did you mean 'dig'?\n"
    )
    assert on_terminal(shared, "exec", "client", "--", "dgi", "app.shop.lab") == (127, wanted)
    ran = shared.cli("exec", "client", "--", "dgi", "app.shop.lab")
    assert (ran.code, ran.err) == (127, wanted)


def test_a_program_that_is_there_gets_the_terminal(shared: Bench) -> None:
    code, text = on_terminal(shared, "exec", "client", "--", "bash", "-c", "test -t 0 && echo a terminal; exit 7")
    assert (code, text) == (7, "a terminal\n")
