"""Labs for tests of pictures: one of four nodes, and one of thirty on three networks."""

from __future__ import annotations

from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.graph import Picture
from orchestrator.rendering.graph_svg import svg

SMALL = """\
name: small
title: A <small> & "quoted" lab
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  dns: {role: dns}
  db: {role: database}
  app: {role: app, uses: [db]}
  client: {role: client, uses: [app]}
"""


def _thirty() -> str:
    nodes = [
        "dns: {role: dns, networks: [front, middle, back]}",
        *(f"db{i}: {{role: database, networks: [back]}}" for i in range(1, 4)),
        *(f"app{i}: {{role: app, networks: [middle, back], uses: [db{i % 3 + 1}]}}" for i in range(1, 9)),
        *(
            f"web{i}: {{role: service, image: 'web:1', networks: [front, middle], uses: [app{2 * i - 1}, app{2 * i}],"
            " listens: [{port: 80}]}"
            for i in range(1, 5)
        ),
        *(f"client{i}: {{role: client, networks: [front], uses: [web{i % 4 + 1}]}}" for i in range(1, 15)),
    ]
    lines = "".join(f"  {node}\n" for node in nodes)
    return f"name: thirty\ntitle: Thirty nodes\nnetworks: {{front: , middle: , back: }}\nnodes:\n{lines}"


THIRTY = _thirty()


def lab(text: str) -> Topology:
    """The topology of a scenario of which nothing stands."""
    scenario = read_scenario(text, file="f", read_companion=lambda _name: None).scenario
    return assign_addresses(scenario.name, scenario, Snapshot("/state", "run", {}), {})


def drawn(picture: Picture) -> str:
    """The picture's SVG."""
    return svg(picture)
