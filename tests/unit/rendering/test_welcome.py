"""The welcome of a shell names every machine and what it serves, in 80 columns, and nothing that is not there."""

from __future__ import annotations

import re

import library
import pytest

from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.welcome import WIDTH, services_text, welcome_text

pytestmark = pytest.mark.slow


def place(name: str) -> Topology:
    reading = library.loaded(name).reading
    return assign_addresses(name, reading.scenario, Snapshot(folder="", run="", images={}), reading.texts)


def written(nodes: str) -> Topology:
    scenario = read_scenario(
        f"name: w\ntitle: t\ndomain: w.lab\nnodes:\n{nodes}", file="w", read_companion=lambda _: ""
    ).scenario
    return assign_addresses("w", scenario, Snapshot(folder="", run="", images={}), {})


@pytest.mark.parametrize("name", library.NAMES)
def test_every_machine_is_named_and_no_line_is_wider_than_a_terminal(name: str) -> None:
    lab = place(name)
    for node_name in lab.scenario.nodes:
        text = welcome_text(lab, node_name)
        assert max(map(len, text.splitlines())) <= WIDTH
        assert [name for name in lab.scenario.nodes if lab.name_of(name) not in text] == []
        assert text.startswith(f"You are on {node_name} (")


def test_what_each_machine_serves_is_said() -> None:
    """By the protocol of its server; by its ports where the program is the author's own."""
    lab = place("well-known")
    served = {name: services_text(lab, name) for name in lab.scenario.nodes}
    assert served == {
        "dns": "DNS on port 53",
        "web": "HTTP on port 80, HTTPS on port 443",
        "shell": "SSH on port 22",
        "client": "serves nothing",
    }
    assert services_text(place("ports"), "server") == "tcp port 8080, tcp port 8081, tcp port 9090 (to itself only)"
    assert services_text(place("tiers"), "router") == "passes packets on between its networks"


@pytest.mark.parametrize("name", library.NAMES)
def test_no_file_is_mentioned_that_the_node_does_not_have(name: str) -> None:
    """The password's file is named to those who have it."""
    lab = place(name)
    for node_name in lab.scenario.nodes:
        files = set(re.findall(r"/wirelab/([\w-]+)", welcome_text(lab, node_name)))
        assert files <= set(lab.password_files(node_name))


def test_a_client_of_a_database_learns_how_to_talk_to_it() -> None:
    lab = written("  dns: {role: dns}\n  db: {role: database}\n  c: {role: client, uses: [db]}\n")
    assert "PGPASSWORD=$(cat /wirelab/password) psql -h db.w.lab -U app app" in welcome_text(lab, "c")


def test_a_machine_of_an_image_of_the_authors_is_promised_no_tools() -> None:
    lab = written("  dns: {role: dns}\n  own: {role: client, image: nginx}\n")
    assert "Things to try" not in welcome_text(lab, "own")
    assert "Things to try" in welcome_text(lab, "dns")
