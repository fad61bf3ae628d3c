"""Checks of another process, while a lesson waits for the learner: they complete no task and are no attempt at one."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_bench import Bench, Engine
from learner import HELP, Learner

SCENARIO = """\
name: watched
title: Somebody checks while somebody learns
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database}
  web:    {role: proxy, listens: [{port: 80}, {port: 443, tls: {names: [web.shop.lab]}}]}
  client: {role: client, uses: [web, db]}
checks:
  - {name: It resolves, from: client, resolves: web.shop.lab}
  - {name: It connects, from: client, connects: "web.shop.lab:80"}
  - {name: It connects from its address, from: client, connects: "web.shop.lab:80", from_address: "${client}"}
  - {name: Nobody listens, from: client, cannot_connect: "web.shop.lab:81"}
  - {name: It shakes hands, from: client, tls: "web.shop.lab:443"}
  - {name: It fetches, from: client, http: "http://web.shop.lab/"}
  - {name: It fetches safely, from: client, http: "https://web.shop.lab/"}
  - {name: The database answers, from: client, sql: select 1, rows: [["1"]]}
  - {name: Nobody answers, from: client, udp: "web.shop.lab:9", answered: false}
  - {name: Nobody listens on the client itself, from: client, cannot_connect: "127.0.0.1:80"}
  - {name: A program connects, from: client, runs: [bash, -c, "exec 3<>/dev/tcp/web.shop.lab/80"]}
  - {name: The name is another one, from: client, http: "https://web.shop.lab/", contains: nothing so, within: 1}
"""
LESSON = """\
---
title: Somebody checks meanwhile
minutes: 1
shell: [client]
tasks:
  look-up:
    title: Look web up.
    observe: {from: client, resolves: web.shop.lab, to: web}
    solve: {from: client, run: [dig, web.shop.lab]}
  connect:
    title: Connect to web.
    observe: {from: client, connects: "web.shop.lab:80"}
    solve: {from: client, run: [bash, -c, "exec 3<>/dev/tcp/web.shop.lab/80"]}
  refused:
    title: Be refused by web.
    observe: {from: client, connects: "web.shop.lab:81", outcome: refused}
    solve: {from: client, run: [bash, -c, "exec 3<>/dev/tcp/web.shop.lab/81"]}
  shake:
    title: Shake hands with web.
    observe: {from: client, tls: "web.shop.lab:443"}
    solve: {from: client, run: [curl, -s, "https://web.shop.lab/"]}
  fetch:
    title: Fetch a page.
    observe: {from: client, http: "http://web.shop.lab/"}
    solve: {from: client, run: [curl, -s, "http://web.shop.lab/"]}
---
::task{look-up}

::task{connect}

::task{refused}

::task{shake}

::task{fetch}
"""
# What the learner does: the same as the checks do.
OWN = (
    ("dig", "web.shop.lab"),
    ("bash", "-c", "exec 3<>/dev/tcp/web.shop.lab/80"),
    ("bash", "-c", "exec 3<>/dev/tcp/web.shop.lab/81"),
    ("bash", "-c", "openssl s_client -connect web.shop.lab:443 -servername web.shop.lab </dev/null"),
    ("curl", "-s", "http://web.shop.lab/"),
)


@pytest.fixture
def watched(engine: Engine, tmp_path: Path, bench: Bench) -> Bench:
    folder = tmp_path / "watched"
    folder.mkdir()
    for name, text in {"scenario.yaml": SCENARIO, "lesson.md": LESSON}.items():
        (folder / name).write_text(text, "utf-8")
    return Bench(engine, bench.lab, str(folder))


def test_checks_of_another_process_complete_no_task_and_the_same_by_the_learner_does(watched: Bench) -> None:
    """At each task all kinds of checks run, and `why` of one that fails; then the learner does the same by hand."""
    with Learner(watched, seed=1) as learner:
        for number, own in enumerate(OWN, 1):
            learner.hears(f"task {number} of 5")
            ran = watched.cli("check")
            assert ran.code == 1, ran.err  # the last check alone fails
            assert "11 passed, 1 failed" in ran.out, ran.out
            learner.types("help")
            said = learner.hears(HELP)
            assert "not yet:" not in said, own
            assert "done:" not in said, own
            learner.runs(*own)
            learner.hears("done: ")
        learner.hears("tasks done")
        assert learner.ends() == 0
