"""Pictures of a lab: every node and arrow is in them, and the same input gives the same bytes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from picture_labs import SMALL, THIRTY, drawn, lab

from orchestrator.rendering.graph import Picture, SeenTraffic, dot, make_picture, mermaid
from orchestrator.rendering.graph_svg import KINDS, arrow_words
from orchestrator.traffic.roles import Relation, TrafficRoles

SVG = "{http://www.w3.org/2000/svg}"
READY = {"dns": "ready", "db": "paused", "app": "ready", "client": "stopped"}


def relation(client: str, server: str, port: int = 5432, protocol: str = "tcp", connections: int = 2) -> Relation:
    return Relation(client, server, protocol, port, connections, 0, 10, 20, 0 if connections else 1)


def root_of(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(drawn(picture))


def groups(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [element for element in root.iter(f"{SVG}g") if kind in (element.get("class") or "").split()]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "nodes"), [(SMALL, 4), (THIRTY, 30)])
def test_every_node_network_and_arrow_is_in_the_svg(text: str, nodes: int) -> None:
    """With its name, its role, all its addresses, and the networks with their ranges."""
    picture = make_picture(lab(text), {})
    root = root_of(picture)
    words = " ".join(element.text for element in root.iter() if element.text)
    assert len(picture.machines) == nodes == len(groups(root, "machine"))
    for machine in picture.machines:
        assert {machine.name, machine.role, *machine.addresses} <= set(re.split(r"[ ,:.]*\s[ ,:.]*", words))
    titles = [one.findtext(f"{SVG}title") for one in groups(root, "arrow")]
    assert titles == [arrow_words(arrow) for arrow in picture.arrows]
    assert all(str(subnet) in words for subnet in lab(text).subnets.values())


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, THIRTY])
def test_the_same_lab_gives_the_same_bytes(text: str) -> None:
    """In all forms."""
    first, second = make_picture(lab(text), {}), make_picture(lab(text), {})
    assert (mermaid(first), dot(first), drawn(first)) == (mermaid(second), dot(second), drawn(second))


def boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    rects = [one.find(f"{SVG}rect") for one in groups(root, "machine")]
    return [tuple(float(rect.get(word, "")) for word in ("x", "y", "width", "height")) for rect in rects]  # type: ignore


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, THIRTY])
def test_no_two_nodes_overlap_and_all_are_on_the_sheet(text: str) -> None:
    """Thirty nodes can be read as well as four."""
    root = root_of(make_picture(lab(text), {}))
    left, top, wide, high = map(float, (root.get("viewBox") or "").split())
    found = boxes(root)
    for number, (x, y, width, height) in enumerate(found):
        assert left <= x <= x + width <= left + wide
        assert top <= y <= y + height <= top + high
        for a, b, c, d in found[number + 1 :]:
            assert x + width <= a or a + c <= x or y + height <= b or b + d <= y


def test_a_title_with_marks_of_xml_is_shown_as_it_is() -> None:
    assert root_of(make_picture(lab(SMALL), {})).findtext(f"{SVG}title") == 'small: A <small> & "quoted" lab'


def test_states_colour_the_nodes() -> None:
    """As a class in the SVG, which also says the word; as colours in Mermaid and Graphviz."""
    picture = make_picture(lab(SMALL), READY)
    found = {one.get("data-node"): one for one in groups(root_of(picture), "machine")}
    assert {node: one.get("class") for node, one in found.items()} == {n: f"machine {s}" for n, s in READY.items()}
    assert "database, paused" in [finding.text for finding in found["db"].iter()]
    assert "class n_db paused" in mermaid(picture)
    assert '"db" [label="db (database)", fillcolor="#e1bee7"];' in dot(picture)


def test_arrows_say_what_was_declared() -> None:
    picture = make_picture(lab(SMALL), {})
    assert [arrow_words(arrow) for arrow in picture.arrows] == [
        "app uses db (port 5432)",
        "client uses app (port 80)",
        "db asks dns",
        "app asks dns",
        "client asks dns",
    ]


def test_traffic_confirms_arrows_adds_some_and_misses_some() -> None:
    """What was declared and not seen says so; what was seen and not declared is an arrow of its own kind."""
    traffic = SeenTraffic(
        TrafficRoles(
            (
                relation("app", "db"),
                relation("client", "db"),
                relation("client", "dns", 53, "udp", 1),
                relation("x", "db"),
            )
        )
    )
    picture = make_picture(lab(SMALL), {}, traffic)
    assert [arrow_words(arrow) for arrow in picture.arrows] == [
        "app uses db (port 5432: 2 connections)",
        "client uses app (port 80, not seen)",
        "client asks dns (port 53: 1 question)",
        "client speaks, undeclared, to db (port 5432: 2 connections)",
    ]
    assert [one.get("data-server") for one in groups(root_of(picture), "seen") if one.get("data-server")] == ["db"]


def test_an_arrow_names_a_few_of_many_ports() -> None:
    """Declared or seen: the picture stays narrow, and says that there are more."""
    listens = ", ".join(f"{{port: {port}}}" for port in (80, 443, 5000, 5001, 5002))
    text = SMALL.replace("app: {role: app, uses: [db]}", f"app: {{role: service, image: 'a:1', listens: [{listens}]}}")
    (declared,) = [arrow_words(one) for one in make_picture(lab(text), {}).arrows if one.server == "app"]
    assert declared == "client uses app (5 ports: 80, 443, 5000 and 2 more)"
    traffic = SeenTraffic(TrafficRoles(tuple(relation("client", "app", port) for port in (80, 443, 5000, 5001, 5002))))
    (seen,) = [arrow_words(one) for one in make_picture(lab(text), {}, traffic).arrows if one.server == "app"]
    assert seen.startswith("client uses app (port 80: 2 connections, ")
    assert seen.endswith("port 5000: 2 connections and 2 ports more)")


def test_a_refused_attempt_is_no_arrow_and_an_open_connection_is_one() -> None:
    refused = Relation("client", "db", "tcp", 5432, 0, 3, 0, 0, 0)
    earlier = relation("app", "db", connections=0)
    picture = make_picture(lab(SMALL), {}, SeenTraffic(TrafficRoles((refused, earlier))))
    words = [arrow_words(arrow) for arrow in picture.arrows]
    assert words == ["app uses db (port 5432: open before)", "client uses app (port 80, not seen)"]


def test_a_declared_arrow_over_which_nobody_got_through_says_so() -> None:
    """That is another thing than that nobody tried."""
    tried = Relation("app", "db", "tcp", 5432, 0, 3, 0, 0, 0)
    words = [arrow_words(one) for one in make_picture(lab(SMALL), {}, SeenTraffic(TrafficRoles((tried,)))).arrows]
    assert words[0] == "app uses db (port 5432, 3 tries in vain)"


def test_a_dns_server_that_was_asked_undeclared_is_asked_and_nothing_worse() -> None:
    """A resolver goes where delegation leads it, which no file says."""
    text = SMALL.replace("dns: {role: dns}", "dns: {role: dns}\n  far: {role: dns, zones: {far.lab: }}")
    picture = make_picture(lab(text), {}, SeenTraffic(TrafficRoles((relation("dns", "far", 53, "udp", 2),))))
    assert [arrow.how for arrow in picture.arrows if arrow.server == "far"] == ["asks"]


def test_many_arrows_to_a_dns_server_are_told_in_its_box() -> None:
    """They would hide all others."""
    picture = make_picture(lab(THIRTY), {})
    assert [machine.note for machine in picture.machines if machine.note] == ["serves 29 nodes"]
    assert {arrow.how for arrow in picture.arrows} == {"uses"}


ROUTED = """\
name: routed
title: Two networks and a router
networks: {office: {subnet: 192.168.1.0/24}, front: {subnet: 192.168.2.0/24}, back: {subnet: 192.168.3.0/24}}
nodes:
  router: {role: router, networks: [office, front]}
  dns: {role: dns, networks: [front]}
  db: {role: database, networks: [back], resolvers: []}
  app: {role: app, networks: [front, back], uses: [db]}
  clerk: {role: client, networks: [office], uses: [app]}
  visitor: {role: client, networks: [office], routes: [], uses: [app], resolvers: []}
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, THIRTY, ROUTED])
def test_each_network_is_drawn_once_and_its_nodes_are_attached_to_it(text: str) -> None:
    """With the node's addresses on that network in the plug, however many networks the node is on."""
    topology, root = lab(text), root_of(make_picture(lab(text), {}))
    assert sorted(one.get("data-network") or "" for one in groups(root, "network")) == sorted(topology.subnets)
    plugs = {
        (plug.get("data-node"), plug.get("data-network")): [line.text for line in plug.iter(f"{SVG}text")]
        for plug in groups(root, "plug")
    }
    assert plugs == {(place.node, place.network): [str(place.address)] for place in topology.attachments}


