"""Recorded answers of broken labs are read as exactly the walks that are kept beside this file."""

from __future__ import annotations

import pytest
from walks import GOLDEN, NAMES, finding, golden_text

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_gives_its_walk(name: str) -> None:
    """The same answers give the same text, byte for byte."""
    assert golden_text(name) == (GOLDEN / f"{name}.txt").read_text()


def test_every_golden_walk_has_its_recording() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_is_broken_and_proved(name: str) -> None:
    """The first broken layer stands in the walk as failed; nothing is named where nothing is broken."""
    walk = finding(name).why
    assert walk
    if name == "nothing-broken":
        assert (walk.broken, walk.command, walk.also) == (None, "", ())
        assert {layer.verdict for layer in walk.layers} == {"pass"}
        return
    assert walk.broken
    assert walk.broken.verdict == "fail"
    assert walk.command.startswith("wirelab ")
    assert walk.sentence.endswith(".")
    earlier = walk.layers[: walk.layers.index(walk.broken)]
    assert not any(layer.causes for layer in earlier)


@pytest.mark.parametrize("name", NAMES)
def test_the_document_says_the_same(name: str) -> None:
    """`why` in the JSON: every layer with its verdict and ends, the first broken one, the sentence, the command."""
    walk = finding(name).why
    assert walk
    document = walk.document()
    assert document["broken"] == (walk.broken.name if walk.broken else None)
    assert (document["sentence"], document["try"] or "") == (walk.sentence, walk.command)
    assert [layer["verdict"] for layer in document["layers"]] == [layer.verdict for layer in walk.layers]
    assert all(layer["seen"] for layer in document["layers"])
