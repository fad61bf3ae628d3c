"""A scenario and what is observed give a plan; the whole text of the plan is what is expected."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from textwrap import dedent

import pytest
from observed_labs import (
    BASIC,
    IMAGES,
    INODE,
    foreign,
    nothing,
    plan_of,
    planned,
    standing,
    with_container,
    with_files,
    without_container,
)

from orchestrator.planning import labels
from orchestrator.planning.plan import (
    AwaitReady,
    MakeNode,
    Reconnect,
    Reload,
    RemoveVolume,
    Step,
    WriteFiles,
    in_order,
)
from orchestrator.planning.planner import down
from orchestrator.planning.snapshot import ObservedVolume, Snapshot
from orchestrator.rendering.plans import plan_text

CLIENT = "  client: {role: client, uses: [app]}\n"
ZONES = "102.168.192.in-addr.arpa.zone, shop.lab.zone"


def expect(plan: str, text: str) -> None:
    assert plan == dedent(text).strip("\n")


def needs(text: str, observed: Snapshot) -> dict[str, tuple[str, ...]]:
    return {step.id: step.needs for step in planned(text, observed)[1].steps}


def test_a_fresh_lab() -> None:
    """Network, files and containers, and the wait for each; addresses in the order of the file."""
    expect(
        plan_of(BASIC, nothing()),
        """
        network:lab 192.168.102.0/24  (missing)
        files:dns  (missing)
        node:dns 192.168.102.10  (missing)  needs: files:dns, network:lab
        ready:dns  (dns:53)  needs: node:dns
        files:db  (missing)
        node:db 192.168.102.11  (missing)  needs: files:db, network:lab
        ready:db  (database)  needs: node:db, ready:dns
        files:app  (missing)
        node:app 192.168.102.12  (missing)  needs: files:app, network:lab
        ready:app  (http:80/health)  needs: node:app, ready:db
        files:client  (missing)
        node:client 192.168.102.13  (missing)  needs: files:client, network:lab
        ready:client  (none)  needs: node:client, ready:app
        """,
    )


def test_a_missing_image_is_built_before_the_nodes_that_have_it() -> None:
    """And before no other node; an image that no step needs is not built."""
    plan = plan_of(BASIC, replace(nothing(), missing_images=("capture", "client", "dns"))).splitlines()
    assert plan[:2] == ["image:client  (missing)", "image:dns  (missing)"]
    assert "node:app 192.168.102.12  (missing)  needs: files:app, network:lab" in plan
    at = plan.index("node:dns 192.168.102.10  (missing)  needs: image:dns, files:dns, network:lab")
    assert at > 1
    assert not [line for line in plan if "image:capture" in line]


def test_a_lab_that_stands_needs_no_image() -> None:
    assert plan_of(BASIC, replace(standing(BASIC), missing_images=tuple(IMAGES))) == ""


def test_an_image_that_is_there_is_no_step() -> None:
    assert not [step for step in planned(BASIC, nothing())[1].steps if step.id.startswith("image:")]


def test_new_passwords_and_certificates_are_kept_before_any_file_holds_them() -> None:
    """Each node that knows the password has its files after it; every node trusts the lab's authority."""
    observed = replace(nothing(), new_passwords=("db",), new_credentials="missing")
    plan = plan_of(BASIC, observed).splitlines()
    assert plan[:2] == ["password:db  (missing)", "credentials  (missing)"]
    assert "files:db  (missing)  needs: password:db, credentials" in plan
    assert "files:app  (missing)  needs: password:db, credentials" in plan
    assert "files:client  (missing)  needs: credentials" in plan


def test_a_database_with_the_password_of_another_one_draws_none() -> None:
    """Its files, and those of who uses it, come after the password that both have."""
    text = BASIC.replace("  app:", "  spare: {role: database, same_password_as: db}\n  app:").replace(
        "uses: [db]", "uses: [db, spare]"
    )
    observed = replace(nothing(), new_passwords=("db",))
    _, plan = planned(text, observed)
    lines = plan_of(text, observed).splitlines()
    assert [line for line in lines if line.startswith("password:")] == ["password:db  (missing)"]
    assert "files:spare  (missing)  needs: password:db" in lines
    texts = {step.action.node: step.action.texts for step in plan.steps if isinstance(step.action, WriteFiles)}
    assert texts["db"]["password"] == texts["spare"]["password"] == texts["app"]["password-spare"] == "pass-word"


