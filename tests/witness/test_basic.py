"""An independent witness: a container of our own, started with testcontainers, joins the lab's network and looks.

It asks with dig, psql, curl and requests. Nothing here is imported from wirelab: what it says of the basic lab is found
out without its code. The lab is brought up by the command, as anybody would.
"""

from __future__ import annotations

import os

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # the reaper's image cannot be had without a registry

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from lab_bench import Bench
from own_images import client_image
from testcontainers.core.container import DockerContainer

Ask = Callable[..., tuple[int, str]]


@contextmanager
def witness_in(lab: Bench, run_label: str) -> Iterator[Ask]:
    """A witness in a lab: runs a program, and returns its exit code and what it wrote."""
    image = client_image(lab.engine.client)
    assert image
    labels = {"wirelab.lab": f"{lab.lab}-witness", "wirelab.run": run_label}
    witness = DockerContainer(image).with_command("sleep infinity")
    with witness.with_kwargs(network=lab.network().id, labels=labels, dns=[lab.address("dns")]) as running:

        def run(*argv: str, **environ: str) -> tuple[int, str]:
            found = running.get_wrapped_container().exec_run(list(argv), environment=environ)
            return int(found.exit_code), str(found.output.decode())

        yield run
    left = lab.engine.client.containers.list(all=True, filters={"label": f"wirelab.lab={lab.lab}-witness"})
    assert left == []


@pytest.fixture(scope="module")
def ask(shared: Bench, run_label: str) -> Iterator[Ask]:
    """The witness in the lab that the tests share. The fixture `engine` has set DOCKER_HOST."""
    with witness_in(shared, run_label) as run:
        yield run


def test_names(ask: Ask, shared: Bench) -> None:
    """The lab's DNS server answers a stranger: A, PTR, NXDOMAIN, each with the authority it has."""
    dns, app = shared.address("dns"), shared.address("app")
    assert ask("dig", "+short", f"@{dns}", "app.shop.lab") == (0, f"{app}\n")
    assert ask("dig", "+short", f"@{dns}", "-x", app) == (0, "app.shop.lab.\n")
    _, answer = ask("dig", f"@{dns}", "app.shop.lab")
    assert " aa " in next(line for line in answer.splitlines() if "flags:" in line)
    assert "status: NXDOMAIN" in ask("dig", f"@{dns}", "nobody.shop.lab")[1]
    assert "status: NXDOMAIN" in ask("dig", "+time=5", "+tries=1", f"@{dns}", "www.example.com")[1]


def test_no_name_but_from_the_server(standing: Bench, run_label: str) -> None:
    """The engine's own resolver knows the lab's names from the DNS server alone: once that is stopped, none."""
    dig = ("dig", "+short", "+time=5", "+tries=1", "@127.0.0.11")
    addresses = {f"{node}.shop.lab": standing.address(node) for node in ("app", "db", "client")}
    with witness_in(standing, run_label) as ask:
        assert [ask(*dig, name)[1] for name in addresses] == [f"{address}\n" for address in addresses.values()]
        standing.container("dns").stop(timeout=1)
        for name, address in addresses.items():
            assert address not in ask(*dig, name)[1]


def test_rows(ask: Ask, shared: Bench) -> None:
    """A row that the witness writes by SQL is in what it gets over HTTP, and the other way round."""
    password = shared.container("app").exec_run("cat /wirelab/password").output.decode().strip()
    by_sql, by_http = f"w{secrets.token_hex(6)}", f"w{secrets.token_hex(6)}"
    db, app = shared.address("db"), shared.address("app")
    psql = ("psql", "-h", db, "-U", "app", "-d", "app", "-At", "-c")
    code, text = ask(*psql, f"insert into items (name) values ('{by_sql}')", PGPASSWORD=password)
    assert code == 0, text
    assert by_sql in ask("curl", "-sS", f"http://{app}/items")[1]
    item = json.dumps({"name": by_http})
    posted = ask("curl", "-sS", "-f", "-H", "content-type: application/json", "-d", item, f"http://{app}/items")
    assert posted[0] == 0, posted
    assert ask(*psql, f"select name from items where name = '{by_http}'", PGPASSWORD=password) == (0, f"{by_http}\n")
    code, text = ask(*psql, "select 1", PGPASSWORD="wrong")
    assert code == 2
    assert "password authentication failed" in text


def test_who_is_who(ask: Ask, shared: Bench) -> None:
    """The app tells the witness's address, its own, and the database's: server to the one, client of the other."""
    who = json.loads(ask("curl", "-sS", f"http://{shared.address('app')}/whoami")[1])
    own = ask("hostname", "-I")[1].split()[0]
    text = json.dumps(who)
    assert own in text
    assert shared.address("app") in text
    assert shared.address("db") in text


def test_ports(ask: Ask, shared: Bench) -> None:
    """A port belongs to a machine: 80 is open on the app alone, 5432 on the database alone."""
    for node, port, code in (("app", "80", 0), ("app", "5432", 1), ("db", "5432", 0), ("db", "80", 1)):
        assert ask("nc", "-z", "-w", "5", shared.address(node), port)[0] == code, (node, port)


def test_nothing_leaves(ask: Ask) -> None:
    """The network is internal: from a machine on it, the outside cannot be reached."""
    assert ask("nc", "-z", "-w", "1", "198.51.100.1", "80")[0] == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only a Linux host has routes to its containers")
def test_from_the_host(shared: Bench) -> None:
    """From the host, at the app's address: the shop's rows over HTTP."""
    found = requests.get(f"http://{shared.address('app')}/items", timeout=60)
    assert found.status_code == 200
    assert "anvil" in {item["name"] for item in found.json()}
