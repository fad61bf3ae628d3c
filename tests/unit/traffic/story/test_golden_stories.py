"""Recorded captures of real labs tell exactly the stories that are kept beside this file."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from recorded import GOLDEN, NAMES, golden_texts, recorded

from orchestrator.rendering.sequence import messages, participants, svg
from orchestrator.rendering.story import json_lines, story_text


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_tells_its_story(name: str) -> None:
    """The same packets give the same text, JSON and pictures, byte for byte."""
    for file_name, text in golden_texts(name).items():
        assert text == (GOLDEN / file_name).read_text(), file_name


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_longer_than_80_columns(name: str) -> None:
    """A story is readable in a terminal of the usual width, and wraps further in a narrower one."""
    assert max(len(line) for line in story_text(recorded(name)).splitlines()) <= 80
    assert max(len(line) for line in story_text(recorded(name), width=72).splitlines()) <= 72


@pytest.mark.parametrize("name", NAMES)
def test_ascii_only_uses_ascii_only(name: str) -> None:
    """A terminal without Unicode gets a tree of plain characters."""
    assert story_text(recorded(name), ascii_only=True).isascii()


@pytest.mark.parametrize("name", NAMES)
def test_json_lines_are_a_tree(name: str) -> None:
    """Each line is one JSON object, and each parent stands before its children."""
    documents = [json.loads(line) for line in json_lines(recorded(name))]
    assert {document["schema"] for document in documents} == {1}
    seen: set[int | None] = {None}
    for document in documents[1:]:
        assert document["parent"] in seen
        seen.add(document["id"])


@pytest.mark.parametrize("name", NAMES)
def test_svg_is_well_formed_and_names_every_node(name: str) -> None:
    """The picture is XML, holds one group a message, and fetches nothing."""
    told = recorded(name)
    text = svg(told)
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    found = messages(told)
    assert len(root.findall(f"{space}g")) == len(found)
    shown = {element.text for element in root.findall(f"{space}text")}
    assert set(participants(found)) <= shown
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http://app", "").lower() or (
        "href" not in text and "url(" not in text
    )


def test_messages_are_in_order_of_time() -> None:
    """An arrow that stands lower was sent later."""
    times = [message.at for message in messages(recorded("overlap"))]
    assert times == sorted(times)
