"""Pictures of a lab: every node and arrow is in them, and the same input gives the same bytes."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import pytest
from pictured import SMALL, THIRTY, drawn, lab

from orchestrator.errors import WORLD, LayoutMissing
from orchestrator.host.graph_layout import lay_out
from orchestrator.rendering.graph import Picture, dot, mermaid, picture
from orchestrator.rendering.graph_svg import arrow_words, layout_text, svg
from orchestrator.traffic.roles import Relation, TrafficRoles

SVG = "{http://www.w3.org/2000/svg}"
READY = {"dns": "ready", "db": "paused", "app": "ready", "client": "stopped"}


def relation(client: str, server: str, port: int = 5432, protocol: str = "tcp", connections: int = 2) -> Relation:
    return Relation(client, server, protocol, port, connections, 0, 10, 20, 0 if connections else 1)


def root_of(shown: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(shown))


def groups(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in root.iter(f"{SVG}g") if kind in (one.get("class") or "").split()]


@pytest.mark.parametrize(("text", "nodes"), [(SMALL, 4), (THIRTY, 30)])
def test_every_node_network_and_arrow_is_in_the_svg(text: str, nodes: int) -> None:
    """With its name, its role, all its addresses, and the networks with their ranges."""
    shown = picture(lab(text), {})
    root = root_of(shown)
    words = " ".join(one.text for one in root.iter() if one.text)
    assert len(shown.machines) == nodes == len(groups(root, "machine"))
    for machine in shown.machines:
        assert {machine.name, machine.role, *machine.addresses} <= set(re.split(r"[ ,:.]*\s[ ,:.]*", words))
    titles = [one.findtext(f"{SVG}title") for one in groups(root, "arrow")]
    assert titles == [arrow_words(arrow) for arrow in shown.arrows]
    assert all(str(subnet) in words for subnet in lab(text).subnets.values())


@pytest.mark.parametrize("text", [SMALL, THIRTY])
def test_the_same_lab_gives_the_same_bytes(text: str) -> None:
    """In all four forms, from a layout engine that was started twice."""
    one, other = picture(lab(text), {}), picture(lab(text), {})
    assert (mermaid(one), dot(one)) == (mermaid(other), dot(other))
    assert svg(one, lay_out(layout_text(one))) == svg(other, lay_out(layout_text(other)))


def boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    rects = [one.find(f"{SVG}rect") for one in groups(root, "machine")]
    return [tuple(float(rect.get(word, "")) for word in ("x", "y", "width", "height")) for rect in rects]  # type: ignore


@pytest.mark.parametrize("text", [SMALL, THIRTY])
def test_no_two_nodes_overlap_and_all_are_on_the_sheet(text: str) -> None:
    """Thirty nodes can be read as well as four."""
    root = root_of(picture(lab(text), {}))
    left, top, wide, high = map(float, (root.get("viewBox") or "").split())
    found = boxes(root)
    for number, (x, y, width, height) in enumerate(found):
        assert left <= x <= x + width <= left + wide
        assert top <= y <= y + height <= top + high
        for a, b, c, d in found[number + 1 :]:
            assert x + width <= a or a + c <= x or y + height <= b or b + d <= y


def test_a_title_with_marks_of_xml_is_shown_as_it_is() -> None:
    assert root_of(picture(lab(SMALL), {})).findtext(f"{SVG}title") == 'small: A <small> & "quoted" lab'


def test_states_colour_the_nodes() -> None:
    """As a class in the SVG, which also says the word; as colours in Mermaid and Graphviz."""
    shown = picture(lab(SMALL), READY)
    found = {one.get("data-node"): one for one in groups(root_of(shown), "machine")}
    assert {node: one.get("class") for node, one in found.items()} == {n: f"machine {s}" for n, s in READY.items()}
    assert "database, paused" in [one.text for one in found["db"].iter()]
    assert "class n_db paused" in mermaid(shown)
    assert '"db" [label="db (database)\\n192.168.7.11", fillcolor="#e1bee7"];' in dot(shown)


def test_arrows_say_what_was_declared() -> None:
    shown = picture(lab(SMALL), {})
    assert [arrow_words(one) for one in shown.arrows] == [
        "app uses db (port 5432)",
        "client uses app (port 80)",
        "db asks dns",
        "app asks dns",
        "client asks dns",
    ]


def test_traffic_confirms_arrows_adds_some_and_misses_some() -> None:
    """What was declared and not seen says so; what was seen and not declared is an arrow of its own kind."""
    traffic = TrafficRoles(
        (relation("app", "db"), relation("client", "db"), relation("client", "dns", 53, "udp", 1), relation("x", "db"))
    )
    shown = picture(lab(SMALL), {}, traffic)
    assert [arrow_words(one) for one in shown.arrows] == [
        "app uses db (port 5432: 2 connections)",
        "client uses app (port 80, not seen)",
        "client asks dns (port 53: 1 question)",
        "client speaks, undeclared, to db (port 5432: 2 connections)",
    ]
    assert [one.get("class") for one in groups(root_of(shown), "arrow")][-1] == "arrow seen"


def test_an_arrow_names_a_few_of_many_ports() -> None:
    """Declared or seen: the picture stays narrow, and says that there are more."""
    listens = ", ".join(f"{{port: {port}}}" for port in (80, 443, 5000, 5001, 5002))
    text = SMALL.replace("app: {role: app, uses: [db]}", f"app: {{role: service, image: 'a:1', listens: [{listens}]}}")
    (declared,) = [arrow_words(one) for one in picture(lab(text), {}).arrows if one.server == "app"]
    assert declared == "client uses app (5 ports: 80, 443, 5000 and 2 more)"
    traffic = TrafficRoles(tuple(relation("client", "app", port) for port in (80, 443, 5000, 5001, 5002)))
    (seen,) = [arrow_words(one) for one in picture(lab(text), {}, traffic).arrows if one.server == "app"]
    assert seen.startswith("client uses app (port 80: 2 connections, ")
    assert seen.endswith("port 5000: 2 connections and 2 ports more)")


def test_a_refused_attempt_is_no_arrow_and_an_open_connection_is_one() -> None:
    refused = Relation("client", "db", "tcp", 5432, 0, 3, 0, 0, 0)
    earlier = relation("app", "db", connections=0)
    shown = picture(lab(SMALL), {}, TrafficRoles((refused, earlier)))
    words = [arrow_words(one) for one in shown.arrows]
    assert words == ["app uses db (port 5432: open before)", "client uses app (port 80, not seen)"]


def test_a_declared_arrow_over_which_nobody_got_through_says_so() -> None:
    """That is another thing than that nobody tried."""
    tried = Relation("app", "db", "tcp", 5432, 0, 3, 0, 0, 0)
    words = [arrow_words(one) for one in picture(lab(SMALL), {}, TrafficRoles((tried,))).arrows]
    assert words[0] == "app uses db (port 5432, 3 tries in vain)"


def test_a_dns_server_that_was_asked_undeclared_is_asked_and_nothing_worse() -> None:
    """A resolver goes where delegation leads it, which no file says."""
    text = SMALL.replace("dns: {role: dns}", "dns: {role: dns}\n  far: {role: dns, zones: {far.lab: }}")
    shown = picture(lab(text), {}, TrafficRoles((relation("dns", "far", 53, "udp", 2),)))
    assert [one.how for one in shown.arrows if one.server == "far"] == ["asks"]


def test_many_arrows_to_a_dns_server_are_told_in_its_box() -> None:
    """They would hide all others."""
    shown = picture(lab(THIRTY), {})
    assert [one.note for one in shown.machines if one.note] == ["serves 29 nodes"]
    assert {one.how for one in shown.arrows} == {"uses"}


def test_nodes_on_several_networks_have_an_area_of_their_own() -> None:
    titles = [re.sub(r" 192\.168\.\d+\.0/24", "", area.title) for area in picture(lab(THIRTY), {}).areas]
    assert titles == ["front and middle and back", "back", "middle and back", "front and middle", "front"]


def test_without_the_layout_engine_the_error_says_how_to_get_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Exit 3; what the program said is the evidence."""
    (tmp_path / "python").write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'pygraphviz'\" >&2\nexit 1\n"
    )
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(LayoutMissing) as caught:
        lay_out("digraph {}", python=str(tmp_path / "python"))
    assert caught.value.exit_code == WORLD
    assert "pygraphviz" in caught.value.why
    assert "pip install" in caught.value.hint


def test_what_the_engine_cannot_read_is_an_error() -> None:
    with pytest.raises(LayoutMissing):
        lay_out("digraph {", python=sys.executable)
