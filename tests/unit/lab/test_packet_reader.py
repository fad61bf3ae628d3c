"""Packets that somebody hands in are decoded within limits, which speak of the packets and not of a busy machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.engine.programs import Output
from orchestrator.lab.capture.selected_packets import MOST_LINES_BYTES, READ, PacketReader
from orchestrator.traffic.packets.pcapng import DamagedCapture


class Container:
    """A container in which tshark ends so."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.argv: Sequence[str] = ()

    def run(self, _container: str, argv: Sequence[str], **_limits: Any) -> Output:
        self.argv = argv
        return self.output


def reader(output: Output) -> tuple[PacketReader, Container]:
    container = Container(output)
    return PacketReader(container, "reader", (8080,)), container  # type: ignore[arg-type]


def test_each_packet_has_a_line() -> None:
    packets, container = reader(Output(0, "1\tone\n2\ttwo\n", "Running as user nobody"))
    assert packets.lines(b"abc") == ["1\tone", "2\ttwo"]
    assert "YWJj" in container.argv
    assert "tcp.port==8080,http" in container.argv


@pytest.mark.parametrize("exit_code", [137, 141, 152])
def test_packets_that_take_too_much_are_damaged(exit_code: int) -> None:
    """Killed by the limit of processor time (SIGXCPU, SIGKILL), or by the end of the pipe (SIGPIPE)."""
    with pytest.raises(DamagedCapture, match="tshark needs more than 10 s"):
        reader(Output(exit_code, "1\tone\n", ""))[0].lines(b"abc")


def test_what_tshark_says_of_a_damaged_packet_is_read_all_the_same() -> None:
    assert reader(Output(2, "1\tone\n", "cut short"))[0].lines(b"abc") == ["1\tone"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "ends_well"),
    [("cat", True), ("exit 2", True), (f"head -c {MOST_LINES_BYTES * 2} /dev/zero", False), ("kill -XCPU $$", False)],
)
def test_the_command_ends_as_the_reader_takes_it(program: str, ends_well: bool) -> None:
    argv = ("bash", "-c", READ, "YWJj", "bash", "-c", program)
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert len(done.stdout) <= MOST_LINES_BYTES
    packets = reader(Output(done.returncode, done.stdout.decode(), ""))[0]
    if ends_well:
        assert packets.lines(b"") == (["abc"] if program == "cat" else [])
        return
    with pytest.raises(DamagedCapture):
        packets.lines(b"")