def test_the_order_of_a_fresh_lab() -> None:
    """Containers start side by side; a node is waited for after the nodes that it uses and the DNS server."""
    order = needs(BASIC, nothing())
    assert order["node:app"] == ("files:app", "network:lab")
    assert order["ready:dns"] == ("node:dns",)
    assert order["ready:db"] == ("node:db", "ready:dns")
    assert order["ready:app"] == ("node:app", "ready:db")


def test_a_step_comes_after_all_that_it_needs_also_in_the_text() -> None:
    """Here the file declares the client before what the client uses."""
    text = BASIC.replace(CLIENT, "").replace("  dns: ", CLIENT + "  dns: ")
    steps = planned(text, nothing())[1].steps
    places = {step.id: place for place, step in enumerate(steps)}
    assert all(places[need] < places[step.id] for step in steps for need in step.needs)
    assert steps[-1].id == "ready:client"


def test_a_need_that_another_need_implies_is_left_out() -> None:
    """Of (c needs a, b) and (b needs a) only b is a need of c; what no step of the plan does is no need."""
    a, b, c = (Step(name, RemoveVolume(name), "") for name in "abc")
    steps = in_order([replace(c, needs=("a", "b", "elsewhere")), replace(b, needs=("a",)), a])
    assert [(step.id, step.needs) for step in steps] == [("a", ()), ("b", ("a",)), ("c", ("b",))]


def test_steps_that_need_each_other_are_no_plan() -> None:
    steps = [Step("a", RemoveVolume("a"), "", ("b",)), Step("b", RemoveVolume("b"), "", ("a",))]
    with pytest.raises(ValueError, match="a, b"):
        in_order(steps)


def test_a_lab_that_stands_needs_nothing() -> None:
    assert plan_of(BASIC, standing(BASIC)) == ""
    assert not planned(BASIC, standing(BASIC))[1]


def test_a_stopped_node_is_started() -> None:
    observed = with_container(standing(BASIC), "db", state="exited", addresses={"id-lab": None})
    expect(
        plan_of(BASIC, observed),
        """
        start:db  (stopped)
        ready:db  (database)  needs: start:db
        """,
    )


def test_a_stopped_node_that_would_start_at_another_address_is_put_at_its_own_first() -> None:
    """Somebody connected it elsewhere, and then stopped it: the engine would bring it back there."""
    network, address = "id-lab", IPv4Address("192.168.102.77")
    observed = with_container(
        standing(BASIC), "db", state="exited", addresses={network: None}, claims={network: address}
    )
    expect(
        plan_of(BASIC, observed),
        """
        connect:db:lab 192.168.102.11  (at 192.168.102.77 instead of its own address)
        start:db  (stopped)  needs: connect:db:lab
        ready:db  (database)  needs: start:db
        """,
    )


def test_a_paused_node_goes_on() -> None:
    """It was ready before, in this same start: there is nothing to wait for."""
    expect(plan_of(BASIC, with_container(standing(BASIC), "app", state="paused")), "unpause:app  (paused)")


def test_a_restarted_node_is_waited_for() -> None:
    """Somebody restarted it; nobody has seen it ready since."""
    observed = with_container(standing(BASIC), "app", started="2026-01-01T00:00:09.000000001Z")
    expect(plan_of(BASIC, observed), "ready:app  (http:80/health)")


def test_a_removed_node_is_made_again_at_its_address() -> None:
    expect(
        plan_of(BASIC, without_container(standing(BASIC), "app")),
        """
        node:app 192.168.102.12  (missing)
        ready:app  (http:80/health)  needs: node:app
        """,
    )


def test_a_dead_node_is_made_again() -> None:
    expect(
        plan_of(BASIC, with_container(standing(BASIC), "app", state="dead")),
        """
        remove:app  (the engine says that it is dead)
        node:app 192.168.102.12  (the engine says that it is dead)  needs: remove:app
        ready:app  (http:80/health)  needs: node:app
        """,
    )


def test_a_node_at_another_address_is_put_back() -> None:
    observed = with_container(standing(BASIC), "app", addresses={"id-lab": IPv4Address("192.168.102.99")})
    expect(
        plan_of(BASIC, observed),
        "connect:app:lab 192.168.102.12  (at 192.168.102.99 instead of its own address)",
    )


def test_a_node_that_was_disconnected_is_put_back() -> None:
    expect(
        plan_of(BASIC, with_container(standing(BASIC), "app", addresses={})),
        "connect:app:lab 192.168.102.12  (not on the network lab)",
    )


