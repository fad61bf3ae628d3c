"""Faults as desired state: each is put in and healed by a plan, and healing one leaves the others as they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from faulty import fault_of, healed, injected, state_of
from observed_labs import BASIC, planned, standing, with_container

from orchestrator.planning import labels
from orchestrator.planning.fault_plan import fault_plan
from orchestrator.planning.injected_faults import effect_of
from orchestrator.planning.snapshot import ObservedContainer, Snapshot

pytestmark = pytest.mark.slow

SHOP = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.7.0/24}}\nrecords: {www: {A: '${app}'}}\nnodes:")
FAULTS: dict[str, dict[str, Any]] = {
    "stop-app": {"stop": "app"},
    "pause-app": {"pause": "app"},
    "disconnect-app": {"disconnect": "app"},
    "cut-client-app": {"cut": [["client"], ["app"]]},
    "cut-app-db": {"cut": [["app"], ["db"]]},
    "record-www.shop.lab": {"record": {"server": "dns", "name": "www.shop.lab", "value": "192.0.2.1"}},
    "record-new.shop.lab": {"record": {"server": "dns", "name": "new.shop.lab", "value": "192.0.2.2"}},
    "stop-dns": {"stop": "dns"},
    "pause-dns": {"pause": "dns"},
}
# What is printed when a fault is put into a whole lab, and when it is healed.
GOLDEN = {
    "stop-app": ("stop:app  (fault)", "start:app  (stopped)\nready:app  (http:80/health)"),
    "pause-app": ("pause:app  (fault)", "unpause:app  (paused)"),
    "disconnect-app": (
        "disconnect:app:lab  (fault)",
        "connect:app:lab 192.168.7.12  (not on the network lab)",
    ),
    "cut-client-app": (
        "cut:app from client  (fault)\ncut:client from app  (fault)",
        "mend:app  (cut from client)\nmend:client  (cut from app)",
    ),
    "cut-app-db": (
        "cut:db from app  (fault)\ncut:app from db  (fault)",
        "mend:db  (cut from app)\nmend:app  (cut from db)",
    ),
    "record-www.shop.lab": (
        "files:dns  (shop.lab.zone differs)\nreload:dns  (its files changed)",
        "files:dns  (shop.lab.zone differs)\nreload:dns  (its files changed)",
    ),
}


def with_faults(names: Iterable[str], seen: Snapshot | None = None) -> Snapshot:
    """What is seen after these faults were put in, one after another."""
    seen = seen or standing(SHOP)
    for name in names:
        _, seen = injected(SHOP, seen, fault_of(FAULTS[name]))
    return seen


@pytest.mark.parametrize("name", GOLDEN)
def test_a_fault_is_put_in_and_healed_by_these_steps(name: str) -> None:
    """Its id is readable; while it is in `up` has nothing to do; once it is healed all is as it was."""
    whole = standing(SHOP)
    plan, broken = injected(SHOP, whole, fault_of(FAULTS[name]))
    assert str(plan) == GOLDEN[name][0]
    assert [fault.id for fault in broken.faults] == [name]
    assert str(planned(SHOP, broken)[1]) == ""
    plan, mended = healed(SHOP, broken, name)
    assert str(plan) == GOLDEN[name][1]
    assert state_of(mended) == state_of(whole)
    assert str(planned(SHOP, mended)[1]) == ""


def test_a_helper_that_a_killed_command_left_is_removed_first() -> None:
    """Beside the nodes of the fault; what stands beside others is no business of it."""
    broken = with_faults(["cut-client-app"])
    helpers = [sidecar_of(broken, "app", "cut"), sidecar_of(broken, "app", "ask"), sidecar_of(broken, "db", "cut")]
    seen = replace(broken, containers=(*broken.containers, *helpers))
    topology, _ = planned(SHOP, replace(broken, faults=()))
    plan = fault_plan(topology, seen, effect_of(topology, broken.faults), effect_of(topology, ()))
    removals = [str(step).strip() for step in plan.steps if step.id.startswith("remove:")]
    assert removals == ["remove:app-cut  (left by an earlier command)"]


def sidecar_of(seen: Snapshot, node: str, what: str) -> ObservedContainer:
    """A container of ours beside a node."""
    container = seen.container_of(node)
    assert container
    own = {**container.labels, labels.SIDECAR: what}
    return replace(container, id=f"{node}-{what}", name=f"{node}-{what}", labels=own)


@pytest.mark.parametrize("pair", list(permutations(FAULTS, 2)), ids=" ".join)
def test_of_two_faults_one_is_healed_and_the_other_stays_exactly(pair: tuple[str, str]) -> None:
    """Also where both touch the same node, in whichever order they were put in."""
    first, second = pair
    both = with_faults(pair)
    assert str(planned(SHOP, both)[1]) == ""
    for name, other in ((first, second), (second, first)):
        _, rest = healed(SHOP, both, name)
        assert state_of(rest) == state_of(with_faults([other]))
        assert str(planned(SHOP, rest)[1]) == ""
        _, whole = healed(SHOP, rest, other)
        assert state_of(whole) == state_of(standing(SHOP))
        assert str(planned(SHOP, whole)[1]) == ""


def test_the_same_fault_twice_is_healed_twice() -> None:
    """The second one changes nothing and has an id of its own; the node starts once both are healed."""
    broken = with_faults(["stop-dns"])
    plan, twice = injected(SHOP, broken, fault_of(FAULTS["stop-dns"]))
    assert ([fault.id for fault in twice.faults], str(plan)) == (["stop-dns", "stop-dns-2"], "")
    plan, once = healed(SHOP, twice, "stop-dns")
    assert str(plan) == ""
    assert state_of(once) == state_of(broken)
    assert state_of(healed(SHOP, once, "stop-dns-2")[1]) == state_of(standing(SHOP))


def test_healing_leaves_alone_what_somebody_changed_by_hand() -> None:
    """`up` repairs that, and keeps the faults that are in."""
    broken = with_container(with_faults(["stop-dns", "cut-client-app"]), "db", state="paused")
    plan, rest = healed(SHOP, broken, "stop-dns")
    assert [step.id for step in plan.steps] == ["start:dns", "ready:dns"]
    assert str(planned(SHOP, rest)[1]) == "unpause:db  (paused)"


def test_up_puts_in_again_what_of_a_fault_was_mended_by_hand() -> None:
    seen = standing(SHOP).container_of("dns")
    assert seen is not None
    broken = with_container(with_faults(["stop-dns"]), "dns", state="running", addresses=seen.addresses)
    assert [step.id for step in planned(SHOP, broken)[1].steps] == ["stop:dns"]
    restarted = with_container(with_faults(["cut-client-app"]), "app", started="2026-01-01T00:00:08.000000001Z")
    assert [step.id for step in planned(SHOP, restarted)[1].steps] == ["cut:app", "ready:app"]


def test_up_makes_a_missing_node_as_the_fault_wants_it() -> None:
    """Whole first, for the engine keeps its places; then it is broken again."""
    for name, steps in (
        ("stop-app", ["node:app", "stop:app"]),
        ("pause-app", ["node:app", "ready:app", "pause:app"]),
        ("disconnect-app", ["node:app", "disconnect:app:lab"]),
        ("cut-app-db", ["node:app", "cut:app", "ready:app"]),
    ):
        seen = with_faults([name])
        gone = tuple(container for container in seen.containers if container.labels["wirelab.node"] != "app")
        assert [step.id for step in planned(SHOP, replace(seen, containers=gone))[1].steps] == steps


def test_a_fault_that_the_changed_file_has_no_room_for_has_no_effect() -> None:
    """The node on a network that is no longer there: nothing of the fault is desired any more."""
    seen = with_faults([], standing(SHOP))
    _, seen = injected(SHOP, seen, fault_of({"disconnect": "app", "network": "lab"}))
    moved = SHOP.replace("{lab: {subnet: 192.168.7.0/24}}", "{other: {subnet: 192.168.7.0/24}}")
    assert "stop" not in str(planned(moved, seen)[1])
