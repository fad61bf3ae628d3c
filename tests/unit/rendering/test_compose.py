"""A lab as a Compose file: every scenario as a golden text, and what each of these files must keep to."""

from __future__ import annotations

from pathlib import Path

import library
import pytest
import yaml
from compose_exports import GOLDEN, export_of
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.secret_source import NOT_GENERATED
from orchestrator.rendering.compose import ComposeExport
from orchestrator.rendering.yaml_text import Commented, yaml_text

pytestmark = pytest.mark.slow

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12) | st.sampled_from(
    [
        "no",
        "On",
        "null",
        "~",
        "1e3",
        "0x1",
        "22:22",
        "010",
        "a: b",
        "a #b",
        "",
        " a",
        "- a",
        "<<",
        "*a",
        "$a",
        "2026-01-01",
    ]
)
VALUES = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(params=library.NAMES)
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ComposeExport]:
    return request.param, export_of(request.param, tmp_path)


def test_a_scenario_is_this_compose_file(exported: tuple[str, ComposeExport]) -> None:
    """With notes for what has no equal; `python tests/support/compose_exports.py` writes the files anew."""
    name, export = exported
    assert export.text == (GOLDEN / f"{name}.yaml").read_text("utf-8")
    assert all(note in export.text for note in export.notes)


def test_what_a_file_says_holds_for_wirelab_too(exported: tuple[str, ComposeExport]) -> None:
    """A service for each node, each with the lab's resolv.conf; none of wirelab's labels; no secret in the text."""
    name, export = exported
    document = yaml.safe_load(export.text)
    assert list(document["services"]) == list(library.addressed(name).scenario.nodes)
    assert NOT_GENERATED not in export.text
    for node, service in document["services"].items():
        mounts = {mount["target"]: mount["source"] for mount in service["volumes"]}
        assert mounts["/etc/resolv.conf"].removeprefix("./") in export.files
        assert mounts["/wirelab"].removeprefix("./") == f"compose-files/{node}/files"
        assert "labels" not in service
        assert set(service.get("depends_on", {})) <= set(document["services"]) - {node}


def test_what_has_no_equal_is_told(tmp_path: Path) -> None:
    """The routes of nodes beside a router, and the checks; a scenario without routers has no note of them."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    tiers, basic = export_of("tiers", tmp_path / "a"), export_of("basic", tmp_path / "b")
    assert any("the routes of clerk" in note for note in tiers.notes)
    assert [note for note in basic.notes if "routes" in note] == []
    assert basic.notes == ("No equal in Compose: 16 checks, which wirelab check proves.",)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_every_reader_of_yaml_reads_what_was_written(document: dict[str, object]) -> None:
    """PyYAML reads YAML 1.1, in which `no` is false and `22:22` a number."""
    assert (yaml.safe_load(yaml_text(document)) or {}) == document


def test_a_comment_stands_above_its_key() -> None:
    text = yaml_text({"a": {"b": Commented({"c": 1}, ("first\nline", "second"))}})
    assert text == "a:\n  # first line\n  # second\n  b: {c: 1}\n"
