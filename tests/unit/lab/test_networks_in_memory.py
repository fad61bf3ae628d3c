"""Routes and cuts on the engine in memory: what helpers are asked, what is remembered, what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks_in_memory import IMAGES, TEXT, Helped, lab_on

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import Skipped, WorldError
from orchestrator.lab.faults import heal, inject
from orchestrator.model.faults.cut import Cut

pytestmark = pytest.mark.slow


def test_up_sets_the_routes_and_up_again_does_nothing(tmp_path: Path) -> None:
    """The helpers are gone afterwards; the router needs no route, and is told so."""
    world = Helped()
    world.lab(tmp_path).up()
    assert sorted(node for node, *_ in world.asked) == ["far", "near", "router"]
    assert ("router",) in world.asked
    assert len(world.engine.containers("wirelab.lab")) == 3
    assert str(world.lab(tmp_path, "run2").up()) == ""


def test_a_restarted_node_gets_its_routes_again(tmp_path: Path) -> None:
    world = Helped()
    world.lab(tmp_path).up()
    near = world.engine.containers("wirelab.node=near")[0]
    world.engine.stop(near.id, 0)
    world.engine.start(near.id)
    assert [step.id for step in world.lab(tmp_path, "run2").up().steps] == ["routes:near", "ready:near"]
    assert str(world.lab(tmp_path, "run3").up()) == ""


def test_a_cut_is_put_in_once_and_healed_whole(tmp_path: Path) -> None:
    world = Helped()
    world.lab(tmp_path).up()
    fault = Cut(cut=(("near",), ("far", "router")))
    assert [step.id for step in inject(world.lab(tmp_path, "run2"), fault).plan.steps] == [
        "cut:router", "cut:near", "cut:far"
    ]  # fmt: skip
    assert not inject(world.lab(tmp_path, "run3"), fault).plan
    assert str(world.lab(tmp_path, "run3").up()) == ""
    world.asked.clear()
    assert not heal(world.lab(tmp_path, "run4"), ["cut-near-far"]).plan
    mended = heal(world.lab(tmp_path, "run4"), ["cut-near-far-2"])
    assert [step.id for step in mended.plan.steps] == ["mend:router", "mend:near", "mend:far"]
    assert sorted(world.asked) == [("far",), ("near",), ("router",)]
    assert str(world.lab(tmp_path, "run5").up()) == ""


def test_a_helper_that_fails_says_why_and_what_it_may_have_done_is_healed(tmp_path: Path) -> None:
    """A kernel without nftables: that it was not put in is said; as it was not undone either, it can be healed."""
    world = Helped()
    world.lab(tmp_path).up()
    world.broken = True
    with pytest.raises(WorldError) as caught:
        inject(world.lab(tmp_path, "run2"), Cut(cut=(("near",), ("far",))))
    assert "could not be changed" in caught.value.what
    assert "Operation not supported" in caught.value.why
    assert len(world.engine.containers("wirelab.lab")) == 3
    world.broken = False
    assert [fault.id for fault in world.lab(tmp_path, "run3").faults()] == ["cut-near-far"]
    healed = [step.id for step in heal(world.lab(tmp_path, "run3"), ["cut-near-far"]).plan.steps]
    assert healed
    assert {step.partition(":")[0] for step in healed} == {"mend"}
    assert str(world.lab(tmp_path, "run4").up()) == ""


SIX = TEXT.replace("{front: null, back: null}", "{front: null, back: null, six: {ipv6: true}}").replace(
    "router: {role: router}", "router: {role: router, networks: [front, back]}"
)


@pytest.mark.parametrize(
    ("isolates", "message"), [(False, "this engine lets IPv6"), (None, "this engine may let IPv6")]
)
def test_where_ipv6_is_not_isolated_the_scenario_is_skipped_and_nothing_is_made(
    tmp_path: Path, isolates: bool | None, message: str
) -> None:
    """Neither green nor red: exit 3, with the reason. A scenario without IPv6 is no matter of this."""
    engine = FakeEngine(list(IMAGES.values()))
    with pytest.raises(Skipped) as caught:
        lab_on(engine, tmp_path, SIX, isolates_ipv6=isolates).up()
    assert caught.value.what == "skipped: ways needs an engine that isolates IPv6"
    assert message in caught.value.why
    assert caught.value.exit_code == 3
    assert not engine.networks()
    assert not engine.containers("wirelab.lab")
    assert lab_on(engine, tmp_path, TEXT).up()


def test_where_ipv6_is_isolated_it_comes_up(tmp_path: Path) -> None:
    engine = FakeEngine(list(IMAGES.values()))
    assert lab_on(engine, tmp_path, SIX).up()
    assert [len(network.subnets6) for network in engine.networks()] == [0, 0, 1]
