"""Time makes no verdict wrong: the asker or its target at 1 % of a processor, and an engine that answers late or never.

One lab, and each kind of check that waits, once true and once false. A verdict may be unknown; then it says why.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from engine_proxy import proxy_of
from lab_bench import CHECKOUT, Bench

SCENARIO = """\
name: slow
title: A lab that gets no processor
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}
checks:
  - {name: true resolves, from: client, resolves: app.shop.lab, to: app}
  - {name: false resolves, from: client, resolves: app.shop.lab, to: db}
  - {name: false silence, from: client, resolves: app.shop.lab, answered: false}
  - {name: true connects, from: client, connects: "app.shop.lab:80"}
  - {name: false connects, from: client, connects: "app.shop.lab:81"}
  - {name: true cannot_connect, from: client, cannot_connect: "app.shop.lab:81"}
  - {name: false cannot_connect, from: client, cannot_connect: "app.shop.lab:80"}
  - {name: true http, from: client, http: "http://app.shop.lab/health"}
  - {name: false http, from: client, http: "http://app.shop.lab/health", status: 500}
  - {name: true sql, from: app, sql: select 1, rows: [[1]]}
  - {name: false sql, from: app, sql: select 1, rows: [[2]]}
  - {name: true runs, from: client, runs: [curl, -sS, --max-time, "4", "http://app.shop.lab/health"]}
  - {name: false runs, from: client, runs: ["false"]}
  - {name: true listens, node: app, listens: [{port: 80}]}
  - {name: false listens, node: app, listens: [{port: 81}]}
  - {name: true binds, from: client, binds: "0.0.0.0:1080"}
  - {name: false takes, from: client, http: "http://app.shop.lab/health", takes: {at_least: 9}}
"""
ONE_PERCENT, WHOLE = 10_000_000, 1_000_000_000  # of a processor, in its billionths (Engine API, "NanoCpus")
# At 1 % of a processor all others together would take minutes.
TIME_LIMITED = ("true http", "false silence", "true runs")
RIGHT = {"true": "pass", "false": "fail"}
REASONS = ("could not be asked: ", "not measured", "the node got no processor time")


def wrong_verdicts(bench: Bench, *only: str, **environ: str) -> list[str]:
    """The verdicts that are neither right nor unknown with a reason."""
    ran = bench.cli("check", "--json", *(word for text in only for word in ("--only", text)), **environ)
    assert ran.code in (1, 3), ran.err
    found = [(one["check"], one["verdict"], one["actual"]) for one in ran.document["findings"]]
    assert len(found) >= len(only or RIGHT)
    return [
        f"{check}: {verdict}: {actual}"
        for check, verdict, actual in found
        if verdict != RIGHT[check.split()[0]]
        and not (verdict == "unknown" and any(reason in actual for reason in REASONS))
    ]


def limit_processor(bench: Bench, node: str, billionths: int) -> None:
    """What `docker update --cpus` does, for which the SDK has no word."""
    api = bench.engine.client.api
    response = api._post_json(api._url("/containers/{0}/update", bench.container(node).id), {"NanoCpus": billionths})
    assert response.status_code == 200, response.text


@pytest.mark.waits
def test_time_makes_no_verdict_wrong(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    bench = replace(bench, scenario=str(tmp_path))
    bench.up()
    wrong: dict[str, list[str]] = {}
    limit_processor(bench, "client", ONE_PERCENT)
    wrong["client at 1 %"] = wrong_verdicts(bench, *TIME_LIMITED)
    limit_processor(bench, "client", WHOLE)
    limit_processor(bench, "app", ONE_PERCENT)
    wrong["app at 1 %"] = wrong_verdicts(bench, "true http", "false takes")
    limit_processor(bench, "app", WHOLE)
    with proxy_of(bench.engine.url, tmp_path / "late.sock") as late:
        late.at_first_program(lambda: late.hold_up(seconds=3.0))
        wrong["engine 3 s late"] = wrong_verdicts(bench, DOCKER_HOST=late.url)
    with proxy_of(bench.engine.url, tmp_path / "frozen.sock") as frozen:
        frozen.at_first_program(frozen.freeze)
        ran = bench.cli("check", DOCKER_HOST=frozen.url)
    assert wrong == {situation: [] for situation in wrong}
    assert (ran.code, "error: the container engine does not answer" in ran.err) == (3, True), ran.err
    assert "not even to a ping" in ran.err
    swept = (sys.executable, "-m", "orchestrator", "sweep")
    assert subprocess.run(swept, env=bench.engine.environ, cwd=CHECKOUT, check=False).returncode == 0
