"""The fault `record`: a server's zone is changed and read again, and `up` puts back what the file declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import faulty
import pytest
from observed_labs import planned, standing, with_container

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.record import RecordChanged
from orchestrator.planning.plan import Plan
from orchestrator.planning.planner import up
from orchestrator.planning.snapshot import Snapshot

SHOP = """\
name: shop
title: t
domain: shop.lab
networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24}}
records: {www: {A: "${app}", ttl: 5}}
nodes: {dns: {role: dns}, auth: {role: dns, zones: {example.org: }}, app: {role: app}, client: {role: client}}
"""


def injected(seen: Snapshot, **change: Any) -> tuple[Plan, Snapshot]:
    return faulty.injected(SHOP, seen, fault(**change))


def fault(**change: Any) -> RecordChanged:
    return RecordChanged.model_validate({"record": {"server": "dns", **change}})


def records(observed: Snapshot, network: str) -> list[str]:
    lines = observed.files["dns"].texts[f"shop.lab.{network}.zone"].splitlines()
    return [line for line in lines if line.startswith("www.")]


@pytest.mark.slow
def test_a_record_is_changed_in_each_view_and_healed_by_up() -> None:
    """${NODE} is the node's address there; the ttl stays; the serial changes; then `up` puts the file back."""
    seen = standing(SHOP)
    plan, broken = injected(seen, name="www.shop.lab", value="${client}")
    zones = "shop.lab.back.zone, shop.lab.front.zone differ"
    assert str(plan) == f"files:dns  ({zones})\nreload:dns  (its files changed)"
    assert records(broken, "front") == ["www.shop.lab. 5 IN A 192.168.7.13"]
    assert records(broken, "back") == ["www.shop.lab. 5 IN A 192.168.8.13"]
    soa = [snapshot.files["dns"].texts["shop.lab.front.zone"].splitlines()[0].split()[6] for snapshot in (seen, broken)]
    assert soa[0] != soa[1]
    unwanted = replace(broken, faults=())
    topology, _ = planned(SHOP, unwanted)
    healing = up(topology, unwanted)
    assert [step.id for step in healing.steps] == ["files:dns", "reload:dns"]
    assert faulty.carried_out(broken, healing).files == seen.files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"name": "www.shop.lab"}, []),
        ({"name": "www.shop.lab", "value": ["192.0.2.1", "192.0.2.2"]}, ["192.0.2.1", "192.0.2.2"]),
        ({"name": "www.shop.lab", "type": "TXT", "value": "hi"}, ["192.168.7.12", '"hi"']),
    ],
)
def test_records_are_taken_away_or_added(change: dict[str, Any], left: list[str]) -> None:
    seen = standing(SHOP)
    assert [line.split()[-1] for line in records(injected(seen, **change)[1], "front")] == left


@pytest.mark.slow
def test_a_fault_that_is_in_already_gives_no_steps() -> None:
    seen = standing(SHOP)
    assert not injected(seen, name="www.shop.lab", value="${app}")[0]
    _, broken = injected(seen, name="www.shop.lab", value="192.0.2.1")
    assert not injected(broken, name="www.shop.lab", value="192.0.2.1")[0]


@pytest.mark.slow
def test_several_changes_stand_side_by_side() -> None:
    _, first = injected(standing(SHOP), name="www.shop.lab", value="192.0.2.1")
    _, both = injected(first, name="new.shop.lab", value="192.0.2.2")
    text = both.files["dns"].texts["shop.lab.front.zone"]
    assert "192.0.2.1" in text
    assert "new.shop.lab. 60 IN A 192.0.2.2" in text


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "www.shop.lab", "value": "nowhere"}, "'www.shop.lab' cannot have this A record"),
        ({"name": "shop.lab", "type": "NS"}, "'shop.lab' cannot have this NS record"),
        ({"name": "shop.lab", "type": "CNAME", "value": "app"}, "'shop.lab' cannot have this CNAME record"),
        ({"name": "www.shop.lab", "type": "MX", "value": "app"}, "'www.shop.lab' cannot have this MX record"),
        ({"name": "www.shop.lab", "value": "${ap}"}, "'${ap}' is nobody's address for a record of type A"),
        (
            {"name": "www.shop.lab", "type": "AAAA", "value": "${app}"},
            "'${app}' is nobody's address for a record of type AAAA",
        ),
        ({"server": "app", "name": "www.shop.lab"}, "'app' is no DNS server, so it has no records"),
        ({"server": "auth", "name": "www.shop.lab"}, "'auth' has no zone for 'www.shop.lab'"),
    ],
)
def test_what_cannot_be_put_in_is_refused(change: dict[str, Any], what: str) -> None:
    topology, _ = planned(SHOP, standing(SHOP))
    with pytest.raises(UsageInvalid) as caught:
        fault(**change).effect(topology)
    assert caught.value.what == what


@pytest.mark.slow
def test_a_server_that_does_not_run_reads_its_changed_files_at_its_start() -> None:
    stopped = with_container(standing(SHOP), "dns", state="exited")
    plan, broken = injected(stopped, name="www.shop.lab")
    assert [step.id for step in plan.steps] == ["files:dns"]
    started = faulty.carried_out(broken, planned(SHOP, broken)[1])
    assert str(planned(SHOP, started)[1]) == ""
    assert records(started, "front") == []
