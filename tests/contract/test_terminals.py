"""Programs at a terminal, on the fake engine and on a real one."""

from __future__ import annotations

import pytest
from contract_setup import ContractSetup

from orchestrator.engine.terminals import Terminal
from orchestrator.errors import NotFound, WrongState

pytestmark = [pytest.mark.engines, pytest.mark.sampled(3)]


def read_until(terminal: Terminal, wanted: bytes) -> bytes:
    """What a terminal shows until it shows that, or ends."""
    shown = b""
    while wanted not in shown and (piece := terminal.read()):
        shown += piece
    return shown


def read_all(terminal: Terminal) -> bytes:
    return b"".join(iter(terminal.read, b""))


def test_what_is_typed_is_echoed_and_reaches_the_program(world: ContractSetup) -> None:
    """A terminal echoes each line once; the program writes it once more (termios(3), ECHO and ONLCR)."""
    terminal = world.engine.terminal(world.started("node"), ("cat",))
    terminal.write(b"hello\n")
    shown = read_until(terminal, b"hello\r\n")
    assert terminal.exit_code() is None
    terminal.write(b"\x04")
    shown += read_all(terminal)
    assert (shown.count(b"hello\r\n"), terminal.exit_code()) == (2, 0)
    terminal.write(b"nobody reads this\n")
    terminal.resize(100, 30)
    terminal.close()


def test_a_program_knows_the_size_of_its_terminal(world: ContractSetup) -> None:
    terminal = world.engine.terminal(world.started("node"), ("sh", "-c", "read line; stty size"))
    terminal.resize(101, 31)
    terminal.write(b"\n")
    assert b"31 101" in read_all(terminal)
    terminal.close()


def test_a_program_at_a_terminal_has_its_variables_and_its_exit_code(world: ContractSetup) -> None:
    node = world.started("node")
    terminal = world.engine.terminal(node, ("printenv", "THIRD"), {"THIRD": "3"})
    assert (read_all(terminal), terminal.exit_code()) == (b"3\r\n", 0)
    terminal.close()
    terminal = world.engine.terminal(node, ("false",))
    assert (read_all(terminal), terminal.exit_code()) == (b"", 1)
    terminal.close()


def test_a_terminal_that_is_closed_has_nothing_to_read(world: ContractSetup) -> None:
    terminal = world.engine.terminal(world.started("node"), ("cat",))
    terminal.close()
    assert terminal.read() == b""
    terminal.close()


def test_a_terminal_needs_a_container_that_runs(world: ContractSetup) -> None:
    with pytest.raises(NotFound):
        world.engine.terminal("0" * 64, ("cat",))
    made = world.engine.make_container(world.spec("node"))
    with pytest.raises(WrongState):
        world.engine.terminal(made, ("cat",))
