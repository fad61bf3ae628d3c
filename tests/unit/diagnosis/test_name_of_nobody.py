"""`why` says of a name that leads to an address outside of the lab just that, and not that packets are lost."""

from __future__ import annotations

import pytest
from walk_harness import FAR, FOUND, dns_reply, far, tcp, walked

from orchestrator.checks.probes import ProgramResult

ELSEWHERE = FAR.replace("nodes:", "records: {old: {A: 192.168.250.77}}\nnodes:", 1)


@pytest.mark.parametrize("ended", ["silent 3", "bash: connect: No route to host"])
def test_a_name_that_leads_to_nobody(ended: str) -> None:
    world = far(ELSEWHERE)
    server = world.topology.address_for("client", "resolver")
    rows = FOUND.format(rows="old.shop.lab. 60 IN A 192.168.250.77", server=server)
    world.rules += [dns_reply(ProgramResult(0, rows, "")), tcp(ended)]
    walk = walked(world, from_="client", connects="old.shop.lab:80")
    assert walk.broken
    assert walk.broken.name == "tcp"
    assert walk.sentence.startswith("The name old.shop.lab leads to 192.168.250.77, which no machine of this lab has;")


def test_a_name_that_leads_to_a_machine_of_the_lab_is_another_matter() -> None:
    world = far()
    world.rules.append(tcp("silent 3"))
    assert "no machine of this lab" not in walked(world, from_="client", connects="app-1.shop.lab:80").sentence
