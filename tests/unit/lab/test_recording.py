"""What the recorder says and hands over becomes whole_lines, losses and keys; what checks ask is noted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest
from probe_calls import in_one_call

from orchestrator.checks.probes import Probe, ProbeResult, ReadLog, RunProgram, Unavailable
from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import WorldError
from orchestrator.events import ProbeEvent
from orchestrator.lab.capture.recording import Recording, http_ports, parse_losses, stream_pcapng, whole_lines
from orchestrator.lab.capture.tls_keys import KEYS_PATH, PIECE, copy_tls_keys
from orchestrator.lab.probe_log import ProbeLog
from orchestrator.lab.step_loop import Arrival
from orchestrator.planning import labels
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import TLS_KEYS_FILE
from orchestrator.planning.snapshot import Snapshot
from orchestrator.planning.specs import ContainerSpec
from orchestrator.reading.scenario import read_scenario
from orchestrator.traffic.exchanges.events import HttpExchange, SqlStatement
from orchestrator.traffic.story import PacketLosses

TEXT = """\
name: shop
title: Keys
nodes:
  one: {role: client, tls_keys: true}
  two: {role: client}
  web: {role: service, command: [sleep, infinity], listens: [{port: 443}, {port: 8080}, {port: 53, protocol: udp}]}
"""
SCENARIO = read_scenario(TEXT, file="s.yaml", read_companion=dict[str, str]().get).scenario


def test_lines_are_whole_wherever_the_pieces_end() -> None:
    """A carriage return, or U+0085, is a part of a line and not its end."""
    pieces = [b"a\tb", b"\n\nc\xc2", b"\x85d\re\n", b"last"]
    assert list(whole_lines(iter(pieces))) == ["a\tb", "", "c\x85d\re", "last"]


@pytest.mark.parametrize(
    ("message", "losses"),
    [
        ('{"dropped": 2, "overwritten": 3}', PacketLosses(2, 3)),
        ('{"dropped": null, "overwritten": 3, "packets": 9}', PacketLosses(0, 3)),
        ("wirelab: nothing is recording", PacketLosses()),
        ("{}", PacketLosses()),
        ("", PacketLosses()),
    ],
)
def test_losses_are_read_from_the_recorders_count(message: str, losses: PacketLosses) -> None:
    assert parse_losses(message) == losses


def test_http_is_tried_on_the_authors_own_ports_but_not_below_tls() -> None:
    assert http_ports(SCENARIO) == [8080]


def test_the_keys_of_nodes_that_write_some_are_carried_to_the_recorder() -> None:
    """In pieces that fit an argument; the node without `tls_keys` is not asked."""
    ran: list[tuple[str, tuple[str, ...]]] = []
    keys = "CLIENT_RANDOM aa bb\n" * (PIECE // 15)

    def answer(call: ProgramCall) -> Output:
        ran.append((call.spec.name, tuple(call.argv)))
        return Output(0, keys if call.argv[0] == "cat" else "", "")

    engine = FakeEngine(["i"], answer=answer)
    for name in ("one", "two", "capture"):
        own = {labels.LAB: "shop", **({labels.NODE: name} if name != "capture" else {})}
        engine.start(engine.make_container(ContainerSpec(name, "i", own, command=("sleep", "1"))))
    recorder = next(container.id for container in engine.containers(labels.LAB) if container.name == "capture")
    assert copy_tls_keys(engine, recorder, "shop", SCENARIO) == KEYS_PATH
    assert [argv for name, argv in ran if name != "capture"] == [("cat", TLS_KEYS_FILE)]
    assert "".join(argv[3] for name, argv in ran if name == "capture" and argv[0] == "bash") == keys
    assert all(len(argv[3]) <= PIECE for name, argv in ran if argv[0] == "bash")


def test_without_keys_nothing_is_carried() -> None:
    plain = read_scenario(
        TEXT.replace(", tls_keys: true", ""), file="s.yaml", read_companion=dict[str, str]().get
    ).scenario
    assert copy_tls_keys(FakeEngine([]), "nobody", "shop", plain) is None


def test_a_recording_of_which_no_file_could_be_made_is_not_saved() -> None:
    """An empty file would look like a quiet wire."""
    engine = FakeEngine(["i"], answer=lambda _call: Output(1, "", "reordercap: no space\n"))
    engine.start(recorder := engine.make_container(ContainerSpec("capture", "i", {}, command=("sleep", "1"))))
    with pytest.raises(WorldError, match="could not be saved") as caught:
        list(stream_pcapng(engine, recorder, "a comment", {}))
    assert caught.value.why == "reordercap: no space"


def test_the_times_in_which_checks_asked_are_noted() -> None:
    """One stretch a node, from its first question to its last answer; reading a log asks nothing of the wire."""
    clock = iter([1.0, 2.0, 2.0, 3.0, 4.5])

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        return [Unavailable("x")] * len(probes)

    noting = ProbeLog(in_one_call(run_probes), run_probes, lambda: next(clock))
    arrived = SimpleQueue[Arrival]()
    noting.start({7: RunProgram("client", ("dig",)), 9: ReadLog("dns", 0.0)}, arrived)
    assert {arrived.get()[0], arrived.get()[0]} == {7, 9}
    noting.answer([RunProgram("client", ("dig",)), RunProgram("app", ("curl",))])
    assert noting.probe_times == (ProbeEvent("app", 3.0, 4.5), ProbeEvent("client", 1.0, 4.5))


RECORDED = Path(__file__).parents[2] / "recordings" / "first.txt"


def recording() -> Recording:
    """One request, for which a connection to the database is opened."""
    return Recording(iter(RECORDED.read_text().splitlines()), ['{"dropped": 1, "overwritten": 0}\n', "tshark: x\n"])


def test_of_a_later_moment_what_led_to_it_is_still_known() -> None:
    """The connection of a later statement was opened in the recording: it is not said to be from before."""
    place = assign_addresses("shop", SCENARIO, Snapshot("/s", "r", {}), {})
    whole = [event for event in recording().events(place)[0] if isinstance(event, SqlStatement)]
    since = whole[0].started
    later = list(recording().events(place, since)[0])
    assert [event for event in later if isinstance(event, SqlStatement)] == whole
    assert not [event for event in later if isinstance(event, HttpExchange)]
    [flow] = {event.flow for event in later if isinstance(event, SqlStatement)}
    assert flow.opened is not None
    assert flow.opened < since
    assert flow.name.startswith("db.shop.lab")


def test_what_is_missing_is_known_when_all_is_read() -> None:
    """The recorder's count is the line of JSON among what was said."""
    one = recording()
    assert one.losses == PacketLosses(1, 0)
    assert one.warning is None
