"""The fault `cut`: who drops what, what is remembered of it, and what healing takes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from observed_labs import BASIC, STARTED, planned, standing, with_container, with_files

from orchestrator.errors import NotFound, UsageInvalid
from orchestrator.model.faults.cut import Cut
from orchestrator.planning.faults import inject
from orchestrator.planning.plan import CutOff, Plan
from orchestrator.planning.snapshot import Snapshot

FIXED = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.7.0/24, ipv6: true}}\nnodes:")
DNS, DB, APP, CLIENT = "192.168.7.10", "192.168.7.11", "192.168.7.12", "192.168.7.13"


def cut(*groups: tuple[str, ...], only: str | None = None, observed: Snapshot | None = None) -> Plan:
    observed = observed or standing(FIXED)
    topology, _ = planned(FIXED, observed)
    return inject(Cut(cut=groups, only=only), topology, observed)


def drops(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.action.node: step.action.addresses for step in plan.steps if isinstance(step.action, CutOff)}


def put_in(plan: Plan, observed: Snapshot) -> Snapshot:
    """As the lab's folder remembers it."""
    for node, addresses in drops(plan).items():
        files = observed.files[node]
        assert files.record
        record = replace(files.record, cut=" ".join(addresses), cut_at=STARTED)
        observed = with_files(observed, node, replace(files, record=record))
    return observed


def test_each_node_drops_what_the_other_group_sends() -> None:
    """All addresses of the other side, IPv6 too; who stands in no group, and one's own side, is heard as before."""
    found = drops(cut(("client",), ("app", "db"), only="ipv4"))
    assert found == {"client": (DB, APP), "app": (CLIENT,), "db": (CLIENT,)}
    both = drops(cut(("client",), ("app", "db")))
    assert [address.partition("::")[2] for address in both["client"] if ":" in address] == ["11", "12"]
    assert {node: len(addresses) for node, addresses in both.items()} == {"client": 4, "app": 2, "db": 2}


def test_one_version_of_ip_can_be_cut_alone() -> None:
    """The path over IPv6 goes, that over IPv4 stays."""
    found = drops(cut(("client",), ("app",), only="ipv6"))
    assert all(":" in address for addresses in found.values() for address in addresses)


def test_a_helper_does_it_and_the_plan_says_it() -> None:
    plan = cut(("client",), ("dns",), only="ipv4")
    assert str(plan) == "cut:dns from client  (fault)\ncut:client from dns  (fault)"
    action = plan.steps[1].action
    assert isinstance(action, CutOff)
    assert action.helper.command == ("/usr/lib/wirelab/cut", DNS)
    assert (action.helper.user, action.helper.capabilities) == ("0", ("NET_ADMIN",))


def test_what_is_cut_already_is_not_cut_again_and_a_second_cut_adds_to_the_first() -> None:
    observed = put_in(cut(("client",), ("app",), only="ipv4"), standing(FIXED))
    assert not cut(("client",), ("app",), only="ipv4", observed=observed)
    more = drops(cut(("client",), ("db",), only="ipv4", observed=observed))
    assert more == {"client": (DB, APP), "db": (CLIENT,)}


def test_healing_takes_out_just_what_was_put_in() -> None:
    """Two nodes were cut, so two are mended, before anything else is done to them, and no other node is touched."""
    observed = put_in(cut(("client",), ("app",)), standing(FIXED))
    _, plan = planned(FIXED, with_container(observed, "client", addresses={}, addresses6={}))
    assert [str(step).split("  ")[-1] for step in plan.steps[:1]] == ["(cut from client)"]
    assert [step.id for step in plan.steps] == ["mend:app", "mend:client", "connect:client:lab"]
    assert plan.steps[2].needs == ("mend:client",)
    assert all(step.action.addresses == () for step in plan.steps if isinstance(step.action, CutOff))


def test_a_restart_heals_its_own_side() -> None:
    """A new start has a network of its own, in which nothing was cut; the other side is mended still."""
    observed = put_in(cut(("client",), ("app",)), standing(FIXED))
    again = with_container(observed, "app", started="2026-01-01T00:00:09.000000001Z")
    assert [step.id for step in planned(FIXED, again)[1].steps] == ["ready:app", "mend:client"]
    assert list(drops(cut(("client",), ("app",), observed=again))) == ["app"]


def test_a_stopped_node_hears_nothing_anyway() -> None:
    """Its side is not cut, and not mended either: it has no network."""
    observed = put_in(cut(("client",), ("app",)), standing(FIXED))
    stopped = with_container(observed, "app", state="exited", addresses={}, addresses6={})
    assert "mend:app" not in [step.id for step in planned(FIXED, stopped)[1].steps]
    assert list(drops(cut(("app",), ("db",), observed=stopped))) == ["db"]


@pytest.mark.parametrize(
    ("groups", "what"),
    [((("client",), ("app", "client")), "'client' stands in both groups"), ((("client",), ("db",)), "'db' is not up")],
    ids=["in both groups", "not up"],
)
def test_a_cut_that_cannot_be_is_refused(groups: Any, what: str) -> None:
    observed = standing(FIXED)
    observed = replace(observed, containers=tuple(c for c in observed.containers if c.labels["wirelab.node"] != "db"))
    with pytest.raises((UsageInvalid, NotFound)) as caught:
        cut(*groups, observed=observed)
    assert what in caught.value.what
