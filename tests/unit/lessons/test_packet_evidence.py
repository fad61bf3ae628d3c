"""The packets in a learner's result are read again: the right ones show what the task wants, and no others do."""

from __future__ import annotations

import gzip
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import recorded_packets
from pydantic import TypeAdapter
from recorded import RECORDINGS
from recorded_packets import HOSTS, decode, evidence, frames_of, lookup, packets, request

from orchestrator.lessons.evidence import identities, judge
from orchestrator.lessons.lesson import AnyTask, ObserveTask, Task
from orchestrator.lessons.packet_evidence import MOST_BYTES, packet_fingerprints, packets_document, selection_of
from orchestrator.traffic.exchanges.events import DnsExchange
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


def verdict(task: AnyTask, document: Any, read: Callable[[bytes], list[str]] = decode) -> tuple[str, str]:
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
    large = {**looked(), "packets": packets_document(capture() + pcapng_of(frames() * 200))}
    assert verdict(LOOKED, large) == ("no packets", "its packets were not kept: they have more than 32 KiB")
    none = {**looked(), "packets": packets_document(pcapng_of([]))}
    assert verdict(LOOKED, none)[1] == "its packets were not kept: the recording does not have them any more"
    assert judge(LOOKED, looked(), 7).why == "its packets were not read: that needs a container engine"


def test_a_great_many_packets_are_refused_before_anything_decodes_them() -> None:
    tiny = [Frame(number, "", b"", 0) for number in range(100_000)]
    content = pcapng_of(tiny)

    def never(_capture: bytes) -> list[str]:
        raise AssertionError

    began = time.process_time()
    assert verdict(LOOKED, {**looked(), "packets": text(content)}, never)[1].startswith("the packets have more than")
    fitting = text(pcapng_of(tiny[: MOST_BYTES // 40]))
    verdict(LOOKED, {**looked(), "packets": fitting}, lambda _capture: [])
    assert time.process_time() - began < 30  # only ends what hangs


def test_a_request_that_crosses_no_network_has_no_packets_to_be_judged() -> None:
    task = task_of(observe={"from": "client", "http": "http://127.0.0.1:8080/", "status": 200})
    assert isinstance(task, ObserveTask)
    document = evidence("first", request())
    document["exchange"] = {**document["exchange"], "target": "/"}
    document["exchange"]["flow"]["server"] = {"node": "client", "address": "127.0.0.1", "port": 8080}
    assert verdict(task, document) == ("not judged", "it crossed no network, and nothing records that")


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
    document = packets_document(recorded)
    assert read_frames(pcapng_of(read_frames(recorded))) == read_frames(recorded)
    assert len(document["pcapng"]) < len(recorded) * 4 / 3
    assert packets_document(recorded[:-3]) == {
        "not_kept": f"their recording is damaged: they are cut off at byte {len(recorded) - len(last_block(recorded))}"
    }


def last_block(content: bytes) -> bytes:
    size = int.from_bytes(content[-4:], "little")
    return content[-size:]