def test_a_node_on_a_strange_network_leaves_it() -> None:
    own = {"id-lab": IPv4Address("192.168.102.12"), "id-theirs-0123456789": IPv4Address("10.0.0.2")}
    observed = with_container(standing(BASIC), "app", addresses=own)
    expect(plan_of(BASIC, observed), "leave:app:id-theirs-01  (on a network that the file does not give it)")


def test_a_removed_network_is_made_again_with_its_range() -> None:
    """Its range and everybody's address are known from the containers' labels."""
    observed = replace(standing(BASIC), networks=(foreign("192.168.0.0/24"),))
    for node in ("dns", "db", "app", "client"):
        observed = with_container(observed, node, addresses={})
    expect(
        plan_of(BASIC, observed),
        """
        network:lab 192.168.102.0/24  (missing)
        connect:dns:lab 192.168.102.10  (not on the network lab)  needs: network:lab
        connect:db:lab 192.168.102.11  (not on the network lab)  needs: network:lab
        connect:app:lab 192.168.102.12  (not on the network lab)  needs: network:lab
        connect:client:lab 192.168.102.13  (not on the network lab)  needs: network:lab
        """,
    )
    assert needs(BASIC, observed)["connect:app:lab"] == ("network:lab",)


def test_an_altered_resolv_conf_is_written_again() -> None:
    """The file is mounted by its inode and written in place: the container need not be touched."""
    observed = standing(BASIC)
    files = observed.files["client"]
    altered = replace(files, texts={**files.texts, "resolv.conf": "nameserver 8.8.8.8\n"})
    expect(plan_of(BASIC, with_files(observed, "client", altered)), "files:client  (resolv.conf differs)")


def test_a_replaced_resolv_conf_means_another_container() -> None:
    """Another inode: the container goes on seeing the old file, whatever is written now."""
    observed = standing(BASIC)
    replaced = replace(observed.files["client"], resolver=INODE + 1)
    expect(
        plan_of(BASIC, with_files(observed, "client", replaced)),
        """
        remove:client  (the mounted resolv.conf was replaced by another file)
        node:client 192.168.102.13  (the mounted resolv.conf was replaced by another file)
            needs: remove:client
        ready:client  (none)  needs: node:client
        """,
    )


def test_lost_files_mean_another_container() -> None:
    observed = standing(BASIC)
    left = {node: files for node, files in observed.files.items() if node != "client"}
    expect(
        plan_of(BASIC, replace(observed, files=left)),
        """
        files:client  (missing)
        remove:client  (its files were lost)
        node:client 192.168.102.13  (its files were lost)
            needs: files:client, remove:client
        ready:client  (none)  needs: node:client
        """,
    )


def test_a_node_that_is_added_moves_no_other() -> None:
    """The zones change, so the DNS server reads them again; it is not made anew."""
    expect(
        plan_of(BASIC + "  two: {role: client}\n", standing(BASIC)),
        f"""
        files:dns  ({ZONES} differ)
        reload:dns  (its files changed)  needs: files:dns
        files:two  (missing)
        node:two 192.168.102.14  (missing)  needs: files:two
        ready:two  (none)  needs: node:two
        """,
    )


def test_a_node_that_is_added_first_moves_no_other() -> None:
    """The file's order decides only for those that have no address yet."""
    before = BASIC.replace("nodes:\n", "nodes:\n  aaa: {role: client}\n")
    steps = {step.id: step for step in planned(before, standing(BASIC))[1].steps}
    assert steps["node:aaa"].shows == "192.168.102.14"
    assert set(steps) == {"files:aaa", "node:aaa", "ready:aaa", "files:dns", "reload:dns"}


def test_a_node_that_left_the_file_is_removed() -> None:
    expect(
        plan_of(BASIC.replace(CLIENT, ""), standing(BASIC)),
        f"""
        remove:wirelab-shop_client  (no longer in the file)
        files:dns  ({ZONES} differ)
        reload:dns  (its files changed)  needs: files:dns, remove:wirelab-shop_client
        """,
    )


def test_a_zone_that_changed_is_read_again_with_the_signal_of_the_role() -> None:
    steps = {s.id: s.action for s in planned(BASIC.replace(CLIENT, ""), standing(BASIC))[1].steps}
    reload_, written = steps["reload:dns"], steps["files:dns"]
    assert isinstance(reload_, Reload)
    assert isinstance(written, WriteFiles)
    assert reload_.signal == "SIGHUP"
    assert "client" not in written.texts["shop.lab.zone"]


