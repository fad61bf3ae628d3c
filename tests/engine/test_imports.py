"""What a command imports costs each call of it: heavy libraries are loaded where they are used, and nowhere else."""

from __future__ import annotations

from lab_bench import Bench

TIMED = {"PYTHONPROFILEIMPORTTIME": "1"}  # Python then prints each import (python(1), -X importtime)


def imported(err: str) -> set[str]:
    """The top modules."""
    rows = (line.rpartition("|")[2].strip() for line in err.splitlines() if line.startswith("import time:"))
    return {row.partition(".")[0] for row in rows}


def test_the_daily_commands_load_no_library_that_they_do_not_need(bench: Bench) -> None:
    """psutil and pyroute2 look after the private engine; dnspython reads the answers that a check is given."""
    host, dns = {"psutil", "pyroute2"}, {"dns"}
    for words, unwanted in ((("up",), host | dns), (("up",), host | dns), (("check",), host), (("down",), host | dns)):
        ran = bench.cli(*words, **TIMED)
        assert ran.code == 0, ran.err
        assert "click" in imported(ran.err)
        assert not imported(ran.err) & unwanted, words
