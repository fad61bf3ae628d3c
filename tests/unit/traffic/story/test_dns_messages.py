"""Several DNS messages in one packet, as glibc sends them over TCP: each question is told, and gets its own answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.dns import DnsReader
from orchestrator.traffic.exchanges.events import DnsExchange, Endpoint, ExchangeStart, Flow, TrafficEvent
from orchestrator.traffic.packets.decode import LAYER_FIELDS, OCCURRENCE_SEPARATOR
from orchestrator.traffic.packets.packet import Packet

CLIENT, SERVER = ("192.168.7.13", 40000), ("192.168.7.10", 53)
NAMES = {"192.168.7.13": "client", "192.168.7.10": "dns"}
FLOW = Flow(1, "tcp", Endpoint("client", *CLIENT), Endpoint("dns", *SERVER), 1.0)
NAME = "app.shop.lab"
QUESTIONS = {"dns.id": "1,2", "dns.flags": "0x0100,0x0100", "dns.qry.name": f"{NAME},{NAME}", "dns.qry.type": "1,28"}
COUNTS = {"dns.count.answers": "0,0"}


def packet(fields: Mapping[str, str], *, answers: bool = False) -> Packet:
    ends = (*SERVER, *CLIENT) if answers else (*CLIENT, *SERVER)
    source, source_port, target, target_port = ends
    texts = (fields.get(name, "").replace(",", OCCURRENCE_SEPARATOR) for name in LAYER_FIELDS)
    return Packet(1, 1.5, source, target, "tcp", 0, source_port, target_port, 0x18, 60, False, tuple(texts))


def read(*packets: Packet) -> list[TrafficEvent]:
    reader = DnsReader(TrafficContext(NAMES))
    found = [event for one in packets for event in reader.read(one, FLOW)]
    return [*found, *reader.flush()]


def answer(number: int, kind: int, records: Mapping[str, str]) -> Packet:
    header = {"dns.id": str(number), "dns.flags": "0x8580", "dns.qry.name": NAME, "dns.qry.type": str(kind)}
    return packet({**header, "dns.count.answers": "0", **records}, answers=True)


A_RECORD = {"dns.count.answers": "1", "dns.resp.name": NAME, "dns.resp.type": "1", "dns.a": "192.168.7.12"}
SOA = {"dns.resp.name": "shop.lab", "dns.resp.type": "6", "dns.soa.mname": "dns.shop.lab"}
BOTH = packet(
    {
        **QUESTIONS,
        "dns.flags": "0x8580,0x8580",
        "dns.count.answers": "1,0",
        "dns.resp.name": f"{NAME},shop.lab",
        "dns.resp.type": "1,6",
        "dns.a": "192.168.7.12",
        "dns.soa.mname": "dns.shop.lab",
    },
    answers=True,
)


@pytest.mark.parametrize("answers", [(answer(1, 1, A_RECORD), answer(2, 28, SOA)), (BOTH,)], ids=["two", "one"])
def test_two_questions_in_one_packet_are_told_with_their_answers(answers: tuple[Packet, ...]) -> None:
    events = read(packet(QUESTIONS | COUNTS), *answers)
    assert [event.subject for event in events if isinstance(event, ExchangeStart)] == [f"{NAME} A", f"{NAME} AAAA"]
    ended = [event for event in events if isinstance(event, DnsExchange)]
    told = [(event.type, event.rcode, [record.value for record in event.answers], event.referred) for event in ended]
    assert told == [("A", "NOERROR", ["192.168.7.12"], ()), ("AAAA", "NOERROR", [], ())]


def test_a_question_without_an_answer_stays_one_beside_another_that_has_it() -> None:
    events = read(packet(QUESTIONS | COUNTS), answer(1, 1, A_RECORD))
    assert [(event.type, event.rcode) for event in events if isinstance(event, DnsExchange)] == [
        ("A", "NOERROR"),
        ("AAAA", ""),
    ]


def test_the_values_of_each_answer_are_its_own() -> None:
    """The first one has records below its answers, and the second one's answers have another name and type."""
    records = {
        "dns.qry.name": "www.shop.lab,mail.shop.lab",
        "dns.qry.type": "1,33",
        "dns.flags": "0x8580,0x8580",
        "dns.count.answers": "2,1",
        "dns.resp.name": "www.shop.lab,app.shop.lab,shop.lab,dns.shop.lab,mail.shop.lab,app.shop.lab",
        "dns.resp.type": "5,1,2,1,33,1",
        "dns.cname": NAME,
        "dns.ns": "dns.shop.lab",
        "dns.a": "192.168.7.12,192.168.7.10,192.168.7.99",
        "dns.srv.target": "mx.shop.lab",
        "dns.srv.port": "25",
    }
    asked = {key: records[key] for key in ("dns.qry.name", "dns.qry.type")}
    events = read(packet(QUESTIONS | COUNTS | asked), packet(QUESTIONS | records, answers=True))
    first, second = (event for event in events if isinstance(event, DnsExchange))
    assert [record.value for record in first.answers] == [NAME, "192.168.7.12"]
    assert [record.value for record in second.answers] == ["mx.shop.lab:25"]


def test_fields_that_belong_to_no_message_leave_the_first_one() -> None:
    """An error may leave out the question (RFC 8906, section 3.1.4)."""
    events = read(packet(QUESTIONS | COUNTS | {"dns.qry.name": NAME}))
    assert [event.subject for event in events if isinstance(event, ExchangeStart)] == [f"{NAME} A"]


PLAIN = {"dns.id": "1", "dns.qry.name": NAME, "dns.qry.type": "1"}


@pytest.mark.parametrize(
    ("fields", "wants_ad"),
    [
        (PLAIN | {"dns.flags": "0x0120"}, True),
        (PLAIN | {"dns.flags": "0x0100"}, False),
        (PLAIN | {"dns.flags": "0x0120", "dns.resp.type": "41"}, False),  # dig, with EDNS
        (PLAIN | {"dns.flags": "0x6c6c"}, False),  # "hello", or any other text
        ({"dns.id": "1", "dns.flags": "0x0120"}, False),  # no question at all
    ],
)
def test_only_a_plain_question_with_the_ad_bit_wants_it(fields: Mapping[str, str], wants_ad: bool) -> None:
    (start,) = [event for event in read(packet(fields)) if isinstance(event, ExchangeStart)]
    assert start.wants_ad is wants_ad
