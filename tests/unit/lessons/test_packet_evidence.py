"""The packets in a learner's result are read again: the right ones show what the task wants, and no others do."""

from __future__ import annotations

import gzip
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import recorded_packets
from pydantic import TypeAdapter
from recorded import RECORDINGS
from recorded_packets import CUT_AT, HOSTS, decode, evidence, frames_of, lookup, packets, request

from orchestrator.lessons.evidence import Judgement, identities, judge
from orchestrator.lessons.lesson import AnyTask, ObserveTask, Task
from orchestrator.lessons.packet_evidence import (
    MOST_BYTES,
    Decode,
    not_kept,
    packet_fingerprints,
    packets_document,
    selection_of,
)
from orchestrator.lessons.server_records import RecordedExchanges, ServerRecord
from orchestrator.traffic.exchanges.events import DnsExchange, TlsHandshake
from orchestrator.traffic.packets.frames import Frame, pcapng_of, read_frames

SOLVE = {"from": "client", "run": ["dig", "app.shop.lab"]}
LOOK_UP = {"from": "client", "resolves": "app.shop.lab", "to": "app"}
FETCH = {"from": "client", "http": "http://app.shop.lab/items", "status": 200}


def task_of(**values: Any) -> AnyTask:
    task: AnyTask = TypeAdapter(Task).validate_python({"title": "Do it", "solve": SOLVE, **values})
    return task


LOOKED = task_of(observe=LOOK_UP)
FETCHED = task_of(observe=FETCH)
FIRST_LOOKED = task_of(observe=FETCH, after=LOOK_UP)


def verdict(task: AnyTask, document: Any, read: Decode = decode) -> tuple[str, str]:
    judgement = judge(task, document, 7, read)
    return judgement.verdict, judgement.why


def looked() -> dict[str, Any]:
    return evidence("first", lookup())


def test_the_packets_that_completed_a_task_complete_it_again() -> None:
    assert verdict(LOOKED, looked()) == ("holds", "")
    assert verdict(FETCHED, evidence("first", request())) == ("holds", "")


def test_what_comes_first_is_in_the_packets_or_the_task_is_not_done() -> None:
    earlier = lookup().ended
    assert verdict(FIRST_LOOKED, evidence("first", request(), lookup(), earlier=earlier)) == ("holds", "")
    without = evidence("first", request(), earlier=earlier)
    assert verdict(FIRST_LOOKED, without) == (
        "does not hold",
        "the packets do not show first a question for app.shop.lab A",
    )


def test_a_question_without_an_answer_comes_first_in_the_packets_or_the_task_is_not_done() -> None:
    """A client that waited for a dead server asks a second one; here what follows is another question to the first."""
    both = task_of(observe=LOOK_UP, after={"from": "client", "unanswered": "dns"})
    assert verdict(both, {**looked(), "earlier": lookup().started - 2})[1] == (
        "the packets do not show first a question to dns that gets no answer"
    )


def test_packets_of_another_exchange_are_named_with_what_they_show() -> None:
    other = evidence("records", lookup("records", -1))
    assert verdict(LOOKED, {**looked(), "packets": other["packets"]}) == (
        "does not hold",
        "the packets show another attempt than the one of which the result tells",
    )
    missing = {**evidence("first", request()), "packets": evidence("first", lookup())["packets"]}
    assert verdict(FETCHED, missing) == ("does not hold", "the packets do not show it")
    wrong = task_of(observe={**LOOK_UP, "to": "db"})
    assert verdict(wrong, looked())[1].startswith("the answer to client was 192.168.231.12")


def test_an_exchange_that_the_packets_show_otherwise_is_named() -> None:
    """The result says that the answer was right; the packets say that it was another one."""
    task = task_of(observe={"from": "client", "resolves": "nope.shop.lab"})
    event = next(event for event in recorded_packets.ended("records") if _asks_nope(event))
    document = evidence("records", event)
    document["exchange"]["rcode"] = "NOERROR"
    assert verdict(task, document) == (
        "does not hold",
        "the packets show something else: client asked dns for nope.shop.lab A: NXDOMAIN, nobody has that name. "
        "Expected: the answer NOERROR.",
    )


def _asks_nope(event: object) -> bool:
    return isinstance(event, DnsExchange) and event.name.startswith("nope") and event.type == "A"


def test_packets_of_another_lab_are_named() -> None:
    document = looked()
    document["hosts"] = {host: [known.replace("231", "7") for known in ours] for host, ours in HOSTS.items()}
    document["exchange"]["answers"][0]["value"] = "192.168.7.12"
    assert verdict(LOOKED, document) == (
        "does not hold",
        "the packets are those of another lab: this one has neither 192.168.231.13 nor 192.168.231.10",
    )


def frames() -> list[Frame]:
    return frames_of("first", (lookup(),))


def capture() -> bytes:
    return pcapng_of(frames())


