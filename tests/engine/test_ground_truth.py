"""What the story counts from the packets alone is what the servers' own logs counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab_bench import CHECKOUT, Bench

CLIENTS = ("client1", "client2", "client3")
LABS = 3
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


@dataclass(frozen=True)
class Totals:
    """What was counted: HTTP requests, DNS questions by type, SQL statements."""

    requests: int
    questions: Mapping[str, int]
    statements: int


@pytest.fixture
def recorded_lab(bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    """The lab, recorded from its first packet."""
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    (tmp_path / "seed.sql").write_text((CHECKOUT / "scenarios" / "basic" / "seed.sql").read_text())
    lab = Bench(bench.engine, bench.lab, str(file), 240.0)
    yield lab
    assert lab.cli("down").code == 0


def log(lab: Bench, node: str) -> str:
    return str(lab.container(node).logs().decode())


def log_statements(lab: Bench) -> None:
    """Have the database log every statement."""
    alter = ["psql", "-U", "postgres", "-d", "app", "-c", "alter system set log_statement = 'all'"]
    assert lab.container("db").exec_run(alter).exit_code == 0
    assert lab.container("db").exec_run([*alter[:-1], "select pg_reload_conf()"]).exit_code == 0


def ask(lab: Bench, requests: int) -> None:
    """Send the requests, from all clients at once."""
    share, rest = divmod(requests, len(CLIENTS))

    def asked_by(client: str, count: int) -> tuple[int, bytes]:
        ended = lab.container(client).exec_run(["python3", "-c", ASK.format(count=count)])
        return ended.exit_code, ended.output

    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        ends = pool.map(asked_by, CLIENTS, [share + rest, *[share] * (len(CLIENTS) - 1)])
        assert list(ends) == [(0, b"")] * len(CLIENTS)


def counted_by_servers(lab: Bench) -> Totals:
    queries = [line for line in log(lab, "dns").splitlines() if "query: " in line and "wirelab-probe" not in line]
    types = Counter(re.search(r"query: \S+ IN (\S+)", line)[1] for line in queries)  # type: ignore[index]
    requests = re.findall(r"^access \S+ \"GET /items", log(lab, "app"), re.MULTILINE)
    statements = re.findall(r"app@app LOG:  (?:statement|execute [^:]*): ", log(lab, "db"))
    return Totals(len(requests), dict(types), len(statements))


def counted_by_story(lab: Bench) -> tuple[Totals, bool]:
    """What the story counted, and whether it says that packets are missing."""
    story = lab.cli("trace", "--json")
    assert story.code == 0, story.err
    head = json.loads(story.out.partition("\n")[0])
    counts = head["counts"]
    return Totals(counts["requests"], counts["questions"], counts["statements"]), any(head["losses"].values())


def test_requests_are_counted_as_the_servers_counted_them(recorded_lab: Bench, pytestconfig: pytest.Config) -> None:
    """Two thousand HTTP requests, DNS questions by type, SQL statements with BEGIN and COMMIT; nothing is lost.

    A kernel that has no time drops packets, and the story says so. Then there is nothing to compare: all begins anew.
    """
    count = 2000 if pytestconfig.getoption("full") else 300
    for _ in range(LABS):
        recorded_lab.up()
        log_statements(recorded_lab)
        ask(recorded_lab, count)
        (by_story, lossy), by_servers = counted_by_story(recorded_lab), counted_by_servers(recorded_lab)
        if not lossy:
            break
        assert recorded_lab.cli("down").code == 0
    assert not lossy
    assert by_story == by_servers
    assert by_servers.requests == count
    # A resolver that gets no answer in time asks again.
    assert by_servers.questions["AAAA"] >= count
    assert by_servers.statements >= count
