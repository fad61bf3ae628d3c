"""`up` after an author's image was rebuilt under its name makes the nodes anew that run the old one."""

from __future__ import annotations

import pytest
from lab_in_memory import IMAGES, LabHost

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import ImageMissing

pytestmark = pytest.mark.slow

DIGEST = f"shop@sha256:{'0' * 64}"
TEXT = f"""\
name: shop
title: An author's own images
domain: shop.lab
nodes:
  one:   {{role: service, image: "shop:latest", listens: [], replicas: 2}}
  other: {{role: service, image: "shop:latest", listens: []}}
  fixed: {{role: service, image: "{DIGEST}", listens: []}}
  client: {{role: client}}
"""


@pytest.fixture
def own(lab_host: LabHost) -> LabHost:
    engine = FakeEngine([*IMAGES.values(), "shop:latest", DIGEST])
    own = LabHost(engine, lab_host.state)
    own.lab(TEXT).up()
    return own


def test_a_rebuilt_image_makes_each_node_anew_that_has_it(own: LabHost) -> None:
    """And no other node; the plan says why; afterwards nothing is left to do."""
    own.engine.tag_image("shop:latest")
    plan = own.lab(TEXT, run="run2").up()
    made = [step for step in plan.steps if step.id.startswith("node:")]
    assert {step.id for step in made} == {"node:one-1", "node:one-2", "node:other"}
    assert {step.why for step in made} == {"image shop:latest was rebuilt"}
    images = {own.engine.containers(f"wirelab.node={node}")[0].image for node in ("one-1", "one-2", "other")}
    assert images == {own.engine.image_id("shop:latest")}
    assert str(own.lab(TEXT, run="run3").plan()) == ""


def test_the_same_image_under_its_name_changes_nothing(own: LabHost) -> None:
    assert str(own.lab(TEXT, run="run2").plan()) == ""


def test_an_image_whose_name_is_gone_changes_no_node_that_runs(own: LabHost) -> None:
    """Nothing newer is there."""
    own.engine.untag_image("shop:latest")
    assert str(own.lab(TEXT, run="run2").plan()) == ""


def test_an_image_whose_name_is_gone_is_named_where_a_node_needs_it(own: LabHost) -> None:
    own.engine.untag_image("shop:latest")
    own.engine.remove_container(own.engine.containers("wirelab.node=other")[0].id)
    with pytest.raises(ImageMissing, match="image that is not there") as caught:
        own.lab(TEXT, run="run2").up()
    assert "shop:latest" in caught.value.why
