"""The pictures in the README are those that the commands beside them draw."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import library

from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.rendering.graph import make_picture
from orchestrator.rendering.graph_svg import svg
from orchestrator.rendering.sequence import STYLE

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"


def test_the_lab_is_drawn_as_it_is_drawn_today() -> None:
    """Byte for byte what `wirelab graph basic --format svg` prints where the lab is down."""
    reading = library.loaded("basic").reading
    picture = make_picture(assign_addresses("basic", reading.scenario, Snapshot("", "run", {}), reading.texts), {})
    assert (PICTURES / "basic.svg").read_text() == svg(picture)


def test_the_story_is_drawn_as_stories_are_drawn_today() -> None:
    """Its times are those of one day (tests/engine/test_reports.py makes it anew); its form is that of the program."""
    text = (PICTURES / "basic-story.svg").read_text()
    assert STYLE in text
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_readme_opens_with_the_story_and_says_how_it_is_made() -> None:
    readme = (ROOT / "README.md").read_text()
    opening = readme.partition("## ")[0]
    assert "](docs/pictures/basic-story.svg)" in opening
    assert "wirelab trace basic --format svg -- curl -s http://app.shop.lab/items" in opening
    assert "](docs/pictures/basic.svg)" in opening
