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
    nodes = list(library.addressed(name).scenario.nodes)
    assert list(document["services"])[: len(nodes)] == nodes
    assert NOT_GENERATED not in export.text
    for node, service in list(document["services"].items())[: len(nodes)]:
        mounts = {mount["target"]: mount["source"] for mount in service["volumes"]}
        assert mounts["/etc/resolv.conf"].removeprefix("./") in export.files
        assert mounts["/wirelab"].removeprefix("./") == f"compose-files/{node}/files"
        assert "labels" not in service
        assert set(service.get("depends_on", {})) <= set(document["services"]) - {node}


def test_what_has_no_equal_is_told(tmp_path: Path) -> None:
    basic = export_of("basic", tmp_path)
    assert basic.notes == ("No equal in Compose: 16 checks, which wirelab check proves.",)


def test_the_routes_beside_a_router_are_set_in_the_network_of_the_node(tmp_path: Path) -> None:
    """By a service beside each node, which alone may do so; without a router there is none."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    tiers, basic = (
        yaml.safe_load(export_of(name, tmp_path / at).text) for name, at in (("tiers", "a"), ("basic", "b"))
    )
    clerk = tiers["services"]["clerk-routes"]
    router = tiers["services"]["router"]["networks"]["office"]["ipv4_address"]
    front = tiers["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert clerk["command"][4:] == [f"{front}={router}"]
    assert (clerk["network_mode"], clerk["cap_add"]) == ("service:clerk", ["NET_ADMIN"])
    assert tiers["services"]["visitor-routes"]["command"][4:] == []
    assert "cap_add" not in tiers["services"]["clerk"]
    assert not {"db-routes"} & set(tiers["services"])
    assert [service for service in basic["services"] if "routes" in service] == []


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_every_reader_of_yaml_reads_what_was_written(document: dict[str, object]) -> None:
    """PyYAML reads YAML 1.1, in which `no` is false and `22:22` a number."""
    assert (yaml.safe_load(yaml_text(document)) or {}) == document


def test_a_comment_stands_above_its_key() -> None:
    text = yaml_text({"a": {"b": Commented({"c": 1}, ("first\nline", "second"))}})
    assert text == "a:\n  # first line\n  # second\n  b: {c: 1}\n"
