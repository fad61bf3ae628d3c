"""The walk of a program follows what DNS servers, the kernel and its output say of it, where its words say nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from walk_harness import Rule, SimulatedLab, dns_reply, far, tcp

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import (
    CheckContext,
    LogText,
    LookAtNetwork,
    Probe,
    ProbeResult,
    ProgramResult,
    ReadLog,
    RunProgram,
)
from orchestrator.checks.steps import run_steps
from orchestrator.checks.walk import Walk
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import walk
from orchestrator.model.checks import KINDS

pytestmark = pytest.mark.slow
BEGAN = 1_700_000_000.0
SCRIPT = ("python3", "/opt/script.py")


def question(world: SimulatedLab, name: str, at: float = 0.5, port: int = 40000) -> str:
    when = datetime.fromtimestamp(BEGAN + at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    address = world.topology.address_for("resolver", "client")
    return f"{when} queries: client @0x7f {address}#{port} ({name}): query: {name} IN A + (192.168.7.10)\n"


def log(*lines: str) -> Rule:
    return lambda probe: LogText("".join(lines)) if isinstance(probe, ReadLog) else None


def tracked(world: SimulatedLab, node: str, port: int, source_port: int = 41000) -> Rule:
    ends = f"src={world.topology.address_for(node, 'client')} dst={world.topology.address_for('client', node)}"
    line = f"ipv4     2 tcp      6 118 SYN_SENT {ends} sport={source_port} dport={port} [UNREPLIED] src=1.1.1.1"

    def answer(probe: Probe) -> ProbeResult | None:
        return LogText(f"== connections\n{line}\n\nwirelab: ready\n") if probe == LookAtNetwork("client") else None

    return answer


def walked_after(world: SimulatedLab, err: str = "it failed", argv: tuple[str, ...] = SCRIPT) -> Walk:
    check = KINDS["runs"].model_validate({"name": "A script", "from": "client", "runs": list(argv)})
    seen: dict[Probe, ProbeResult] = {
        RunProgram("client", argv, inside=True): ProgramResult(1, "", err, started=BEGAN, seconds=1.0)
    }
    context = CheckContext(world.topology, "w0", 20000, BEGAN + 5)
    judgement = Judgement("fail", "it ends with 0", "exit code 1")
    return run_steps(walk(check, context, judgement, Commands(world.topology), seen), world)


def no_such_name() -> Rule:
    return dns_reply(
        ProgramResult(0, ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1\n;; flags: qr; QUERY: 1\n", "")
    )


def test_a_name_that_the_program_asked_for_is_followed() -> None:
    world = far()
    world.rules += [log(question(world, "app-1.shop.lab")), tcp("silent 3")]
    found = walked_after(world)
    assert found.broken
    assert (found.broken.name, found.broken.target) == ("tcp", "app-1")


@pytest.mark.parametrize(("at", "port"), [(30.0, 40000), (-30.0, 40000), (0.5, 20001)])
def test_a_question_of_another_time_or_of_ours_is_not_the_programs(at: float, port: int) -> None:
    world = far()
    world.rules += [log(question(world, "app-1.shop.lab", at, port)), tcp("silent 3")]
    assert walked_after(world).broken is not None
    assert all(layer.target != "app-1" for layer in walked_after(world).layers)


def test_a_name_that_nobody_has_is_blamed_only_where_the_program_says_so() -> None:
    """Another program of the node may ask for a name that is meant to lead nowhere."""
    lines = ("nobody.shop.lab", "nobody.shop.lab.shop.lab")
    world = far()
    world.rules += [log(*(question(world, name) for name in lines)), no_such_name()]
    found = walked_after(world, "socket.gaierror: [Errno -2] Name or service not known")
    assert found.broken
    assert (found.broken.name, found.broken.target) == ("dns", "nobody.shop.lab")
    assert not [layer for layer in found.layers if layer.target == "nobody.shop.lab.shop.lab"]
    assert all(layer.name != "dns" for layer in walked_after(world, "no").layers)


def test_a_connection_that_the_kernel_tracks_is_followed() -> None:
    world = far()
    world.rules += [tracked(world, "db", 5432), tcp("silent 3")]
    found = walked_after(world)
    assert found.broken
    assert (found.broken.name, found.broken.target) == ("tcp", "db")


def test_a_connection_of_our_own_is_not() -> None:
    world = far()
    world.rules += [tracked(world, "db", 5432, source_port=20005), tcp("silent 3")]
    assert all(layer.target != "db" for layer in walked_after(world).layers)


@pytest.mark.parametrize(
    "err",
    [
        "curl: (7) Failed to connect to app-1.shop.lab port 81 after 0 ms: Could not connect to server",
        'psql: error: connection to server at "app-1.shop.lab" (192.168.7.12), port 81 failed: Connection refused',
        "nc: connect to app-1.shop.lab port 81 (tcp) failed: Connection refused",
        '  File "/a.py", line 2\n    s = socket.create_connection(("app-1.shop.lab", 81), 1)\nConnectionRefusedError',
    ],
)
def test_a_place_that_the_program_printed_is_followed(err: str) -> None:
    world = far()
    found = walked_after(world, err)
    assert found.sentence == "Nobody listens on port 81 of app-1; app-1 listens on port 80."


def test_where_nothing_is_seen_the_program_is_to_be_run_again() -> None:
    """Not a log: nothing of the program stands in it."""
    found = walked_after(far())
    assert found.command == "wirelab exec far client -- python3 /opt/script.py"
    assert walked_after(far(), argv=("own-tool",)).command == "wirelab exec far client -- own-tool"
