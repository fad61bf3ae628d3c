"""`up` after an author's image was rebuilt under the same tag: the container of the old image does not serve on."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_bench import Bench
from own_images import client_image

TEXT = """\
name: own
title: Two nodes of one image
domain: own.lab
nodes:
  one:    {role: service, image: "IMAGE", command: [sleep, infinity], listens: []}
  other:  {role: service, image: "IMAGE", command: [sleep, infinity], listens: []}
  fixed:  {role: service, image: "FIXED", command: [sleep, infinity], listens: []}
  client: {role: client}
"""


class Author:
    """Builds an image under one tag, each time another one."""

    def __init__(self, bench: Bench) -> None:
        self._images = bench.engine.client.images
        self._base = client_image(bench.engine.client)
        self.tag = f"wirelab-tests/{secrets.token_hex(4)}:latest"
        self.built: list[str] = []

    def build(self, user: str = "1000") -> str:
        text = f"FROM {self._base}\nLABEL wirelab.image= tests.made={secrets.token_hex(4)}\nUSER {user}\n"
        image, _ = self._images.build(fileobj=io.BytesIO(text.encode()), tag=self.tag, network_mode="host")
        self.built.append(str(image.id))
        return str(image.id)

    def untag(self) -> None:
        self._images.remove(self.tag, force=True, noprune=True)

    def remove(self) -> None:
        for image in self.built:
            self._images.remove(image, force=True)


@pytest.fixture
def author(bench: Bench) -> Iterator[Author]:
    author = Author(bench)
    yield author
    bench.run("down", "--lab", bench.lab)  # not by the name of a scenario: the tests have one of their own
    author.remove()


def test_each_node_of_a_rebuilt_image_is_made_anew(bench: Bench, author: Author, tmp_path: Path) -> None:
    """The plan says why; a node whose image is named by its id stays; afterwards nothing is to be done."""
    first = author.build()
    (tmp_path / "scenario.yaml").write_text(TEXT.replace("IMAGE", author.tag).replace("FIXED", first))
    bench = replace(bench, scenario=str(tmp_path))
    bench.up()
    before = bench.ids()
    second = author.build()
    why = f"image {author.tag} was rebuilt"
    assert "node:one 192" in bench.cli("plan").out
    steps = bench.steps()
    assert {step: reason for step, reason in steps.items() if step.startswith(("remove:", "node:"))} == {
        f"{kind}:{node}": why for kind in ("remove", "node") for node in ("one", "other")
    }
    assert {node: bench.container(node).image.id for node in ("one", "other", "fixed")} == {
        "one": second,
        "other": second,
        "fixed": first,
    }
    assert bench.ids()["client"] == before["client"]
    assert bench.steps() == {}


def test_an_image_whose_tag_is_gone_is_named_where_a_node_needs_it(
    bench: Bench, author: Author, tmp_path: Path
) -> None:
    """What runs goes on; a node that must be made anew says which image is missing, in three lines."""
    author.build()
    (tmp_path / "scenario.yaml").write_text(TEXT.replace("IMAGE", author.tag).replace("FIXED", author.tag))
    bench = replace(bench, scenario=str(tmp_path))
    bench.up()
    author.untag()
    assert bench.steps() == {}
    bench.container("one").remove(force=True)
    ran = bench.cli("up", "--keep")
    assert ran.code == 3
    assert f"error: the image '{author.tag}' is not there and cannot be pulled" in ran.err
    assert "try:   look at the `image:` of the node" in ran.err


def test_an_image_that_runs_as_root_needs_the_trust_of_the_person(bench: Bench, author: Author, tmp_path: Path) -> None:
    """An attack: the file of somebody else brings a service of root. Refused by file and line, and nothing is left."""
    author.build("root")
    (tmp_path / "scenario.yaml").write_text(TEXT.replace("IMAGE", author.tag).replace("FIXED", author.tag))
    bench = replace(bench, scenario=str(tmp_path))
    ran = bench.cli("up")
    assert (ran.code, bench.left()) == (3, [])
    error, why, hint = ran.err.splitlines()[-3:]
    assert "scenario.yaml:" in error
    assert error.endswith(" may run as root")
    assert why == f"why:   the image '{author.tag}' runs its program as root"
    assert "up --trusted" in hint
    assert bench.cli("up", "--trusted").code == 0
    assert bench.container("one").exec_run(["id", "-u"]).output == b"0\n"
