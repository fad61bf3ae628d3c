"""A primary and its replica: their files, the order of their steps, and the promotion as a fault."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faulty import fault_of, healed, injected
from observed_labs import SEED, made_by, nothing, planned

from orchestrator.errors import UsageInvalid
from orchestrator.model.secret import Secret
from orchestrator.planning.plan import KeepPassword, MakeNode, Plan, WriteFiles
from orchestrator.planning.snapshot import Snapshot

PAIR = """\
name: shop
title: A primary with a read replica
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  copy:   {role: database, replica_of: db}
  client: {role: client, uses: [db, copy]}
"""
FRESH = replace(nothing(), secrets={"db": Secret("of-the-rows"), "copy": Secret("of-the-stream")})


def whole(text: str = PAIR) -> Snapshot:
    """The lab as it stands after `up`."""
    return made_by(planned(text, FRESH)[1], replace(FRESH, run="run2"))


def files_of(plan: Plan) -> dict[str, dict[str, str]]:
    actions = [step.action for step in plan.steps if isinstance(step.action, WriteFiles)]
    return {action.node: {**action.texts, "resolv.conf": ""} for action in actions}


def needs_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.id: step.needs for step in plan.steps}


def test_the_secret_of_the_stream_is_known_to_the_primary_and_its_replica_alone() -> None:
    """And the password for clients is one: the replica has the roles of its primary."""
    files = files_of(planned(PAIR, FRESH)[1])
    assert {node for node, texts in files.items() if "of-the-stream" in "".join(texts.values())} == {"db", "copy"}
    assert files["db"]["replication-users"] == "replication-copy of-the-stream\n"
    assert files["copy"]["replication-password"] == "of-the-stream"
    assert files["copy"]["replication"] == "standby db.shop.lab. replication-copy\n"
    assert {files[node][name] for node in ("db", "copy") for name in ("password",)} == {"of-the-rows"}
    assert (files["client"]["password"], files["client"]["password-copy"]) == ("of-the-rows", "of-the-rows")


def test_a_database_without_replicas_has_no_file_of_replication() -> None:
    text = PAIR.replace(", replica_of: db", "")
    assert not [name for texts in files_of(planned(text, FRESH)[1]).values() for name in texts if "replication" in name]


def test_settings_are_a_file_that_the_server_reads_last() -> None:
    """In the words of PostgreSQL; where they change, the node is made anew, and its volume stays."""
    words = 'settings: {max_connections: 10, jit: false, application_name: "it\'s \\\\ me"}, '
    text = PAIR.replace("seed: seed.sql", f"{words}seed: seed.sql")
    files = files_of(planned(text, FRESH)[1])
    assert files["db"]["settings.conf"] == "max_connections = 10\njit = off\napplication_name = 'it''s \\\\ me'\n"
    assert "settings.conf" not in files["copy"]
    steps = [step.id for step in planned(text, whole())[1].steps]
    assert steps == ["files:db", "remove:db", "node:db", "ready:db"]


@pytest.mark.slow
def test_a_replica_starts_once_its_primary_is_ready() -> None:
    """It begins with a copy of the primary, whose role for it must be there by then."""
    observed = replace(FRESH, new_passwords=("db", "copy"))
    plan = planned(PAIR, observed)[1]
    needs = needs_of(plan)
    assert "ready:db" in needs["node:copy"]
    assert {"password:db", "password:copy"} <= set(needs["files:db"])
    kept = [step.action for step in plan.steps if isinstance(step.action, KeepPassword)]
    assert [(keep.node, keep.file) for keep in kept] == [("db", "password"), ("copy", "replication-password")]
    # Where the primary stands already, nothing is waited for.
    alone = planned(PAIR, replace(whole(), containers=tuple(c for c in whole().containers if "copy" not in c.name)))[1]
    assert needs_of(alone)["node:copy"] == ()


def test_another_seed_of_the_primary_means_another_volume_of_the_replica() -> None:
    """Rows that the primary no longer has must not stay on the replica."""

    def volume(texts: dict[str, str]) -> str:
        made = {
            step.action.node: step.action.spec
            for step in planned(PAIR, FRESH, texts)[1].steps
            if isinstance(step.action, MakeNode)
        }
        return made["copy"].volumes[0].name

    assert volume(dict(SEED)) == volume(dict(SEED)) != volume({"seed.sql": "select 2;"})


@pytest.mark.slow
def test_promoting_tells_the_program_and_healing_tells_it_again() -> None:
    """Neither makes a container anew: sessions on the replica go on while it is promoted."""
    plan, seen = injected(PAIR, whole(), fault_of({"promote": "copy"}))
    assert str(plan) == "files:copy  (replication differs)\nreload:copy  (its files changed)"
    assert seen.files["copy"].texts["replication"] == "primary db.shop.lab. replication-copy\n"
    assert str(planned(PAIR, seen)[1]) == ""
    plan, seen = healed(PAIR, seen, "promote-copy")
    assert str(plan) == "files:copy  (replication differs)\nreload:copy  (its files changed)"
    assert seen == whole()


@pytest.mark.slow
def test_what_is_healed_together_is_healed_in_an_order_that_works() -> None:
    """The new copy of the primary is taken once the primary runs again, and can be reached."""
    _, seen = injected(PAIR, whole(), fault_of({"stop": "db"}))
    _, seen = injected(PAIR, seen, fault_of({"cut": {"from": "copy", "to": "db"}}))
    _, seen = injected(PAIR, seen, fault_of({"promote": "copy"}))
    plan, _ = healed(PAIR, seen, "stop-db", "cut-copy-db", "promote-copy")
    order = [step.id for step in plan.steps]
    assert order.index("reload:copy") > max(order.index(step) for step in ("start:db", "ready:db", "mend:copy"))


def test_only_a_replica_is_promoted() -> None:
    topology, _ = planned(PAIR, FRESH)
    with pytest.raises(UsageInvalid, match="'db' is no replica") as caught:
        fault_of({"promote": "db"}).effect(topology)
    assert caught.value.hint == "the replicas are copy"
