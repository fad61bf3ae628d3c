"""A lab that was brought up for a limited time ends by itself; where its timer was killed, other commands end it."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from lab_bench import Bench, Ran, eventually

pytestmark = pytest.mark.sampled(3)

SCENARIO = """\
name: small
title: A database and who asks it
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database}
  client: {role: client, uses: [db]}
"""
ONE = "name: one\ntitle: One machine\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"
SECONDS = 100.0


@pytest.fixture
def one(bench: Bench, tmp_path: Path) -> Bench:
    """A lab of one machine, which is not up."""
    (tmp_path / "scenario.yaml").write_text(ONE)
    return replace(bench, scenario=str(tmp_path))


def gone(one: Bench) -> bool:
    return not one.left() and not one.folder.exists()


def up(one: Bench, *words: str) -> Ran:
    ran = one.cli("up", *words)
    assert ran.code == 0, ran.err
    return ran


def timer(one: Bench) -> int:
    """The process that waits for the lab's end."""
    file = Path(one.engine.environ["WIRELAB_STATE"]) / f"locks/{one.lab}.timer"
    assert eventually(lambda: bool(file.read_text()), SECONDS)
    return int(file.read_text())


def listed(one: Bench) -> dict[str, object]:
    labs = one.run("ls", "--json").document["labs"]
    return next((lab for lab in labs if lab["lab"] == one.lab), {})


def kill_timer(one: Bench) -> None:
    os.kill(timer(one), signal.SIGKILL)
    assert eventually(lambda: listed(one)["timer"] is False, SECONDS)


def let_pass(one: Bench) -> None:
    """Put the end of the lab into the past, as if the time had passed while no timer was there."""
    file = one.folder / "ends"
    _, url = file.read_text().splitlines()
    file.write_text(f"1000.0\n{url}\n")


def over(one: Bench) -> bool:
    return f"the time of the lab '{one.lab}' is over; remove it: wirelab sweep" in one.run("ls").out


@pytest.mark.parametrize("command", ["up", "run"])
def test_a_lab_removes_itself_at_its_end(one: Bench, command: str) -> None:
    """The journal tells who has done it."""
    ran = one.cli(command, "--for", "5s")
    assert (ran.code, "it ends in " in ran.err) == (0, True), ran
    assert eventually(lambda: gone(one), SECONDS)
    down = next(event for event in one.events() if event["event"] == "lab" and event["state"] == "down")
    assert down["via"] == "timer"


def test_a_second_up_changes_the_end_and_one_without_it_keeps_it(one: Bench) -> None:
    """No terminal has to stay open for that."""
    up(one, "--for", "1h")
    assert os.getsid(timer(one)) != os.getsid(0)
    first = listed(one)
    assert re.search("it ends in (59m|1h)", up(one).err)
    assert listed(one) == first
    up(one, "--for", "2h")
    assert float(str(listed(one)["ends"])) > float(str(first["ends"])) + 3500
    up(one, "--for", "3s")
    assert eventually(lambda: gone(one), SECONDS)


def test_sweep_ends_a_lab_whose_timer_was_killed(one: Bench) -> None:
    """Until then `ls` says that its time is over."""
    up(one, "--for", "1h")
    kill_timer(one)
    let_pass(one)
    assert (over(one), gone(one)) == (True, False)
    assert one.run("sweep").code == 0
    assert gone(one)


def test_up_makes_a_lab_anew_whose_time_is_over(one: Bench) -> None:
    """Without --for the new one has no end."""
    up(one, "--for", "1h")
    before = one.ids()
    kill_timer(one)
    let_pass(one)
    assert f"the time of the lab '{one.lab}' was over: removed" in up(one).err
    assert one.ids() != before
    assert listed(one)["ends"] is None


def test_up_starts_a_killed_timer_again(one: Bench) -> None:
    up(one, "--for", "1h")
    ends = listed(one)["ends"]
    kill_timer(one)
    assert "nothing waits for the end of the lab" in one.run("ls").out
    up(one)
    assert (listed(one)["timer"], listed(one)["ends"]) == (True, ends)


def test_a_reset_lab_has_new_data_no_fault_and_the_same_end(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    one = replace(bench, scenario=str(tmp_path))
    ran = one.cli("reset")
    assert (ran.code, "is not up" in ran.err) == (3, True)
    up(one, "--for", "1h")
    before, volumes = listed(one), one.volumes()
    made = one.container("db").exec_run(("psql", "-U", "postgres", "-c", "create table mine (x int)"), user="postgres")
    assert made.exit_code == 0, made.output
    assert one.cli("inject", "stop", "dns").code == 0
    ran = one.cli("reset")
    assert ran.code == 0, ran.err
    assert re.search("it ends in (59m|1h)", ran.err)
    assert one.steps() == {}
    after = listed(one)
    assert (after["ends"], after["timer"], after["running"], after["lab"]) == (before["ends"], True, 3, one.lab)
    asked = one.container("db").exec_run(("psql", "-U", "postgres", "-c", "select * from mine"), user="postgres")
    assert (asked.exit_code, b"does not exist" in asked.output) == (1, True)
    assert [volume.attrs["CreatedAt"] for volume in one.volumes()] != [volume.attrs["CreatedAt"] for volume in volumes]
