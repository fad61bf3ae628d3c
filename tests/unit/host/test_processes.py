"""Processes of this machine: the same one by pid and start time, and when it counts as gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.host.processes import (
    arguments,
    clock_ticks_at_start,
    name_of,
    network_of,
    process,
    processes,
    send_signal,
    wait_gone,
    with_descendants,
)

SLEEP = (sys.executable, "-S", "-c", "import time; print(1, flush=True); time.sleep(60)")
PARENT = (sys.executable, "-S", "-c", f"import subprocess; subprocess.run({SLEEP!r})")


@pytest.mark.slow
def test_a_process_tells_its_arguments_and_the_kernels_time_of_its_start() -> None:
    own = process(os.getpid())
    assert own
    assert own in processes()
    assert Path(arguments(own)[0]).name.startswith("python")
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert clock_ticks_at_start(own) == int(fields[19])
    assert network_of(own.pid) == network_of("self")


@pytest.mark.slow
def test_a_process_that_waits_for_its_parent_is_gone() -> None:
    """A zombie: nobody need wait for it, and it has neither name nor arguments."""
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        running = process(child.pid)
        assert running
        assert wait_gone([running], 0) == (running,)
        send_signal(running, signal.SIGKILL)
        assert wait_gone([running], 10) == ()
        assert process(child.pid) is None
        assert running not in processes()
    assert (name_of(running), arguments(running)) == ("", ())
    send_signal(running, signal.SIGKILL)
    assert with_descendants([running]) == (running,)


@pytest.mark.slow
def test_descendants_are_found_with_their_root() -> None:
    with subprocess.Popen(PARENT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        root = process(parent.pid)
        assert root
        family = with_descendants([root])
        assert len(family) == 2
        assert family[0] == root
        for member in family:
            send_signal(member, signal.SIGKILL)
        assert wait_gone(family, 10) == ()
