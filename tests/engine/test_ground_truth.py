"""What the story counts from the packets alone is what the servers' own logs counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lab_bench import CHECKOUT, Bench

REQUESTS, CLIENTS = 2000, ("client1", "client2", "client3")
# Each request has a connection of its own, and asks DNS for A and AAAA as getaddrinfo(3) does.
ASK = """
import http.client
for _ in range({count}):
    connection = http.client.HTTPConnection("app.shop.lab.", timeout=60)
    connection.request("GET", "/items")
    assert connection.getresponse().read()
    connection.close()
"""
SCENARIO = """\
name: crowd
title: Three clients at once
domain: shop.lab
capture: true
nodes:
  dns: {role: dns}
  db:  {role: database, seed: seed.sql}
  app: {role: app, uses: [db]}
  client1: {role: client, uses: [app]}
  client2: {role: client, uses: [app]}
  client3: {role: client, uses: [app]}
"""

pytestmark = pytest.mark.truth


@pytest.fixture
def pending_connections(bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    """The lab, recorded from its first packet, whose database logs every statement."""
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    (tmp_path / "seed.sql").write_text((CHECKOUT / "scenarios" / "basic" / "seed.sql").read_text())
    one = Bench(bench.engine, bench.lab, str(file), 240.0)
    one.up()
    alter = ["psql", "-U", "postgres", "-d", "app", "-c", "alter system set log_statement = 'all'"]
    assert one.container("db").exec_run(alter).exit_code == 0
    assert one.container("db").exec_run([*alter[:-1], "select pg_reload_conf()"]).exit_code == 0
    yield one
    assert one.cli("down").code == 0


def log(bench: Bench, node: str) -> str:
    return str(bench.container(node).logs().decode())


def test_two_thousand_requests_are_counted_as_the_servers_counted_them(pending_connections: Bench) -> None:
    """HTTP requests, DNS questions by type, SQL statements with BEGIN and COMMIT; nothing is lost."""
    shares = [REQUESTS // 3, REQUESTS // 3, REQUESTS - 2 * (REQUESTS // 3)]
    with ThreadPoolExecutor(3) as pool:
        asked = pool.map(
            lambda client, count: pending_connections.container(client).exec_run(
                ["python3", "-c", ASK.format(count=count)]
            ),
            CLIENTS,
            shares,
        )
        assert [(one.exit_code, one.output) for one in asked] == [(0, b"")] * 3
    story = pending_connections.cli("trace", "--json")
    assert story.code == 0, story.err
    head = json.loads(story.out.partition("\n")[0])
    queries = [
        line
        for line in log(pending_connections, "dns").splitlines()
        if "query: " in line and "wirelab-probe" not in line
    ]
    types = [re.search(r"query: \S+ IN (\S+)", line)[1] for line in queries]  # type: ignore[index]
    requests = re.findall(r"^access \S+ \"GET /items", log(pending_connections, "app"), re.MULTILINE)
    statements = re.findall(r"app@app LOG:  (?:statement|execute [^:]*): ", log(pending_connections, "db"))
    counts = head["counts"]
    assert counts["requests"] == len(requests) == REQUESTS
    assert counts["questions"] == {"A": types.count("A"), "AAAA": types.count("AAAA")}
    # A resolver that gets no answer in time asks again.
    assert types.count("AAAA") >= REQUESTS
    assert counts["statements"] == len(statements) >= REQUESTS
    assert not any(head["losses"].values())
