"""`check` leaves the lab as it is declared, and nothing in the application's data. It writes events only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import yaml
from lab_bench import CHECKOUT, Bench, Ran

SCENARIOS = CHECKOUT / "scenarios"
# What wirelab remembers of a start: another one after a fault that stops and starts the node.
OF_A_START = ("ready", "cut_at", "routed_at")
# Which command worked on the lab last, and which ended: a check that heals its fault is one.
OF_A_RUN = ("run", "retired")
SHOP = """\
name: shop
title: A database and what uses it
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}
checks:
"""
INSERT = """\
  - {name: SQL inserts, from: db, sql: "insert into items (name) values ('${random}') returning 1", rows: [[1]]}
"""
COMMIT = """\
  - {name: SQL commits, from: db, sql: "insert into items (name) values ('${random}'); commit"}
"""
POST = """\
  - name: HTTP posts
    from: client
    http: http://app.shop.lab/items
    method: POST
    send: {name: "${random}"}
    status: 201
"""
FAULTS = """\
  - {name: The app stops, from: client, http: "http://app.shop.lab/health", during: {pause: db}}
  - {name: No name, from: client, resolves: app.shop.lab, answered: false, during: {stop: dns}}
  - {name: No way, from: client, cannot_connect: "app.shop.lab:80", during: {disconnect: app}}
  - {name: A cut, from: client, resolves: app.shop.lab, answered: false, during: {cut: [[client], [dns]]}}
  - name: Another address
    from: client
    resolves: app.shop.lab
    to: client
    during: {record: {server: dns, name: app.shop.lab, value: "${client}"}}
"""


def databases(scenario: str) -> list[str]:
    """The database nodes that a scenario's file declares."""
    nodes = yaml.safe_load((Path(scenario) / "scenario.yaml").read_text())["nodes"]
    return [name for name, node in nodes.items() if node["role"] == "database"]


WITH_DATABASE = sorted(path.name for path in SCENARIOS.iterdir() if databases(str(path)))


def dump(bench: Bench, node: str) -> str:
    """All that the application keeps: tables, rows and the counters of sequences, by pg_dump(1)."""
    ran = bench.container(node).exec_run(["pg_dump", "-U", "app", "-d", "app"])
    assert ran.exit_code == 0, ran.output
    # Newer releases write a word of chance around the dump.
    return re.sub(r"^\\(un)?restrict .*$", "", ran.output.decode(), flags=re.MULTILINE)


def files(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in OF_A_RUN:
            text = file.read_text()
            if file.name == "record.json":
                text = json.dumps({name: value for name, value in json.loads(text).items() if name not in OF_A_START})
            yield str(file.relative_to(folder)), text


def seen(bench: Bench) -> dict[str, object]:
    """The lab on the engine, in its folder, and in its databases."""
    volumes = bench.engine.client.volumes.list(filters={"label": f"wirelab.lab={bench.lab}"})
    places = [container.attrs["NetworkSettings"]["Networks"] for container in bench.containers()]
    return {
        "containers": sorted((container.id, container.status) for container in bench.containers()),
        "places": sorted((n["NetworkID"], n["IPAddress"]) for place in places for n in place.values()),
        "networks": sorted(network.id for network in bench.networks()),
        "volumes": sorted(volume.name for volume in volumes),
        "data": [dump(bench, node) for node in databases(str(SCENARIOS / bench.scenario))],
        **dict(files(bench.folder)),
    }


def changed_by(bench: Bench, act: Callable[[], object]) -> list[str]:
    before = seen(bench)
    act()
    after = seen(bench)
    return [part for part in {**before, **after} if before.get(part) != after.get(part)]


def of_text(bench: Bench, folder: Path, checks: str) -> Bench:
    (folder / "scenario.yaml").write_text(SHOP + checks)
    (folder / "seed.sql").write_text("create table items (id serial primary key, name text);")
    return replace(bench, scenario=str(folder), seconds=180)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("scenario", WITH_DATABASE)
def test_checks_of_the_library_leave_the_lab_and_its_data_as_they_were(bench: Bench, scenario: str) -> None:
    bench = replace(bench, scenario=scenario, seconds=180)
    bench.up()
    ran: list[Ran] = []
    assert changed_by(bench, lambda: ran.append(bench.cli("check"))) == []
    assert ran[0].code == 0, ran[0].out


def test_checks_with_each_kind_of_fault_leave_the_lab_as_it_was(bench: Bench, tmp_path: Path) -> None:
    """Also where such a check fails: the first one of these does."""
    bench = of_text(bench, tmp_path, FAULTS)
    bench.up()
    ran: list[Ran] = []
    assert changed_by(bench, lambda: ran.append(bench.cli("check", "--json"))) == []
    assert "unknown" not in {finding["verdict"] for finding in ran[0].document["findings"]}, ran[0].out
    plan = bench.cli("plan").out
    assert plan == f"nothing to do: the lab {bench.lab!r} is as its file declares\n"


def test_what_the_statement_of_a_check_writes_is_rolled_back(bench: Bench, tmp_path: Path) -> None:
    """The check sees its own row, and nobody else ever does."""
    bench = of_text(bench, tmp_path, INSERT)
    bench.up()
    assert bench.verdicts()[0] == 0
    ran = bench.container("db").exec_run(["psql", "-U", "app", "-d", "app", "-tc", "select count(*) from items"])
    assert ran.output.strip() == b"0"


def test_this_comparison_sees_what_is_left(bench: Bench, tmp_path: Path) -> None:
    """The control: a statement that commits, a request that posts, and a fault that stays."""
    bench = of_text(bench, tmp_path, COMMIT + POST)
    bench.up()
    assert changed_by(bench, partial(bench.cli, "check", "--only", "commits")) == ["data"]
    assert changed_by(bench, partial(bench.cli, "check", "--only", "posts")) == ["data"]
    assert changed_by(bench, bench.container("client").pause) == ["containers"]
