"""Which nodes a program names, and which it does not; the walk of a check that runs it goes to those."""

from __future__ import annotations

import re

import pytest
from walk_harness import FAR, far, state, walked

from orchestrator.diagnosis.program_words import name_in_words, port_in_words

PYTHON = "import socket; socket.create_connection(('db', 5432), 2)"


@pytest.mark.parametrize(
    ("words", "name", "port"),
    [
        ("getent hosts db", "db", None),
        ("nc -z -w 2 db 5432", "db", 5432),
        ("bash -c getent ahosts db | head -n 1", "db", None),
        ("psql -c select host=db", "db", None),
        (f"python3 -c {PYTHON}", "db", 5432),
        ('python3 -c socket.getaddrinfo("db", 5432)', "db", 5432),
        ("nc -z db.shop.lab 5432", "db.shop.lab", 5432),
        ("curl db.shop.lab.:5432", "db.shop.lab", 5432),
    ],
)
def test_a_name_is_seen_where_the_program_looks_it_up(words: str, name: str, port: int | None) -> None:
    assert name_in_words(words, "db", "client", far().topology) == name
    assert port_in_words(words, name) == port


@pytest.mark.parametrize(
    "words",
    [
        "grep db /etc/services",
        "echo the db is away",
        "cat /tmp/db",
        "curl -s http://app.shop.lab/db",
        "getent hosts db-2",
        "getent services db",
        "dig +short db",
        "getent hosts app-1; ls db",
    ],
)
def test_a_word_that_may_mean_anything_names_no_node(words: str) -> None:
    assert name_in_words(words, "db", "client", far().topology) == ""


@pytest.mark.parametrize("words", [["getent", "hosts", "db"], ["python3", "-c", PYTHON]])
def test_the_walk_goes_to_the_node_of_a_short_name(words: list[str]) -> None:
    world = far()
    world.rules.append(state("db", "stopped", 137))
    assert "The node db is stopped" in walked(world, from_="client", runs=words).sentence


def test_a_short_name_is_walked_as_it_is_written() -> None:
    """The file /etc/hosts has the whole name alone, which a program that was given the short one does not meet."""
    clerk = "clerk:    {role: client, networks: [near], hosts: {db.shop.lab: 192.0.2.7}, uses: [app]}"
    world = far(re.sub(r"clerk: .*", clerk, FAR))
    world.rules.append(state("db", "stopped", 137))
    walk = walked(world, from_="clerk", runs=["python3", "-c", PYTHON])
    assert "192.0.2.7" not in {layer.target for layer in walk.layers}
    assert walk.sentence == "The node db is stopped, so nobody can reach it."


def test_a_program_whose_way_holds_is_to_be_run_again() -> None:
    """What it wrote is in no log."""
    walk = walked(far(), from_="client", runs=["nc", "-z", "db", "5432"])
    assert walk.command == "wirelab exec far client -- nc -z db 5432"
    assert walk.sentence.startswith("What is below it holds, but the check itself does not: ")