def test_a_connection_to_another_network_runs_through_the_router() -> None:
    """Once into the router and once out of it; in words too."""
    picture = make_picture(lab(ROUTED), {})
    clerk = next(arrow for arrow in picture.arrows if arrow.client == "clerk" and arrow.server == "app")
    assert clerk.path == ("office", "router", "front")
    assert arrow_words(clerk) == "clerk uses app through router (port 80)"
    assert 'n_clerk -->|"port 80, through router"| n_app' in mermaid(picture)
    by_ends = {(one.get("data-client"), one.get("data-server")): one for one in groups(root_of(picture), "arrow")}
    assert len(by_ends["clerk", "app"].findall(f"{SVG}path")) == 2


def test_mermaid_has_each_network_once() -> None:
    """Nodes on one network stand in it; a node on several is attached to each, with its address there."""
    text = mermaid(make_picture(lab(ROUTED), {}))
    assert text.count("subgraph ") == 3
    assert 'subgraph net_office["office 192.168.1.0/24"]\n        n_clerk["clerk (client)<br>192.168.1.11"]' in text
    assert '    n_router --- |"192.168.1.10"| net_office\n    n_router --- |"192.168.2.10"| net_front' in text


def test_who_knows_no_way_has_no_line_and_its_box_says_so() -> None:
    """`routes: []`: the file declares the use, and no packet could go there."""
    picture = make_picture(lab(ROUTED), {})
    assert next(arrow for arrow in picture.arrows if arrow.client == "visitor").path == ()
    (group,) = [one for one in groups(root_of(picture), "arrow") if one.get("data-client") == "visitor"]
    assert group.findall(f"{SVG}path") == []
    notes = {machine.name: machine.note for machine in picture.machines if machine.note}
    assert notes == {"visitor": "knows no way to app"}


