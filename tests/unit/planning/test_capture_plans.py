"""The recorder as a part of the plan: there before any node, made anew where it must be, gone with the lab."""

from __future__ import annotations

from dataclasses import replace

from observed_labs import BASIC, nothing, planned, standing

from orchestrator.planning import labels
from orchestrator.planning.capture import (
    STEP,
    capture_filter,
    late_argv,
    live_argv,
    live_spec,
    reader_spec,
    recorder_spec,
    with_networks,
)
from orchestrator.planning.plan import MakeCapture, MakeNode, StartNode
from orchestrator.planning.planner import down, up
from orchestrator.planning.snapshot import ContainerStatus, Snapshot
from orchestrator.rendering.nodes import capture_document

RECORDED = BASIC + "capture: true\n"
TWO = RECORDED + "networks: {front: null, back: null}\n"


def steps(text: str, observed: Snapshot) -> list[str]:
    return [str(step) for step in planned(text, observed)[1].steps]


def ended(observed: Snapshot, state: ContainerStatus) -> Snapshot:
    """The same, but the recorder, and the client, are in that state."""
    names = ("id-capture", "id-client")
    return replace(
        observed,
        containers=tuple(
            replace(container, state=state) if container.id in names else container for container in observed.containers
        ),
    )


def test_no_node_starts_before_the_recorder_records() -> None:
    """It follows the networks, and every node needs it."""
    plan = planned(RECORDED, nothing())[1]
    assert [step.id for step in plan.steps][:2] == ["network:lab", STEP]
    recorder = plan.steps[1]
    assert (recorder.needs, str(recorder)) == (("network:lab",), "capture:networks lab  (missing)")
    makers = [step for step in plan.steps if isinstance(step.action, MakeNode)]
    assert len(makers) == 4
    assert all(STEP in step.needs for step in makers)


def test_where_bridges_come_with_the_nodes_the_recorder_starts_after_them() -> None:
    """On Podman a network has a bridge only while a container is on it: before, there is nothing to hear."""
    plan = planned(RECORDED, replace(nothing(), late_bridges=True))[1]
    makers = [step for step in plan.steps if isinstance(step.action, MakeNode)]
    recorder = next(step for step in plan.steps if step.id == STEP)
    assert len(makers) == 4
    assert set(recorder.needs) == {step.id for step in makers}
    assert not [step.id for step in plan.steps if STEP in step.needs]


def test_all_networks_are_heard() -> None:
    """Those that the plan itself makes have no bridge yet; whoever carries it out fills them in."""
    action = next(step.action for step in planned(TWO, nothing())[1].steps if step.id == STEP)
    assert isinstance(action, MakeCapture)
    assert action.networks == {"front": "", "back": ""}
    spec = with_networks(action.spec, {"front": "br-0123456789ab", "back": "wl-fedcba987654"})
    assert spec.command is not None
    assert spec.command[-2:] == ("front=br-0123456789ab", "back=wl-fedcba987654")
    assert (spec.host_network, spec.capabilities, spec.read_only, spec.user) == (True, ("NET_RAW",), True, "0")
    assert spec.labels[labels.LAB] == "shop"


def test_a_lab_that_is_recorded_needs_nothing() -> None:
    assert steps(RECORDED, standing(RECORDED)) == []


def test_a_running_lab_gets_a_recorder_and_keeps_its_nodes() -> None:
    """The key was added to the file: one step, and no node is touched."""
    assert steps(RECORDED, standing(BASIC)) == ["capture:networks lab  (missing)"]


def test_the_option_does_what_the_key_does() -> None:
    observed = nothing()
    topology, _ = planned(BASIC, observed)
    assert STEP not in [step.id for step in up(topology, observed).steps]
    assert STEP in [step.id for step in up(topology, observed, capture=True).steps]


def test_without_the_key_a_recorder_is_left_alone() -> None:
    """Somebody began it by hand."""
    assert steps(BASIC, standing(RECORDED)) == []


