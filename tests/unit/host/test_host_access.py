"""What is said where nodes reach services of the engine's machine: at the start of the engine, and of each lab."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from orchestrator.host.private_engine.host_access import close_or_tell, why_host_is_open
from orchestrator.host.private_engine.paths import PrivatePaths

REFUSED = "the kernel refuses the nftables table that closes it: Protocol not supported"


class Kernel:
    """Takes a table, or has no nf_tables: then the socket or the message fails with such a number."""

    def __init__(self, error: int = 0) -> None:
        self.error = error

    def close(self) -> None:
        if self.error:
            raise OSError(self.error, "Protocol not supported")


@pytest.fixture
def paths(tmp_path: Path) -> PrivatePaths:
    made = PrivatePaths(tmp_path, tmp_path / "runtime")  # not `of`: a long folder has its sockets below /run
    made.runtime.mkdir(parents=True)
    made.containerd_socket.touch()
    return made


def started(paths: PrivatePaths, kernel: Kernel) -> list[str]:
    """What the start of an engine says."""
    said: list[str] = []
    close_or_tell(paths, kernel.close, said.append)
    return said


def test_an_engine_that_closed_its_machine_says_nothing(paths: PrivatePaths) -> None:
    assert started(paths, Kernel()) == []
    assert why_host_is_open(paths.url) == ""


def test_where_the_kernel_refuses_the_start_says_so_and_each_up_knows_it(paths: PrivatePaths) -> None:
    (line,) = started(paths, Kernel(errno.EPROTONOSUPPORT))
    assert line == f"nodes can reach services of this machine: {REFUSED}; wirelab up --close-host closes a lab"
    assert why_host_is_open(paths.url) == REFUSED
    # Started anew with a kernel that takes the table, it is closed.
    assert started(paths, Kernel()) == []
    assert why_host_is_open(paths.url) == ""


@pytest.mark.parametrize("url", ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375", "unix:///nowhere/at/all"])
def test_an_engine_of_ones_own_is_open(url: str) -> None:
    assert why_host_is_open(url) == "the engine is not wirelab's own"