def verticals(root: ElementTree.Element) -> list[tuple[float, float, str]]:
    """Where lines end at plugs: x, y, and the server that they lead to."""
    ends = []
    for group in groups(root, "arrow"):
        for path in group.findall(f"{SVG}path"):
            x, y = re.findall(r"-?[0-9.]+", path.get("d") or "")[:2]
            ends.append((float(x), float(y), group.get("data-server") or "legend"))
    return ends


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, THIRTY, ROUTED])
def test_two_connections_leave_a_plug_at_two_places(text: str) -> None:
    """Lines to different servers never lie on each other."""
    found: dict[tuple[float, float], str] = {}
    for x, y, server in verticals(root_of(make_picture(lab(text), {}))):
        assert found.setdefault((x, y), server) == server


def test_the_legend_explains_the_kinds_of_lines_that_occur_and_no_others() -> None:
    root = root_of(make_picture(lab(SMALL), {}))
    legend = [words.text for group in groups(root, "legend") for words in group.iter(f"{SVG}text")]
    assert legend == [KINDS["uses"], KINDS["asks"]]


def test_what_only_the_checks_did_is_no_traffic_of_users() -> None:
    """A declared connection is marked as theirs; one that is not declared is not drawn."""
    checks = TrafficRoles((relation("client", "db"), relation("client", "app", 80)))
    picture = make_picture(lab(SMALL), {}, SeenTraffic(TrafficRoles((relation("app", "db"),)), checks))
    assert [arrow_words(arrow) for arrow in picture.arrows] == [
        "app uses db (port 5432: 2 connections)",
        "client uses app (port 80: 2 connections (by checks))",
    ]
    assert groups(root_of(picture), "seen") == []


def test_what_somebody_else_did_too_is_drawn_as_theirs() -> None:
    """The negative control: a check that connects as well does not hide a user."""
    both = TrafficRoles((relation("client", "db"),))
    picture = make_picture(lab(SMALL), {}, SeenTraffic(both, both))
    assert [arrow.how for arrow in picture.arrows][-1] == "seen"


def rectangle(element: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a group's rectangle."""
    rect = element.find(f"{SVG}rect")
    assert rect is not None
    x, y, width, height = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


@pytest.mark.slow
@pytest.mark.parametrize("text", [SMALL, THIRTY, ROUTED])
@pytest.mark.parametrize("seen", [False, True])
def test_every_label_stands_in_its_network_and_on_no_other(text: str, seen: bool) -> None:
    """Short ones, as declared, and long ones, as captured."""
    declared = make_picture(lab(text), {})
    relations = tuple(relation(arrow.client, arrow.server, 5432) for arrow in declared.arrows)
    picture = make_picture(lab(text), {}, SeenTraffic(TrafficRoles(()), TrafficRoles(relations))) if seen else declared
    root = root_of(picture)
    segments = [rectangle(group) for group in groups(root, "network")]
    labels = [rectangle(group) for group in groups(root, "label")]
    assert labels
    for number, (left, top, right, bottom) in enumerate(labels):
        assert any(a <= left and b <= top + 1 and right <= c and bottom <= d + 1 for a, b, c, d in segments)
        for a, b, c, d in labels[number + 1 :]:
            assert right <= a or c <= left or bottom <= b + 2 or d <= top + 2
