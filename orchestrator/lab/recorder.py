"""Starts the recorder of a lab, and finds it again."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.engine.protocol import Engine
from orchestrator.errors import UsageInvalid, WirelabError, WorldError
from orchestrator.planning import labels
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec

# What every program of ours in a container says when it does its work.
READY_LINE = "wirelab: ready"
START_SECONDS = 10.0


def says_ready(line: str) -> bool:
    """Whether this line of its log says that."""
    return line == READY_LINE


def record(engine: Engine, spec: ContainerSpec, stop: Callable[[], bool] = lambda: False) -> str:
    """Begin to record; when this returns, every packet from now on is in the recording. Returns the container."""
    container = engine.make_container(spec)
    try:
        engine.start(container)
        ready = engine.await_line(container, says_ready, since=0.0, seconds=START_SECONDS, stop=stop)
        if not ready and not stop():
            raise _unready(engine.log(container).strip()[-500:])
    except BaseException:
        engine.remove_container(container)
        raise
    return container


def _unready(said: str) -> WirelabError:
    if "Invalid capture filter" in said:
        return no_filter(said.removeprefix("wirelab: dumpcap: "))
    return WorldError("the capture did not start", why=said)


def no_filter(said: str) -> UsageInvalid:
    """The author's BPF expression means nothing."""
    return UsageInvalid("this is no filter", why=said, hint="--filter 'tcp port 80' (pcap-filter(7) has all words)")


def recorder(engine: Engine, lab: str) -> ObservedContainer | None:
    """The recorder of a lab, if there is one."""
    found = engine.containers(f"{labels.LAB}={lab}")
    return next((one for one in found if one.labels.get(labels.CAPTURE) == labels.RECORDER), None)
