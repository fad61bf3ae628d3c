"""`up` after an author's image was rebuilt under its name makes the nodes anew that run the old one."""

from __future__ import annotations

from typing import Any

import pytest
from lab_in_memory import IMAGES, LabHost

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import ImageMissing, WorldError

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


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("", "runs its program as root"),
        ("0", "runs its program as root"),
        ("00:1000", "runs its program as root"),
        ("root:root", "runs its program as root"),
        ("app", "runs its program as 'app', which may be another name of root"),
    ],
)
def test_an_image_that_may_run_as_root_is_refused(lab_host: LabHost, user: str, why: str) -> None:
    """By the node and the image, and nothing is left. Who trusts the file gets the lab."""
    engine = FakeEngine([*IMAGES.values(), "shop:latest", DIGEST])
    engine.image_users["shop:latest"] = user
    lab = LabHost(engine, lab_host.state).lab(TEXT)
    with pytest.raises(WorldError, match="may run as root") as caught:
        lab.up()
    assert caught.value.why == f"the image 'shop:latest' {why}"
    assert "up --trusted" in caught.value.hint
    assert (engine.containers("wirelab.lab"), engine.networks()) == ((), ())
    LabHost(engine, lab_host.state).lab(TEXT, trusted=True).up()
    assert len(engine.containers("wirelab.lab")) > 4


@pytest.mark.parametrize(("limit", "machine"), [("pids: 32768", 1 << 20), ("memory: 65536", 65536)])
def test_a_lab_that_would_take_the_machine_is_refused(lab_host: LabHost, limit: str, machine: int) -> None:
    """Before anything is made, by the file and line. Who trusts the file gets the lab."""
    text = TEXT.replace("role: client", f"role: client, limits: {{{limit}}}").replace("{role: service", "{role: client")
    text = "\n".join(line for line in text.splitlines() if "image:" not in line)
    asked: dict[str, Any] = {"machine_memory": lambda: machine, "place": lambda path: f"shop.yaml:{path[1]}"}
    with pytest.raises(WorldError) as caught:
        lab_host.lab(text, **asked).up()
    assert caught.value.what == "shop.yaml:client: shop is larger than one lab may be"
    assert lab_host.empty()
    lab_host.lab(text, trusted=True, **asked).up()
    assert not lab_host.empty()