def test_a_reload_that_was_not_reached_is_made_up_for() -> None:
    """An earlier command wrote the files and died: what the program has read is remembered, not what lies there."""
    observed = standing(BASIC)
    record = observed.files["dns"].record
    assert record
    stale = replace(observed.files["dns"], record=replace(record, loaded="something older"))
    expect(plan_of(BASIC, with_files(observed, "dns", stale)), "reload:dns  (its files changed)")


def test_a_program_that_asks_for_names_reads_its_files_after_the_dns_server() -> None:
    """The name of a server that is new is known by then; nginx would keep its old files otherwise."""
    before = BASIC + "  web: {role: proxy, uses: [app]}\n"
    after = BASIC + "  web: {role: proxy, uses: [app, two]}\n  two: {role: app}\n"
    steps = {step.id: step for step in planned(after, standing(before))[1].steps}
    assert {"files:web", "reload:dns"} <= set(steps["reload:web"].needs)


def test_a_zone_that_somebody_changed_by_hand_is_written_and_read_again() -> None:
    """The program may have read it meanwhile; a file that no program reads again is only written."""
    observed = standing(BASIC)
    spoiled = replace(observed.files["dns"], texts={**observed.files["dns"].texts, "shop.lab.zone": "nothing"})
    steps = plan_of(BASIC, with_files(observed, "dns", spoiled))
    expect(
        steps,
        """
        files:dns  (shop.lab.zone differs)
        reload:dns  (its files changed)  needs: files:dns
        """,
    )
    spoiled = replace(observed.files["db"], texts={**observed.files["db"].texts, "password": "other"})
    expect(plan_of(BASIC, with_files(observed, "db", spoiled)), "files:db  (password differs)")


def test_another_seed_means_another_volume() -> None:
    """The old volume goes when the container that used it is gone."""
    expect(
        plan_of(BASIC, standing(BASIC), {"seed.sql": "select 2;"}),
        """
        files:db  (seed.sql differs)
        remove:db  (its declaration changed)
        node:db 192.168.102.11  (its declaration changed)  needs: files:db, remove:db
        ready:db  (database)  needs: node:db
        remove:volume:wirelab-shop_db-da5d30da  (what it was made from changed)
            needs: remove:db
        """,
    )


def test_another_environment_means_another_container() -> None:
    changed = BASIC.replace("uses: [app]}", "uses: [app], environment: {WHO: me}}")
    expect(
        plan_of(changed, standing(BASIC)),
        """
        remove:client  (its declaration changed)
        node:client 192.168.102.13  (its declaration changed)  needs: remove:client
        ready:client  (none)  needs: node:client
        """,
    )


def test_a_rebuilt_image_means_another_container() -> None:
    """Its name now stands for another image; where nobody knows the image, nothing is to be done."""
    text = BASIC + "  web: {role: service, image: 'web:latest', listens: []}\n"
    seen = with_container(standing(text), "web", image="old")
    assert plan_of(text, seen) == plan_of(text, replace(seen, image_ids={"web:latest": "old"})) == ""
    expect(
        plan_of(text, replace(seen, image_ids={"web:latest": "new"})),
        """
        remove:web  (image web:latest was rebuilt)
        node:web 192.168.102.14  (image web:latest was rebuilt)  needs: remove:web
        ready:web  (none)  needs: node:web
        """,
    )


def test_a_sidecar_that_was_left_is_removed() -> None:
    observed = standing(BASIC)
    client = next(container for container in observed.containers if container.name == "wirelab-shop_client")
    left = replace(client, id="x", name="wirelab-shop_client-ask-run0", labels={**client.labels, labels.SIDECAR: "ask"})
    expect(
        plan_of(BASIC, replace(observed, containers=(left, *observed.containers))),
        "remove:wirelab-shop_client-ask-run0  (left by an earlier command)",
    )


