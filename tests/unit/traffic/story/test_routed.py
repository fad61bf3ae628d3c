"""What is lost between two networks, or comes back from another address, is told as such."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from recorded import NODES, lines

from orchestrator.rendering.story import story_text
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.packets import Packet, RoutedPackets, read_packets
from orchestrator.traffic.packets.decode import LAYER_FIELDS
from orchestrator.traffic.story import build_story

CLIENT, APP, APP_TOO = "192.168.7.10", "192.168.8.20", "192.168.9.20"
NAMES = {CLIENT: "client", APP: "app", APP_TOO: "app", "192.168.8.10": "client"}
NETWORKS = {CLIENT: frozenset({"front"}), APP: frozenset({"back"})}
TWO_HOMES = {**NETWORKS, CLIENT: frozenset({"front", "back"})}
SYN, SYN_ACK, RST = 0x02, 0x12, 0x14
OUT, BACK = "client to app", "app to client"
ECHO = {"client to app": "8", "app to client": "0"}


def packet(time: float, way: str, network: str, flags: int = 0, protocol: str = "tcp") -> Packet:
    """A packet between port 4000 of the client and port 80 of the app; a ping has no ports."""
    ports = (0, 0) if protocol == "icmp" else (4000, 80)
    ends = ((CLIENT, ports[0]), (APP, ports[1]))
    (source, source_port), (target, target_port) = ends if way == OUT else ends[::-1]
    layers = tuple(ECHO[way] if name == "icmp.type" else "" for name in LAYER_FIELDS) if protocol == "icmp" else ()
    stream, size = (-1 if protocol == "icmp" else 1), (4 if protocol == "udp" else 0)
    return Packet(
        1, time, source, target, protocol, stream, source_port, target_port, flags, size, False, layers, None, network
    )


def told(packets: Iterable[Packet], networks: dict[str, frozenset[str]], names: dict[str, str] = NAMES) -> str:
    routed = RoutedPackets(networks)
    story = build_story(read_events(routed.without_copies(packets), names, find_loss=routed.loss))
    return " ".join(story_text(story).split())


def test_a_question_that_no_router_hands_on_left_one_network_and_is_not_seen_on_the_other() -> None:
    story = told([packet(1, OUT, "front", SYN), packet(2, OUT, "front", SYN)], NETWORKS)
    assert "client connects to app:80" in story
    assert "no answer to 2 SYNs over 1.0 s; left front, not seen on back" in story


def test_an_answer_that_is_lost_at_a_router_is_not_told_as_accepted() -> None:
    """The client never learns of it, and asks again."""
    lost = [
        packet(at + delay, way, network, flags)
        for at in (1, 2)
        for delay, way, network, flags in (
            (0.0, OUT, "front", SYN),
            (0.1, OUT, "back", SYN),
            (0.2, BACK, "back", SYN_ACK),
        )
    ]
    story = told(lost, NETWORKS)
    assert "no answer to 2 SYNs over 1.0 s; the answer left back, not seen on front" in story
    assert "accepted" not in story


@pytest.mark.parametrize(("flags", "word"), [(SYN_ACK, "accepted"), (RST, "refused (RST)")])
def test_an_answer_that_arrives_is_told_once(flags: int, word: str) -> None:
    whole = [
        packet(1.0, OUT, "front", SYN),
        packet(1.1, OUT, "back", SYN),
        packet(1.2, BACK, "back", flags),
        packet(1.3, BACK, "front", flags),
    ]
    story = told(whole, NETWORKS)
    assert story.count(word) == 1
    assert "not seen" not in story


def test_an_answer_that_takes_another_way_back_has_arrived() -> None:
    """The client stands on both networks: the app answers it without the router."""
    ways = [packet(1.0, OUT, "front", SYN), packet(1.1, OUT, "back", SYN), packet(1.2, BACK, "back", SYN_ACK)]
    assert "accepted" in told(ways, TWO_HOMES)


@pytest.mark.parametrize("protocol", ["udp", "icmp"])
def test_datagrams_and_pings_that_are_lost_are_told_so(protocol: str) -> None:
    there = [packet(1.0, OUT, "front", 0, protocol), packet(1.1, OUT, "back", 0, protocol)]
    answer = packet(1.2, BACK, "back", 0, protocol)
    assert "no answer; left front, not seen on back" in told(there[:1], NETWORKS)
    assert "no answer; the answer left back, not seen on front" in told([*there, answer], NETWORKS)
    arrived = told([*there, answer, replace(answer, time=1.3, network="front")], NETWORKS)
    assert "no answer" not in arrived


def test_what_nobody_answers_although_it_arrived_is_said_without_a_place() -> None:
    story = told([packet(1.0, OUT, "front", SYN), packet(1.1, OUT, "back", SYN)], NETWORKS)
    assert "no answer to the SYN" in story
    assert "not seen" not in story


def test_on_one_network_nothing_is_said_of_others() -> None:
    one = {CLIENT: frozenset({"lab"}), APP: frozenset({"lab"})}
    story = told([packet(1.0, OUT, "lab", SYN), packet(1.2, BACK, "lab", SYN_ACK)], one)
    assert "accepted" in story


def test_a_question_for_a_name_that_is_lost_is_told_so() -> None:
    packets = [packet for packet in read_packets(lines("silent")) if NODES.get(packet.target) == "dns"]
    questions = [replace(packet, network="front") for packet in packets]
    networks = {address: frozenset({"front" if name == "client" else "back"}) for address, name in NODES.items()}
    assert "left front, not seen on back" in told(questions, networks, NODES)


def test_an_answer_of_a_dns_server_from_another_of_its_addresses_is_told() -> None:
    packets = [packet for packet in read_packets(lines("silent")) if packet.protocol == "udp"]
    astray = [replace(packet, source=APP_TOO) if NODES.get(packet.source) == "dns" else packet for packet in packets]
    story = told(astray, {}, {**NODES, APP_TOO: "dns"})
    assert f"from 192.168.231.10:53; dns answered from {APP_TOO}:53 instead" in story
    assert "instead" not in told(astray, {}, {**NODES, APP_TOO: "other"})


def test_a_reply_from_another_address_is_told_with_that_which_was_asked() -> None:
    """It is no question of the app's own, and no answer to that of the client."""
    asked = packet(1.0, OUT, "front", 0, "udp")
    reply = replace(packet(1.1, BACK, "front", 0, "udp"), source=APP_TOO, source_port=5001, stream=2)
    story = told([asked, reply], {})
    assert f"no answer from {APP}:80; app answered from {APP_TOO}:5001 instead" in story
    assert "app sends" not in story


def test_what_another_node_sends_to_the_same_socket_is_a_flow_of_its_own() -> None:
    asked = packet(1.0, OUT, "front", 0, "udp")
    stranger = replace(packet(1.1, BACK, "front", 0, "udp"), source="192.168.7.99", stream=2)
    story = told([asked, stranger], {})
    assert "instead" not in story
    assert "192.168.7.99 sends 1 UDP packet" in story
