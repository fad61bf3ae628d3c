"""A node with replicas is several machines under one name: in plans, in the lab's DNS, in faults and in pictures."""

from __future__ import annotations

import pytest
from faulty import injected
from observed_labs import nothing, planned, scenario, standing

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.disconnect import Disconnect
from orchestrator.model.faults.pause import Pause
from orchestrator.model.faults.stop import Stop
from orchestrator.model.roles.dns.files import files
from orchestrator.operations.node_access import require_node
from orchestrator.planning.desired import desired
from orchestrator.rendering.graph import make_picture, mermaid

THREE = """\
name: shop
title: Three of a kind
domain: shop.lab
nodes:
  dns:    {role: dns}
  app:    {role: app, replicas: 3}
  client: {role: client, uses: [app]}
"""
APPS = ("app-1", "app-2", "app-3")


def test_the_machines_stand_in_the_place_of_their_node() -> None:
    """One declaration, three nodes; whoever uses the name uses all of them; the name is a group, not a node."""
    read = scenario(THREE)
    assert tuple(read.nodes) == ("dns", *APPS, "client")
    assert read.node("client").uses == APPS
    assert dict(read.groups) == {"app": APPS}
    assert (read.machines("app"), read.machines("dns")) == (APPS, ("dns",))


def test_a_scenario_that_was_read_is_not_spread_again() -> None:
    """Reading what was read changes nothing."""
    read = scenario(THREE)
    assert type(read).model_validate(read).nodes == read.nodes


def test_each_machine_has_its_steps_and_the_client_waits_for_all() -> None:
    """Three files, three containers, three addresses, three waits."""
    topology, plan = planned(THREE, nothing())
    ids = [step.id for step in plan.steps]
    assert all(f"{step}:{app}" in ids for step in ("files", "node", "ready") for app in APPS)
    (ready,) = [step for step in plan.steps if step.id == "ready:client"]
    assert {f"ready:{app}" for app in APPS} <= set(ready.needs)
    assert len(set(topology.addresses("app"))) == 3


def test_one_more_replica_moves_no_other() -> None:
    """From three to four: one node is made, the others only learn of it where they must."""
    four = THREE.replace("replicas: 3", "replicas: 4")
    _, plan = planned(four, standing(THREE))
    assert [step.id for step in plan.steps if step.id.startswith(("node:", "remove:"))] == ["node:app-4"]


def test_one_replica_less_is_removed() -> None:
    """From three to two: the third goes, and with it its address in the name."""
    two = THREE.replace("replicas: 3", "replicas: 2")
    topology, plan = planned(two, standing(THREE))
    assert [step.id for step in plan.steps if step.id.startswith(("node:", "remove:"))] == ["remove:wirelab-shop_app-3"]
    assert len(topology.addresses("app")) == 2


def test_the_name_leads_to_all_and_each_address_to_its_own_machine() -> None:
    """Three A records for the group's name and one for each machine; PTR names the machine, not the group."""
    topology, _ = planned(THREE, nothing())
    texts = files(topology, "dns")
    zone = [line.split() for line in texts["shop.lab.zone"].splitlines()]
    told = sorted(line[4] for line in zone if line[0] == "app.shop.lab." and line[3] == "A")
    assert told == sorted(map(str, topology.addresses("app")))
    assert sum(line[0] in [f"{app}.shop.lab." for app in APPS] and line[3] == "A" for line in zone) == 3
    reverse = "".join(text for name, text in texts.items() if name.endswith("in-addr.arpa.zone"))
    assert "app-2.shop.lab." in reverse
    assert " app.shop.lab." not in reverse


def test_the_answers_of_a_group_are_all_of_its_addresses() -> None:
    """What `to: app` expects."""
    topology, _ = planned(THREE, nothing())
    assert topology.answers("client", "app") == tuple(topology.addresses(app)[0] for app in APPS)


@pytest.mark.slow
def test_a_fault_of_the_group_is_one_of_each_machine() -> None:
    """stop, pause and disconnect; and of a single replica only its own."""
    seen = standing(THREE)
    for fault, kind in ((Stop(stop="app"), "stop"), (Pause(pause="app"), "pause")):
        assert [step.id for step in injected(THREE, seen, fault)[0].steps] == [f"{kind}:{app}" for app in APPS]
    pulled, _ = injected(THREE, seen, Disconnect(disconnect="app"))
    assert [step.id for step in pulled.steps] == [f"disconnect:{app}:lab" for app in APPS]
    assert [step.id for step in injected(THREE, seen, Stop(stop="app-2"))[0].steps] == ["stop:app-2"]


def test_each_machine_is_named_by_itself() -> None:
    """Its container has its own name; the picture shows three, each used by the client."""
    topology, _ = planned(THREE, nothing())
    assert desired(topology, nothing(), "app-2").spec.hostname == "app-2"
    picture = make_picture(topology, {})
    assert [arrow.server for arrow in picture.arrows if (arrow.client, arrow.how) == ("client", "uses")] == list(APPS)
    assert 'n_app_2["app-2 (app)<br>' in mermaid(picture)


def test_where_one_node_is_needed_the_group_is_told_apart() -> None:
    """`wirelab exec shop app` cannot know which machine is meant, and says what to name instead."""
    read = scenario(THREE)
    assert require_node(read, "app-3") == "app-3"
    with pytest.raises(UsageInvalid) as caught:
        require_node(read, "app")
    assert caught.value.what == "'app' has 3 replicas, and one node is needed here"
    assert caught.value.hint == "name one of app-1, app-2, app-3"
