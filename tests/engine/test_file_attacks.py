"""What a scenario file of somebody else tries, on a real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab_bench import Bench

PASSWD = """\
name: passwd
title: A file that calls the node's user root
nodes:
  client: {role: client, files: {/etc/passwd: passwd, /etc/group: group}}
"""


def test_a_passwd_file_of_the_authors_makes_nobody_root(bench: Bench, tmp_path: Path) -> None:
    """It gives the node's user the number 0. Its first program, and what is run in it later, keep their own user."""
    (tmp_path / "scenario.yaml").write_text(PASSWD)
    (tmp_path / "passwd").write_text("student:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n")
    (tmp_path / "group").write_text("student:x:0:\nroot:x:0:\n")
    bench = replace(bench, scenario=str(tmp_path))
    bench.up()
    seen = bench.cli("exec", "client", "--", "sh", "-c", "cat /etc/passwd; cat /proc/1/status /proc/self/status").out
    assert "student:x:0:0" in seen
    numbers = [line.split()[1:] for line in seen.splitlines() if line.startswith(("Uid:", "Gid:"))]
    assert len(numbers) == 4
    assert not any("0" in each for each in numbers)