def text(content: bytes) -> dict[str, str]:
    return {"pcapng": b64encode(content).decode()}


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda: text(b""), "the packets are empty"),
        (lambda: packets([]), "the packets are empty"),
        (lambda: text(capture()[:-7]), "the packets cannot be read: they are cut off at byte"),
        (lambda: text(b"no packets at all"), "the packets cannot be read: no section of pcapng begins at byte 0"),
        (lambda: text(gzip.compress(capture() * 1000)), "the packets cannot be read: no section of pcapng begins"),
        (lambda: text(capture() * 100), "the packets have more than 32 KiB"),
        (lambda: {"pcapng": "A" * 50_000_000}, "the packets have more than 32 KiB"),
        (lambda: {"pcapng": "not base64!"}, "the packets cannot be read: they are no base64"),
        (lambda: {"pcapng": "é"}, "the packets cannot be read"),
        (lambda: {"pcapng": 7}, "the packets have another form"),
        (dict, "the packets have another form"),
        (lambda: [1], "the packets have another form"),
        (lambda: "", "the packets have another form"),
        (lambda: packets([replace(frames()[0], content=b"x" * 60)]), "the packets cannot be read: of 1, 0"),
        (lambda: text(other_link_type()), "the packets cannot be read: they are of no Ethernet network"),
    ],
)
def test_packets_that_cannot_be_read_are_named(damage: Callable[[], Any], why: str) -> None:
    said = verdict(LOOKED, {**looked(), "packets": damage()})
    assert (said[0], said[1][: len(why)]) == ("does not hold", why)


def other_link_type() -> bytes:
    """The interface of a network of another kind than Ethernet, which other parts of tshark would read."""
    content = bytearray(capture())
    content[content.index(b"\x01\x00\x00\x00", 24) + 8] = 147
    return bytes(content)


def test_packets_that_were_not_kept_or_that_nobody_reads_are_neither_right_nor_wrong() -> None:
    absent = {key: value for key, value in looked().items() if key != "packets"}
    assert verdict(LOOKED, absent) == ("no packets", "no packets were kept")
    large = {**looked(), "packets": packets_document([capture() + pcapng_of(frames() * 200)], CUT_AT)}
    assert verdict(LOOKED, large) == ("no packets", "its packets were not kept: they have more than 32 KiB")
    none = {**looked(), "packets": packets_document([pcapng_of([])], CUT_AT)}
    assert verdict(LOOKED, none)[1] == "its packets were not kept: the recording does not have them any more"
    assert judge(LOOKED, looked(), 7).why == "its packets were not read: that needs a container engine"


