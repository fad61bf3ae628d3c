"""The picture of every scenario can be read: in a real browser, with its fonts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import library
import pytest

from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.rendering.graph import make_picture
from orchestrator.rendering.graph_svg import arrow_words
from orchestrator.rendering.lab_page import lab_page

pytestmark = pytest.mark.sampled(3)

# The words of each box that stand out of it, and the pairs of boxes that overlap.
CROWDED = """boxes => {
    const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
    const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
    const frame = document.querySelector(".topology").getBoundingClientRect();
    const places = boxes.map(box => box.querySelector("rect").getBoundingClientRect());
    const words = boxes.flatMap((box, n) => [...box.querySelectorAll("text")]
        .filter(text => !inside(text.getBoundingClientRect(), places[n])).map(text => text.textContent));
    const pairs = boxes.flatMap((box, n) => boxes.slice(n + 1)
        .filter((other, m) => !apart(places[n], places[n + 1 + m]))
        .map(other => `${box.dataset.node} and ${other.dataset.node}`));
    const out = boxes.filter((box, n) => !inside(places[n], frame)).map(box => box.dataset.node);
    return [words, pairs, out];
}"""


@pytest.mark.parametrize("name", library.NAMES)
def test_the_picture_of_a_scenario(opened: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """Each node once, with its words in its box, no box on another, and every arrow with its sentence."""
    reading = library.loaded(name).reading
    picture = make_picture(assign_addresses(name, reading.scenario, Snapshot("", "run", {}), reading.texts), {})
    (tmp_path / "lab.html").write_text(lab_page(picture), encoding="utf-8")
    page = opened(tmp_path / "lab.html")
    assert page.eval_on_selector_all(".topology .machine", CROWDED) == [[], [], []]
    nodes = page.eval_on_selector_all(".topology .machine", "all => all.map(one => one.dataset.node)")
    assert sorted(nodes) == sorted(reading.scenario.nodes)
    titles = page.eval_on_selector_all(".topology .arrow > title", "all => all.map(one => one.textContent)")
    assert titles == [arrow_words(arrow) for arrow in picture.arrows]