def test_two_networks() -> None:
    """A node stands on the networks that it names, on all where it names none."""
    two = BASIC.replace("nodes:", "networks: {front: {}, back: {}}\nnodes:")
    two = two.replace("uses: [app]}", "uses: [app], networks: [front]}").replace(
        "seed.sql}", "seed.sql, networks: [back]}"
    )
    expect(
        plan_of(two, nothing()),
        """
        network:front 192.168.101.0/24  (missing)
        network:back 192.168.131.0/24  (missing)
        files:dns  (missing)
        node:dns 192.168.101.10 192.168.131.10  (missing)
            needs: files:dns, network:front, network:back
        ready:dns  (dns:53)  needs: node:dns
        files:db  (missing)
        node:db 192.168.131.11  (missing)  needs: files:db, network:back
        ready:db  (database)  needs: node:db, ready:dns
        files:app  (missing)
        node:app 192.168.101.11 192.168.131.12  (missing)
            needs: files:app, network:front, network:back
        ready:app  (http:80/health)  needs: node:app, ready:db
        files:client  (missing)
        node:client 192.168.101.12  (missing)  needs: files:client, network:front
        ready:client  (none)  needs: node:client, ready:app
        """,
    )


def test_a_network_that_changed_is_left_by_all_and_made_again() -> None:
    other = BASIC.replace("nodes:", "networks: {lab: {internal: false}}\nnodes:")
    text = plan_of(other, standing(BASIC))
    expect(
        text,
        """
        leave:lab:dns  (the network lab changed)
        leave:lab:db  (the network lab changed)
        leave:lab:app  (the network lab changed)
        leave:lab:client  (the network lab changed)
        remove:network:lab  (the file changed)
            needs: leave:lab:dns, leave:lab:db, leave:lab:app, leave:lab:client
        network:lab 192.168.102.0/24  (changed)  needs: remove:network:lab
        connect:dns:lab 192.168.102.10  (not on the network lab)  needs: network:lab
        connect:db:lab 192.168.102.11  (not on the network lab)  needs: network:lab
        connect:app:lab 192.168.102.12  (not on the network lab)  needs: network:lab
        connect:client:lab 192.168.102.13  (not on the network lab)  needs: network:lab
        """,
    )


def test_down_removes_all_that_bears_the_label_and_nothing_else() -> None:
    observed = standing(BASIC)
    others = ObservedVolume("theirs", {labels.LAB: "other"})
    observed = replace(
        observed, networks=(*observed.networks, foreign("10.9.0.0/24")), volumes=(*observed.volumes, others)
    )
    plan = down("shop", observed)
    expect(
        plan_text(plan),
        """
        leave:lab:wirelab-shop_db  (down)
        leave:lab:wirelab-shop_dns  (down)  needs: leave:lab:wirelab-shop_db
        leave:lab:wirelab-shop_app  (down)  needs: leave:lab:wirelab-shop_dns
        leave:lab:wirelab-shop_client  (down)  needs: leave:lab:wirelab-shop_app
        remove:wirelab-shop_db  (down)  needs: leave:lab:wirelab-shop_db
        remove:wirelab-shop_dns  (down)  needs: leave:lab:wirelab-shop_dns
        remove:wirelab-shop_app  (down)  needs: leave:lab:wirelab-shop_app
        remove:wirelab-shop_client  (down)  needs: leave:lab:wirelab-shop_client
        remove:network:lab  (down)  needs: leave:lab:wirelab-shop_client
        remove:volume:wirelab-shop_db-da5d30da  (down)  needs: remove:wirelab-shop_db
        """,
    )


def test_down_of_what_is_on_no_network_leaves_none() -> None:
    """What is stopped has no address any more; a volume that names no node goes after every container."""
    observed = standing(BASIC)
    for node in ("dns", "db", "app", "client"):
        observed = with_container(observed, node, state="exited", addresses=dict.fromkeys(["id-lab"]))
    volumes = tuple(replace(volume, labels={labels.LAB: "shop"}) for volume in observed.volumes)
    plan = down("shop", replace(observed, volumes=volumes))
    nodes = {f"remove:wirelab-shop_{node}" for node in ("dns", "db", "app", "client")}
    needs = {step.id: set(step.needs) for step in plan.steps}
    assert needs == {
        **{step: set() for step in nodes}, "remove:network:lab": set(), "remove:volume:wirelab-shop_db-da5d30da": nodes,
    }  # fmt: skip


def test_down_of_nothing_is_nothing() -> None:
    assert not down("shop", nothing())


def test_the_same_input_gives_the_same_plan() -> None:
    assert planned(BASIC, nothing())[1] == planned(BASIC, nothing())[1]


