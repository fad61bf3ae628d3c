"""A node without a process, with a full disk and with a program that the kernel ended: five commands say so."""

from __future__ import annotations

from lab_bench import DEADLINE, Bench, eventually

NO_PROCESS = "of 128 processes and threads run (limits: pids), and a shell can start no program"
FULL = "The disk of the node client is full: /tmp holds 16 MiB, and nothing is free"
ENDED = "The node client was out of memory: the kernel ended a program that wanted more than its 128 MiB"
# Threads, which take hardly any memory: the kernel would end so many processes before they reach their limit. A program
# that looks into the node meanwhile takes a place for a moment, which is then free: so it tries again.
THREADS = """
import threading, time
while True:
    try:
        threading.Thread(target=time.sleep, args=(600,)).start()
    except RuntimeError:
        time.sleep(0.05)
"""


def test_five_commands_name_the_resource_that_a_node_has_no_more_of(standing: Bench) -> None:
    """The lab is well again once the node was started anew.

    But a node that was out of memory says so until it is made anew, so no other test shares this lab.
    """
    client = standing.container("client")
    client.exec_run(["dd", "if=/dev/zero", "of=/tmp/full", "bs=1M", "count=100"])
    client.exec_run(["python3", "-c", "bytearray(400 << 20)"])
    printed = standing.cli("ps").out
    assert FULL in printed
    assert ENDED in printed
    client.exec_run(["python3", "-c", THREADS], detach=True)
    try:
        assert eventually(lambda: NO_PROCESS in standing.cli("ps").out, DEADLINE)
        assert NO_PROCESS in standing.cli("logs", "client").err
        ran = standing.cli("exec", "client", "--", "sh", "-c", "ls; ls")
        assert ran.code != 0
        assert NO_PROCESS in ran.err
        judged = standing.cli(
            "check", "--only", "On the client, 127.0.0.1 port 80 is nobody"
        )  # `why` has the same walk
        assert (judged.code, NO_PROCESS in judged.out) == (3, True), judged.out + judged.err
    finally:
        client.restart(timeout=0)
