"""Start the container that records a lab's networks, and find it again."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.engine.containers import Containers
from orchestrator.engine.protocol import Engine
from orchestrator.errors import UsageInvalid, WirelabError, WorldError
from orchestrator.lab.ready_line import says_ready
from orchestrator.planning import labels
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec

START_SECONDS = 10.0


def start_recorder(engine: Engine, spec: ContainerSpec, stop: Callable[[], bool] = lambda: False) -> str:
    """Start to record and return the container's id; every packet from then on is in the recording."""
    container = engine.make_container(spec)
    try:
        engine.start(container)
        ready = engine.await_line(container, says_ready, since=0.0, seconds=START_SECONDS, stop=stop)
        if not ready and not stop():
            raise _start_error(engine.log(container).strip()[-500:], engine.container(container))
    except BaseException:
        engine.remove_container(container)
        raise
    return container


def _start_error(log: str, recorder: ObservedContainer) -> WirelabError:
    if "Invalid capture filter" in log:
        return invalid_filter(log.removeprefix("wirelab: dumpcap: "))
    ended = f"its container is {recorder.state}, exit code {recorder.exit_code}"
    silent = f"{'it' if recorder.state == 'running' else ended + ', and it'} wrote nothing in {START_SECONDS:g} s"
    # The engine may have been started anew meanwhile, with all nodes stopped.
    return WorldError(
        "the capture did not start", why=log or silent, hint="wirelab up makes the lab whole; then try again"
    )


def invalid_filter(reason: str) -> UsageInvalid:
    """The error for a BPF expression that cannot be compiled."""
    return UsageInvalid("this is no filter", why=reason, hint="--filter 'tcp port 80' (pcap-filter(7) has all words)")


def find_recorder(engine: Containers, lab_name: str) -> ObservedContainer | None:
    """The recorder of a lab, if there is one."""
    containers = engine.containers(f"{labels.LAB}={lab_name}")
    return next(
        (container for container in containers if container.labels.get(labels.CAPTURE) == labels.RECORDER), None
    )