def test_a_recorder_that_ended_is_made_anew_before_a_node_starts() -> None:
    plan = planned(RECORDED, ended(standing(RECORDED), "exited"))[1]
    assert [step.id for step in plan.steps][:2] == ["remove:capture", STEP]
    assert plan.steps[1].why == "it no longer records"
    assert plan.steps[1].needs == ("remove:capture",)
    [start] = [step for step in plan.steps if isinstance(step.action, StartNode)]
    assert STEP in start.needs


def test_other_networks_mean_another_recorder() -> None:
    """A bridge that is made anew has another name, which the old one does not hear."""
    changed = TWO.replace("front: null", "front: {internal: false}")
    there = standing(TWO)
    plan = planned(changed, there)[1]
    recorder = next(step for step in plan.steps if step.id == STEP)
    assert isinstance(recorder.action, MakeCapture)
    back = next(network for network in there.networks if network.id == "id-back")
    assert recorder.action.networks == {"front": "", "back": back.bridge}
    assert back.bridge.startswith(labels.BRIDGES)
    assert (recorder.why, set(recorder.needs)) == ("the networks changed", {"network:front", "remove:capture"})


def test_down_removes_it() -> None:
    assert "remove:wirelab-shop-capture  (down)" in str(down("shop", standing(RECORDED)))


def test_a_capture_is_narrowed_to_nodes_and_by_a_filter() -> None:
    """Both as one BPF expression (pcap-filter(7)), with brackets, for `or` binds weaker than it reads."""
    topology, _ = planned(BASIC, nothing())
    assert capture_filter(topology, ()) == ""
    assert capture_filter(topology, (), "tcp") == "tcp"
    assert capture_filter(topology, ("db",)) == "(host 192.168.102.11)"
    both = capture_filter(topology, ("db", "app"), "tcp or udp")
    assert both == "(host 192.168.102.11 or host 192.168.102.12) and (tcp or udp)"
    assert recorder_spec(topology, nothing(), both).command[-2:] == ("--filter", both)  # type: ignore[index]


def test_the_ring_and_its_room_are_as_large_as_is_wanted() -> None:
    """Four files; room for two copies of the ring, which are made when two networks are put in order of time.

    All of it is memory of the recorder, so that a large ring needs a larger limit.
    """
    topology, _ = planned(BASIC, nothing())
    spec = recorder_spec(topology, nothing(), ring=8)
    assert spec.command is not None
    assert spec.command[2:6] == ("--kilobytes", "2000", "--files", "4")
    assert spec.tmpfs["/capture"].startswith("size=56m")
    assert spec.limits.memory > 56
    assert recorder_spec(topology, nothing(), ring=1024).limits.memory > 3 * 1024


def test_a_listener_keeps_nothing_and_is_no_recorder() -> None:
    topology, _ = planned(BASIC, nothing())
    spec = live_spec(topology, nothing())
    assert (spec.name, spec.labels[labels.CAPTURE]) == ("wirelab-shop-capture-run1", labels.LISTENER)
    assert live_argv({"lab": "br-0123456789ab"})[1:] == ("live", "lab=br-0123456789ab")
    told = live_argv({"lab": "br-0123456789ab"}, "tcp", ("tshark", "-l"))
    assert told[1:] == ("follow", "--filter", "tcp", "lab=br-0123456789ab", "--", "tshark", "-l")
    late = late_argv({"lab": "br-0123456789ab"}, ("tshark", "-l"))
    assert late[1:] == ("follow", "--when-needed", "--filter", "not ip6", "lab=br-0123456789ab", "--", "tshark", "-l")


def test_a_file_is_read_without_any_network() -> None:
    """As its owner, by a container that can do nothing else."""
    topology, _ = planned(BASIC, nothing())
    spec = reader_spec(topology, nothing(), "/home/me/lab.pcapng", "1000:1000")
    assert (spec.host_network, spec.attachments, spec.capabilities, spec.user) == (False, (), (), "1000:1000")
    assert [bind.source for bind in spec.binds] == ["/home/me/lab.pcapng"]


def test_inspect_names_the_exception_that_the_recorder_is() -> None:
    assert capture_document(standing(BASIC)) is None
    found = capture_document(standing(RECORDED))
    assert found is not None
    assert (found["container"], found["network"], found["capabilities"]) == ("id-capture", "host", ["NET_RAW"])
