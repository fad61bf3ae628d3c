"""Notes: what a valid file says that its author may not have meant, each with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.operations.scenario_library import load_scenario, scenario_notes
from orchestrator.reading.scenario import read_scenario

SHOP = """\
name: shop
title: A shop
domain: shop.lab
nodes:
  dns: {role: dns, zones: {shop.lab: {}, example.org: {records: {weather: {A: 192.168.7.7}}}}}
  app: {role: app}
  client: {role: client, uses: [app]}
"""
NAMES = "the names are dns.shop.lab, app.shop.lab, client.shop.lab, weather.example.org"
OUTSIDE = "is outside of the lab's domain shop.lab, and no zone of the lab has it"


def notes(text: str) -> list[str]:
    reading = read_scenario(text, file="s.yaml", read_companion=lambda _name: None)
    return [str(note) for note in reading.notes]


@pytest.mark.parametrize(
    ("check", "note"),
    [
        ("http: 'http://app.shop.local/'", f"'app.shop.local' {OUTSIDE}; did you mean 'app.shop.lab'? {NAMES}"),
        ("connects: 'xx.invalid:80'", f"'xx.invalid' {OUTSIDE}; {NAMES}"),
        ("cannot_connect: 'xx.invalid:80'", f"'xx.invalid' {OUTSIDE}; {NAMES}"),
        ("resolves: xx.invalid, to: app", f"'xx.invalid' {OUTSIDE}; {NAMES}"),
    ],
)
def test_a_name_that_no_zone_of_the_lab_has_is_noted(check: str, note: str) -> None:
    key = check.partition(":")[0]
    text = f"{SHOP}checks:\n  - {{name: x, from: client, {check}}}\n"
    assert notes(text) == [f"s.yaml:9:{29 + len(key) + 2}: checks[0].{key}: {note}"]


@pytest.mark.parametrize(
    "check",
    [
        "http: 'http://app.shop.lab/'",
        "http: 'http://weather.example.org/'",
        "http: 'http://${app}/'",
        "connects: 'localhost:80'",
        "connects: '192.168.7.7:80'",
        "resolves: www.example.com, rcode: NXDOMAIN",
    ],
)
def test_a_name_that_the_lab_knows_or_shall_not_know_is_not(check: str) -> None:
    assert notes(f"{SHOP}checks:\n  - {{name: x, from: client, {check}}}\n") == []


@pytest.mark.parametrize(
    ("node", "note"),
    [
        (
            "{role: service}",
            "this node runs no program of yours and only waits; give it command: [PROGRAM, …] or image: NAME",
        ),
        ("{role: service, command: [sleep, '9']}", ""),
        ("{role: service, image: 'nginx:1'}", ""),
        ("{role: proxy}", "this proxy passes nothing on, and answers every request itself; write uses: [NODE]"),
        ("{role: proxy, uses: [app]}", ""),
        ("{role: proxy, listens: [{port: 80}]}", ""),
    ],
)
def test_a_node_that_does_nothing_is_noted(node: str, note: str) -> None:
    """Without a program of its own, or without a server behind it."""
    assert notes(f"{SHOP}  web: {node}\n") == ([f"s.yaml:8:3: nodes.web: {note}"] if note else [])


def test_a_folder_with_another_name_is_noted(tmp_path: Path) -> None:
    for name in ("shop", "store"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "scenario.yaml").write_text(SHOP)
    assert scenario_notes(load_scenario(str(tmp_path / "shop"))) == ()
    (note,) = scenario_notes(load_scenario(str(tmp_path / "store")))
    assert (note.line, note.path) == (1, "name")
    assert note.message == "the folder is called 'store', and commands find the scenario by that name; call both alike"


@pytest.mark.parametrize("folder", sorted(Path(__file__).parents[3].glob("scenarios/*")), ids=lambda path: path.name)
def test_no_scenario_of_ours_has_a_note(folder: Path) -> None:
    assert scenario_notes(load_scenario(str(folder))) == ()
