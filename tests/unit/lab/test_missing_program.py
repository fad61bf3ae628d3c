"""A program that a node does not have is told in three lines, with the name that was probably meant."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import NotStarted
from orchestrator.lab.node_program import require_program
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec


def on_this_machine(call: ProgramCall) -> Output:
    """Run the look into PATH here: the script is the same."""
    done = subprocess.run(call.argv, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    return Output(done.returncode, done.stdout, done.stderr)


def no_shell(_call: ProgramCall) -> Output:
    return Output(127, "", "")


def required(program: str, answer: object = on_this_machine) -> NotStarted | None:
    engine = FakeEngine(["wirelab/client:1"], answer=answer)  # type: ignore[arg-type]
    network = engine.make_network(
        NetworkSpec("n", IPv4Network("192.168.7.0/24"), IPv4Address("192.168.7.1"), True, {"l": "x"})
    )
    attach = Attach("n", network, IPv4Address("192.168.7.10"))
    container = engine.make_container(ContainerSpec("c", "wirelab/client:1", {"l": "x"}, attachments=(attach,)))
    engine.start(container)
    try:
        require_program(engine, container, program)
    except NotStarted as error:
        return error
    return None


def test_a_program_that_is_there_is_no_error() -> None:
    assert required("sh") is None
    assert required("/bin/sh") is None


@pytest.mark.parametrize(("typed", "meant"), [("bsah", "bash"), ("sleeep", "sleep"), ("bahs", "bash")])
def test_the_nearest_name_is_proposed(typed: str, meant: str) -> None:
    error = required(typed)
    assert error is not None
    assert (error.what, error.hint) == (
        f"there is no program {typed!r} in the node",
        f"did you mean {meant!r}?",
    )
    assert error.exit_code == 127


def test_where_no_name_is_near_the_hint_is_about_whole_lines() -> None:
    error = required("zzzzqqqq")
    assert error is not None
    assert error.hint == "a whole line needs a shell: -- sh -c 'COMMAND LINE'"


def test_a_word_of_the_shell_is_no_program() -> None:
    """`exec` starts programs; a shell knows more words than there are files."""
    error = required("unset")
    assert error is not None
    assert error.exit_code == 127


def test_a_path_to_nothing_and_a_file_that_is_no_program() -> None:
    missing, no_program = required("/no/such"), required("/etc/passwd")
    assert missing is not None
    assert no_program is not None
    assert (missing.exit_code, no_program.exit_code) == (127, 126)


def test_a_node_without_a_shell_is_not_judged() -> None:
    assert required("dgi", no_shell) is None