def test_a_foreign_image_is_probed_from_beside_it() -> None:
    """Its own image knows nothing of our probes; a container of ours in its network looks on."""
    text = BASIC + "  web: {role: service, image: 'nginx:1', listens: [{port: 80}]}\n"
    steps = {step.id: step.action for step in planned(text, nothing())[1].steps}
    wait, made = steps["ready:web"], steps["node:web"]
    assert isinstance(wait, AwaitReady)
    assert isinstance(made, MakeNode)
    assert wait.probe == "tcp:80"
    assert wait.beside is not None
    assert wait.beside.command == ("/usr/lib/wirelab/ready", "tcp:80")
    assert made.spec.image == "nginx:1"
    assert "WIRELAB_READY" not in made.spec.environment


def test_a_changed_network_is_there_before_its_nodes_come_back() -> None:
    other = BASIC.replace("nodes:", "networks: {lab: {internal: false}}\nnodes:")
    order = needs(other, standing(BASIC))
    assert order["network:lab"] == ("remove:network:lab",)
    assert set(order["remove:network:lab"]) == {f"leave:lab:{node}" for node in ("dns", "db", "app", "client")}
    assert "network:lab" in order["connect:app:lab"]


@pytest.mark.parametrize("node", ["dns", "db", "app", "client"])
def test_every_container_is_hardened_and_labelled(node: str) -> None:
    """No capabilities, a read-only root, a user that is not root; found again by its labels alone."""
    steps = {step.id: step.action for step in planned(BASIC, nothing())[1].steps}
    made = steps[f"node:{node}"]
    assert isinstance(made, MakeNode)
    assert (made.spec.capabilities, made.spec.read_only) == ((), True)
    assert made.spec.user not in (None, "0:0")
    assert made.spec.labels.items() >= {labels.LAB: "shop", labels.NODE: node, labels.RUN: "run1"}.items()
    assert "/etc/resolv.conf" in [bind.target for bind in made.spec.binds]
    assert all("pass-word" not in value for value in made.spec.environment.values())


def test_of_a_changed_network_only_those_are_taken_that_stay() -> None:
    """A node that the file no longer has, and one that is made anew, are removed: no step takes them off as well."""
    other = BASIC.replace("nodes:", "networks: {lab: {internal: false}}\nnodes:").replace(CLIENT, "")
    order = needs(other.replace("{role: app,", "{role: app, environment: {A: b},"), standing(BASIC))
    leaving = {"leave:lab:dns", "leave:lab:db"}
    assert set(order["remove:network:lab"]) == {*leaving, "remove:app", "remove:wirelab-shop_client"}
    assert {step for step in order if step.startswith("leave:")} == leaving


def test_two_nodes_that_stand_at_each_others_address_leave_before_they_come_back() -> None:
    """The engine gives no address that somebody still holds."""
    observed = with_container(standing(BASIC), "app", addresses={"id-lab": IPv4Address("192.168.102.13")})
    observed = with_container(observed, "client", addresses={"id-lab": IPv4Address("192.168.102.12")})
    expect(
        plan_of(BASIC, observed),
        """
        leave:app:id-lab  (at the address of client)
        leave:client:id-lab  (at the address of app)
        connect:app:lab 192.168.102.12  (not on the network lab)
            needs: leave:app:id-lab, leave:client:id-lab
        connect:client:lab 192.168.102.13  (not on the network lab)
            needs: leave:app:id-lab, leave:client:id-lab
        """,
    )
    order = needs(BASIC, observed)
    assert order["connect:app:lab"] == order["connect:client:lab"] == ("leave:app:id-lab", "leave:client:id-lab")


def test_nobody_is_made_before_those_who_go() -> None:
    """One of those may hold the address that another is to have: here two nodes are told each other's."""
    fixed = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.102.0/24}}\nnodes:")
    here = fixed.replace("{role: app,", "{role: app, address: 192.168.102.20,")
    there = here.replace("{role: client,", "{role: client, address: 192.168.102.21,")
    swapped = there.replace(".20", ".x").replace(".21", ".20").replace(".x", ".21")
    order = needs(swapped, standing(there))
    assert {"remove:app", "remove:client"} <= set(order["node:app"]) & set(order["node:client"])


def test_a_stopped_node_that_was_connected_by_hand_is_taken_off_first() -> None:
    """The engine tells no network of it, and would go on with what it was told before."""
    (action,) = [
        step.action
        for step in planned(BASIC, with_container(standing(BASIC), "app", state="exited", addresses={}))[1].steps
        if isinstance(step.action, Reconnect)
    ]
    assert action.leave