def test_a_great_many_packets_are_refused_before_anything_decodes_them() -> None:
    tiny = [Frame(number, "", b"", 0) for number in range(100_000)]
    content = pcapng_of(tiny)

    def never(_capture: bytes, _http: Sequence[int]) -> list[str]:
        raise AssertionError

    began = time.process_time()
    assert verdict(LOOKED, {**looked(), "packets": text(content)}, never)[1].startswith("the packets have more than")
    fitting = text(pcapng_of(tiny[: MOST_BYTES // 40]))
    verdict(LOOKED, {**looked(), "packets": fitting}, lambda _capture, _http: [])
    assert time.process_time() - began < 30  # only ends what hangs


INSIDE = task_of(observe={"from": "client", "http": "http://127.0.0.1/items", "status": 200})


def on_loopback(frame: Frame) -> Frame:
    """The frame as it crosses the loopback interface (IPv4, RFC 791: bytes 12 to 20 of the header)."""
    return replace(frame, network="client", content=frame.content[:26] + bytes((127, 0, 0, 1)) * 2 + frame.content[34:])


def decode_on_loopback(capture: bytes, http: Sequence[int]) -> list[str]:
    """What tshark prints for packets of the recordings that cross a loopback interface, with HTTP at port 80."""
    known = {
        on_loopback(frame): line for frame in frames_of("first", (request(),)) for line in decode(pcapng_of([frame]))
    }
    lines = [known[frame] for frame in read_frames(capture)] if 80 in http else []
    return [re.sub(r"192\.168\.231\.\d+", "127.0.0.1", line) for line in lines]


def inside() -> dict[str, Any]:
    """The evidence of a request of the client to itself."""
    document = evidence("first", request())
    flow = document["exchange"]["flow"]
    flow["client"]["address"] = "127.0.0.1"
    flow["server"] = {**flow["server"], "node": "client", "address": "127.0.0.1"}
    document["packets"] = packets(map(on_loopback, frames_of("first", (request(),))))
    return document


def test_a_request_that_crosses_no_network_is_judged_by_the_packets_of_the_loopback_interface() -> None:
    assert judge(INSIDE, inside(), 7, decode_on_loopback) == Judgement("holds", by="packets")
    without = {**inside(), "packets": not_kept("nothing recorded the loopback interface of the node")}
    assert verdict(INSIDE, without, decode_on_loopback) == (
        "no packets",
        "its packets were not kept: nothing recorded the loopback interface of the node",
    )


def test_packets_of_a_network_complete_no_task_inside_of_a_node_and_the_other_way_round() -> None:
    across = {**inside(), "packets": evidence("first", request())["packets"]}
    assert verdict(INSIDE, across) == (
        "does not hold",
        "the packets show something else: client requested GET /items from app, 192.168.231.12, port 80: the answer "
        "was 200. Expected: GET http://127.0.0.1/items.",
    )
    outside = {**evidence("first", request()), "packets": inside()["packets"]}
    assert verdict(FETCHED, outside, lambda capture, _http: decode_on_loopback(capture, (80,)))[0] == "does not hold"


def secure() -> tuple[AnyTask, dict[str, Any]]:
    """A request over TLS, of which the packets show the connection alone, and the server's log the rest."""
    shook = next(event for event in recorded_packets.ended("tls") if is_agreed(event))
    assert isinstance(shook, TlsHandshake)
    flow, recorded = shook.flow, RecordedExchanges()
    recorded.note(shook)
    recorded.add(ServerRecord((flow.server.node, flow.client.address, flow.client.port), "", "GET", "/", 200))
    [exchange] = recorded.take()
    url = f"https://{shook.server_name}:{flow.server.port}/"
    task = task_of(observe={"from": flow.client.node, "http": url, "status": 200})
    document = evidence("tls", exchange)
    return task, {**document, "hosts": {**HOSTS, str(shook.server_name): [flow.server.address]}}


def is_agreed(event: object) -> bool:
    return isinstance(event, TlsHandshake) and event.outcome == "agreed"


def test_of_a_request_inside_tls_the_judgement_says_what_no_packet_shows() -> None:
    task, document = secure()
    judgement = judge(task, document, 7, decode)
    assert (judgement.verdict, judgement.by) == (
        "holds",
        "packets of the TLS connection; the request, from the server's log, as the result tells it",
    )
    assert verdict(task, {**document, "packets": evidence("first", request())["packets"]})[0] == "does not hold"
    assert verdict(task, {**document, "exchange": {**document["exchange"], "target": "/x"}})[0] == "does not hold"


def test_packets_of_two_recordings_stand_in_order_of_time() -> None:
    """What comes first crossed a network, and the request itself did not."""
    first, second = frames_of("first", (lookup(),)), frames_of("first", (request(),))
    document = packets_document([pcapng_of(second), pcapng_of(first)], CUT_AT)
    assert read_frames(b64decode(document["pcapng"])) == tuple(sorted([*first, *second], key=lambda frame: frame.time))


def test_a_recording_that_was_cut_for_its_size_is_too_large_and_not_damaged() -> None:
    recorded = capture()
    assert packets_document([recorded[:-7]], len(recorded) - 7) == {"not_kept": "they have more than 32 KiB"}


def test_packets_betray_a_copy_though_their_times_and_addresses_are_changed() -> None:
    ours = evidence("first", request(), lookup())
    changed = [moved(frame) for frame in frames_of("first", (request(), lookup()))]
    theirs = {**ours, "packets": packets(changed), "exchange": {}}
    assert packet_fingerprints(ours)
    assert packet_fingerprints(ours) == packet_fingerprints(theirs)
    assert identities(ours, 1.0) & identities(theirs, 2.0)
    assert not identities(ours, 1.0) & identities(evidence("second", request("second")), 1.0)


def moved(frame: Frame) -> Frame:
    """The frame a second later, from other addresses (IPv4, RFC 791: bytes 12 to 20 of the header)."""
    content = frame.content[:26] + bytes(8) + frame.content[34:]
    return replace(frame, time=frame.time + 10**9, content=content)


def test_the_packets_of_a_task_are_selected_by_its_flow_its_lookup_and_what_comes_first() -> None:
    assert isinstance(FIRST_LOOKED, ObserveTask)
    fetched, asked = request(), lookup()
    selection = selection_of(FIRST_LOOKED, fetched, asked, lambda host: HOSTS[host])
    port, question = fetched.flow.client.port, asked.flow.client.port
    assert f"tcp.port == {port} && tcp.port == 80" in selection.filter
    assert f"udp.port == {question} && udp.port == 53" in selection.filter
    assert 'dns.qry.name == "app.shop.lab"' in selection.filter
    assert selection.since <= asked.started
    assert selection.until > (fetched.ended or 0)
    waited = task_of(observe=LOOK_UP, after={"from": "client", "unanswered": "dns"})
    assert isinstance(waited, ObserveTask)
    silent = selection_of(waited, asked, asked.started - 5, lambda host: HOSTS[host])
    assert "arp.dst.proto_ipv4 == 192.168.231.10" in silent.filter
    assert silent.since == asked.started - 5


def test_what_is_kept_is_what_was_recorded_and_nothing_else() -> None:
    """A comment or a name in the file of the recorder is no packet, and may say something of the machine."""
    recorded = (RECORDINGS / "refused.pcapng").read_bytes()
    document = packets_document([recorded], CUT_AT)
    assert read_frames(pcapng_of(read_frames(recorded))) == read_frames(recorded)
    assert len(document["pcapng"]) < len(recorded) * 4 / 3
    assert packets_document([recorded[:-3]], CUT_AT) == {
        "not_kept": f"their recording is damaged: they are cut off at byte {len(recorded) - len(last_block(recorded))}"
    }


def last_block(content: bytes) -> bytes:
    size = int.from_bytes(content[-4:], "little")
    return content[-size:]
