"""Packets of results are decoded where there is an engine; without one, nobody is accused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from doc_pages import ROOT

from orchestrator.errors import EngineMissing, TookTooLong, WirelabError
from orchestrator.lessons.packet_evidence import NoPackets, WrongPackets
from orchestrator.operations.classroom.packet_decoder import PacketDecoder
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.traffic.packets.pcapng import DamagedCapture


class Reader:
    """Reads packets, or fails; counts how often it is asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls = 0

    def lines(self, _capture: bytes, _http: object) -> list[str]:
        self.calls += 1
        if self.error:
            raise self.error
        return ["1\tone"]


def decoder(reader: Any) -> PacketDecoder:
    """A decoder whose container is there already."""

    def never() -> Any:
        raise AssertionError

    made = PacketDecoder(never, load_scenario(str(ROOT / "scenarios/basic/scenario.yaml")))
    made.use(reader)
    return made


def test_the_same_packets_are_decoded_once() -> None:
    reader = Reader()
    decode = decoder(reader).decode
    assert [decode(b"a", ()), decode(b"a", ()), decode(b"b", ())] == [["1\tone"]] * 3
    assert reader.calls == 2


@pytest.mark.parametrize(
    ("error", "kind", "why"),
    [
        (DamagedCapture("tshark needs too much"), WrongPackets, "the packets cannot be read: tshark needs too much"),
        (TookTooLong("bash takes too long"), NoPackets, "its packets were not read: bash takes too long"),
        (WirelabError("the engine went away"), NoPackets, "its packets were not read: the engine went away"),
    ],
)
def test_what_keeps_packets_from_being_read_is_said(error: Exception, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind) as refused:
        decoder(Reader(error)).decode(b"a", ())
    assert str(refused.value) == why


def test_an_engine_that_is_missing_is_asked_for_once() -> None:
    asked: list[SimpleNamespace] = []

    def missing() -> Any:
        asked.append(SimpleNamespace())
        raise EngineMissing("there is no container engine")

    with PacketDecoder(missing, load_scenario(str(ROOT / "scenarios/basic/scenario.yaml"))) as made:
        for capture in (b"a", b"b"):
            with pytest.raises(NoPackets, match="not read: there is no container engine"):
                made.decode(capture, ())
    assert len(asked) == 1
