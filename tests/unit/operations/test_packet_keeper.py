"""The packets that completed a task are taken out of the lab's recording; where that fails, the result says why."""

from __future__ import annotations

import struct
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace
from pydantic import TypeAdapter

from orchestrator.engine.fake import FakeEngine, ProgramCall
from orchestrator.engine.programs import Output
from orchestrator.errors import NotFound, TookTooLong
from orchestrator.host.state_folder import StateFolder
from orchestrator.lessons.lesson import Task
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.operations.capture import stop_capture
from orchestrator.operations.lab_handle import LabHandle
from orchestrator.operations.lessons.node_watch import TaskWatch
from orchestrator.operations.lessons.packet_keeper import PacketKeeper
from orchestrator.operations.scenario_library import load_scenario
from orchestrator.traffic.packets.frames import read_frames
from orchestrator.traffic.packets.pcapng import block
from orchestrator.traffic.packets.selection import PacketSelection

pytestmark = pytest.mark.slow

# One packet in bytes that the engine in memory can pass on, which are those of ASCII.
SECTION = block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, 0))
RECORDED = (
    SECTION
    + block("<", 1, struct.pack("<HHI", 1, 0, 0))
    + block("<", 6, struct.pack("<IIIII", 0, 0, 7, 4, 4) + b"abcd")
)
OWN_PAGE = TypeAdapter(Task).validate_python(
    {
        "title": "Read your own page",
        "observe": {"from": "client", "http": "http://127.0.0.1:8080/"},
        "solve": {"from": "client", "run": ["curl", "http://127.0.0.1:8080/"]},
    }
)
SELECTION = PacketSelection((), 1000.0, 1001.5, (("10.0.0.1", "10.0.0.2"),))


@dataclass
class Recorder:
    """What the programs in the recorder print; `asked` is the last command that takes packets out of the recording."""

    prints: bytes = RECORDED
    error: Exception | None = None
    asked: tuple[str, ...] = ()
    containers: list[str] = field(default_factory=list)

    def answer(self, call: ProgramCall) -> Output:
        if "editcap" not in " ".join(call.argv):
            return Output(0, "", "")
        self.asked = tuple(call.argv)
        self.containers.append("inside" if call.spec.name.endswith("-inside") else "networks")
        if self.error:
            raise self.error
        return Output(0, self.prints.decode(), "tshark: no such file")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def lab(tmp_path: Path, recorder: Recorder) -> LabHandle:
    for name, text in {"scenario.yaml": TEXT, **SEED}.items():
        (tmp_path / name).write_text(text, "utf-8")
    engine = FakeEngine(list(IMAGES.values()), answer=recorder.answer)
    workspace = InMemoryWorkspace(StateFolder(tmp_path / "state"), "unix:///nobody", engine)
    scenario = load_scenario(str(tmp_path))
    made = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2, extra_images=("capture",))
    made.up()
    return LabHandle(made, workspace, scenario)


def kept(lab: LabHandle) -> dict[str, str]:
    """The document of a task whose packets are kept now."""
    keeper = PacketKeeper(is_on=True)
    keeper.keep(lab, "look-up", 9.0, SELECTION)
    [packets] = keeper.close()
    assert (packets.task, packets.done_at) == ("look-up", 9.0)
    return dict(packets.document)


def test_the_packets_are_taken_out_of_the_recording(lab: LabHandle, recorder: Recorder) -> None:
    PacketKeeper(is_on=True).record(lab)
    [frame] = read_frames(b64decode(kept(lab)["pcapng"]))
    assert (frame.time, frame.content) == (7000, b"abcd")
    assert {SELECTION.filter, "998", "1003"} <= set(recorder.asked)


@pytest.mark.parametrize(
    ("prints", "error", "why"),
    [
        (SECTION, None, "the recording does not have them any more"),
        (RECORDED[:-5], None, "their recording is damaged: they are cut off at byte"),
        (b"", None, "the packets could not be taken from the recording: tshark: no such file"),
        (b"", TookTooLong("tshark takes too long"), "tshark takes too long"),
    ],
)
def test_why_there_are_no_packets_is_kept(
    lab: LabHandle, recorder: Recorder, prints: bytes, error: Exception | None, why: str
) -> None:
    PacketKeeper(is_on=True).record(lab)
    recorder.prints, recorder.error = prints, error
    assert kept(lab)["not_kept"][: len(why)] == why


def test_a_recording_that_a_learner_ends_is_begun_again_with_the_next_task(lab: LabHandle) -> None:
    keeper = PacketKeeper(is_on=True)
    keeper.record(lab)
    assert stop_capture(lab.workspace, lab.loaded, lab.name)
    assert kept(lab) == {"not_kept": "nothing recorded the lab; somebody ended its capture"}
    keeper.record(lab)
    assert "pcapng" in kept(lab)


@pytest.mark.parametrize(("crossed_network", "asked"), [(False, ["inside"]), (True, ["inside", "networks"])])
def test_packets_of_the_loopback_interface_are_taken_from_the_recording_inside_of_the_node(
    lab: LabHandle, recorder: Recorder, *, crossed_network: bool, asked: list[str]
) -> None:
    """Where what comes first crossed a network, too, the packets of both are kept. Then the one inside is ended."""
    keeper = PacketKeeper(is_on=True)
    keeper.record(lab)
    watches = TaskWatch(records=True)
    watches.begin(lab, OWN_PAGE)
    inside = watches.hand_over()
    assert inside is not None
    assert watches.hand_over() is None
    engine = lab.workspace.engine
    assert engine.container(inside.container).state == "running"
    keeper.keep(lab, "own-page", 9.0, SELECTION, inside, crossed_network=crossed_network)
    [packets] = keeper.close()
    assert len(read_frames(b64decode(packets.document["pcapng"]))) == len(asked)
    assert recorder.containers == asked
    with pytest.raises(NotFound):
        engine.container(inside.container)


def test_without_a_recording_inside_of_the_node_the_result_says_so(lab: LabHandle) -> None:
    keeper = PacketKeeper(is_on=True)
    keeper.record(lab)
    keeper.keep(lab, "own-page", 9.0, SELECTION, crossed_network=False)
    [packets] = keeper.close()
    assert packets.document == {"not_kept": "nothing recorded the loopback interface of the node"}


def test_nothing_is_recorded_where_no_result_is_kept(lab: LabHandle) -> None:
    keeper = PacketKeeper()
    keeper.record(lab)
    keeper.keep(lab, "look-up", 9.0, SELECTION)
    assert keeper.close() == []
    assert not stop_capture(lab.workspace, lab.loaded, lab.name)


def test_packets_belong_to_the_attempt_that_completed_the_task() -> None:
    done = TaskProgress(done=True, done_at=9.0, evidence={"kind": "dns"})
    progress = Progress("shop", 7, tasks={"look-up": done})
    with_packets = progress.with_packets("look-up", 9.0, {"pcapng": "x"})
    assert with_packets.task("look-up").evidence == {"kind": "dns", "packets": {"pcapng": "x"}}
    assert progress.with_packets("look-up", 8.0, {"pcapng": "x"}) is progress
    assert progress.reset().with_packets("look-up", None, {"pcapng": "x"}).tasks == {}
