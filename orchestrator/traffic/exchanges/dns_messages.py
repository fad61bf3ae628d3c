"""The DNS messages of one packet: over TCP a packet may carry several (RFC 7766, section 6.2.1.1).

glibc sends the questions for both families of addresses at once (resolv.conf(5), use-vc, and after a truncated answer).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.packets.decode import AT, OCCURRENCE_SEPARATOR
from orchestrator.traffic.packets.packet import Packet, parse_number

RECORD_NAME = AT["dns.resp.name"]
# The fields of which each message has one.
HEADERS = (at.DNS_ID, at.DNS_FLAGS, at.DNS_NAME, at.DNS_TYPE, at.DNS_COUNT)


def messages_of(packet: Packet, value_places: Mapping[str, Sequence[int]]) -> Iterator[Packet]:
    """The packet, once for each message, with the fields of this message alone.

    `value_places` has the fields in which the values of records stand, by the number of the type. Where the fields
    cannot be told apart, the packet is taken for its first message.
    """
    headers = [_texts(packet, place) for place in HEADERS]
    count = len(headers[0])
    if count < 2 or any(len(texts) != count for texts in headers):
        yield packet
        return
    names, kinds = _texts(packet, RECORD_NAME), _texts(packet, at.DNS_RECORD_TYPE)
    starts = [*_starts(headers[2], [parse_number(text) for text in headers[4]], names), len(kinds)]
    for number in range(count):
        fields = {place: [texts[number]] for place, texts in zip(HEADERS, headers, strict=True)}
        start, end = starts[number : number + 2]
        fields |= {RECORD_NAME: names[start:end], at.DNS_RECORD_TYPE: kinds[start:end]}
        for kind, places in value_places.items():
            before = kinds[:start].count(kind)
            for place in places:
                fields[place] = _texts(packet, place)[before : before + kinds[start:end].count(kind)]
        yield replace(packet, layers=_with(packet.layers, fields))


def _starts(questions: Sequence[str], counts: Sequence[int], names: Sequence[str]) -> Iterator[int]:
    """Where the records of each message begin: a first answer bears the name of its question.

    tshark lists the records of all messages one after the other, and how many stand in each authority section is not
    read: what follows the answers of a message goes to it unless the next one has answers that begin before.
    """
    place = 0
    for question, count in zip(questions, counts, strict=True):
        if count:
            same = (at for at in range(place, len(names)) if names[at].lower() == question.lower())
            place = next(same, place)
        yield place
        place = min(place + count, len(names))


def _texts(packet: Packet, place: int) -> list[str]:
    """All occurrences of a field as tshark writes them: `Packet` takes its escapes away once."""
    text = packet.layers[place]
    return text.split(OCCURRENCE_SEPARATOR) if text else []


def _with(layers: tuple[str, ...], fields: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    return tuple(
        OCCURRENCE_SEPARATOR.join(fields[place]) if place in fields else text for place, text in enumerate(layers)
    )
