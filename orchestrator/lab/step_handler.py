"""Each action of a plan as calls to the engine and the lab's folder; what they returned is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import assert_never

from orchestrator.engine.protocol import Engine
from orchestrator.engine.timestamps import unix_seconds
from orchestrator.errors import AddressTaken, EngineRefused, NodeFailed, NotFound
from orchestrator.lab.capture.recorder import start_recorder
from orchestrator.lab.credentials_file import as_text
from orchestrator.lab.network_helper import run_helper
from orchestrator.lab.ready_line import says_ready
from orchestrator.lab.store import LabFolder
from orchestrator.planning import labels
from orchestrator.planning.capture import with_networks
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.plan import (
    AwaitReady,
    BuildImage,
    CutOff,
    KeepCredentials,
    KeepPassword,
    LeaveNetwork,
    MakeCapture,
    MakeNetwork,
    MakeNode,
    NodeAction,
    PauseNode,
    Reconnect,
    Reload,
    RemoveNetwork,
    RemoveNode,
    RemoveVolume,
    SetRoutes,
    StartNode,
    Step,
    StopNode,
    UnpauseNode,
    WriteFiles,
)
from orchestrator.planning.snapshot import BlockedAddresses, ContainerRecord, ObservedContainer, Snapshot
from orchestrator.planning.specs import Attach, ContainerSpec

LAST_LINES = 8
# After so long a node that is told to stop is killed.
STOP_SECONDS = 3


class StepHandler:
    """Carries out steps of one lab. Ids that the engine gave during the plan stand beside those observed before."""

    def __init__(
        self,
        engine: Engine,
        folder: LabFolder,
        observed: Snapshot,
        lab: LabRef,
        ready_seconds: float,
        require_allowed: Callable[[str, ContainerSpec], None] = lambda _node, _spec: None,
        on_files: Callable[[str], None] = lambda _node: None,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._ready_seconds = ready_seconds
        self._lab = lab
        self._require_allowed = require_allowed
        self._on_files = on_files
        self._networks: dict[str, str] = {}
        self._bridges: dict[str, str] = {}
        # As they were right after their start: no second look is needed to wait for what they will say.
        self._started: dict[str, ObservedContainer] = {}
        self._containers = {c.labels.get(labels.NODE, ""): c.id for c in observed.containers}

    def __call__(self, step: Step, stop: Callable[[], bool]) -> None:
        match step.action:
            case BuildImage(image):
                raise AssertionError(f"the image {image} is built before the plan is carried out")
            case MakeNetwork(spec, network):
                self._networks[network] = self._engine.make_network(spec)
                self._bridges[network] = spec.bridge
            case MakeCapture(spec, networks):
                start_recorder(self._engine, with_networks(spec, {**networks, **self._bridges}), stop)
            case RemoveNetwork(network_id):
                self._engine.remove_network(network_id)
            case RemoveVolume(name):
                self._engine.remove_volume(name)
            case KeepPassword(node, file, password):
                self._folder.keep_password(node, file, password.reveal())
            case KeepCredentials(credentials):
                self._folder.keep_credentials(as_text(credentials))
            case WriteFiles(node, texts):
                self._folder.write(node, texts)
                self._on_files(node)
            case _:
                self._change_node(step.action, stop)

    def _change_node(self, action: NodeAction, stop: Callable[[], bool]) -> None:
        match action:
            case MakeNode(node, spec, loaded):
                self._make(node, spec, loaded)
            case StartNode(node, container, loaded):
                self._engine.start(container)
                self._folder.update(node, loaded=loaded)
            case StopNode(node, container):
                self._engine.stop(container or self._containers[node], STOP_SECONDS)
            case PauseNode(node, container):
                self._engine.pause(container or self._containers[node])
            case UnpauseNode(_, container):
                self._engine.unpause(container)
            case Reconnect(node, container, leave, attach):
                self._reconnect(node, container, leave, self._filled(attach))
            case LeaveNetwork(node, container, network_id, network):
                self._engine.disconnect(container or self._containers[node], network_id or self._networks[network])
            case Reload():
                self._reload(action, stop)
            case RemoveNode(_, container):
                self._engine.remove_container(container)
            case CutOff():
                self._cut(action, stop)
            case SetRoutes():
                self._set_routes(action, stop)
            case AwaitReady():
                self._await_ready(action, stop)
            case _:
                assert_never(action)  # mypy names an action without a case here

    def _set_routes(self, action: SetRoutes, stop: Callable[[], bool]) -> None:
        container = self._containers[action.node]
        if self._help(action.node, action.helper, container, stop):
            started = self._engine.container(container).started
            self._folder.update(action.node, routed=action.routes, routed_at=started)

    def _reload(self, action: Reload, stop: Callable[[], bool]) -> None:
        """Signal, and wait until the program says that it goes by its files: until then it gives the old answers."""
        since = self._engine.now(action.container) if action.says else 0.0
        self._engine.signal(action.container, action.signal)
        if action.says:
            self._await_reloaded(action, since, stop)
        if not stop():
            self._folder.update(action.node, loaded=action.loaded)

    def _await_reloaded(self, action: Reload, since: float, stop: Callable[[], bool]) -> None:
        def tells(line: str) -> bool:
            return action.says in line or (bool(action.refuses) and action.refuses in line)

        line = self._engine.await_line(action.container, tells, since=since, seconds=self._ready_seconds, stop=stop)
        if stop() or (line is not None and action.says in line):
            return
        container = self._engine.container(action.container)
        how = f"did not read its changed files in {self._ready_seconds:g} s"
        if container.state != "running":
            how = f"ended with exit code {container.exit_code} when it was told to read its changed files"
        elif line:
            how = "goes on by its old files"
        why = line or f"its log does not say {action.says!r}"
        raise NodeFailed(f"the node {action.node!r} {how}", why=why, hint=self._lab.command("logs", action.node))

    def _filled(self, attach: Attach) -> Attach:
        """With the id of a network that this plan has made."""
        return replace(attach, network_id=self._networks.get(attach.network, attach.network_id))

    def _make(self, node: str, spec: ContainerSpec, loaded: str) -> None:
        whole = replace(spec, attachments=tuple(self._filled(attach) for attach in spec.attachments))
        self._require_allowed(node, spec)
        container = self._engine.make_container(whole)
        self._containers[node] = container
        self._folder.remember(node, ContainerRecord(container, loaded=loaded, resolver=self._folder.inode(node)))
        with _address_of(node, whole.attachments):
            self._started[container] = self._engine.start(container)

    def _reconnect(self, node: str, container: str, leave: bool, attach: Attach) -> None:
        if leave:
            self._engine.disconnect(container, attach.network_id)
        with _address_of(node, (attach,)):
            self._engine.connect(container, attach)

    def _cut(self, action: CutOff, stop: Callable[[], bool]) -> None:
        """Written down before and after: what the node blocks is known, or that nobody knows it."""
        container = action.container or self._containers[action.node]
        started = self._engine.container(container).started
        blocked = BlockedAddresses(container, started, action.addresses, complete=False)
        self._folder.faults.block(action.node, blocked)
        if self._help(action.node, action.helper, container, stop):
            self._folder.faults.block(action.node, replace(blocked, complete=True))

    def _help(self, node: str, helper: ContainerSpec, container: str, stop: Callable[[], bool]) -> bool:
        """Let a helper change the network of a node; False where somebody asked to stop before it said that it had."""
        failed = f"the network of the node {node!r} could not be changed"
        return run_helper(self._engine, helper, container, failed, stop) is not None

    def _await_ready(self, action: AwaitReady, stop: Callable[[], bool]) -> None:
        """Until the node says that it is ready, or, where its image cannot say so, until a sidecar does."""
        container = self._containers[action.node]
        speaks = action.probe != "none" and not action.beside
        observed = (self._started.get(container) if speaks else None) or self._engine.container(container)
        ready = observed.state == "running" and (
            action.probe == "none"
            or (self._beside(action.beside, container, stop) if action.beside else self._says_ready(observed, stop))
        )
        if ready:
            self._folder.update(action.node, ready=observed.started)
        elif not stop():
            raise self._failure(action, container)

    def _says_ready(self, observed: ObservedContainer, stop: Callable[[], bool]) -> bool:
        # the line may bear an earlier time than the start, but none before the end of the run before
        before, seconds = unix_seconds(observed.ended), self._ready_seconds
        since = before if before < unix_seconds(observed.started) else 0.0
        return self._engine.await_line(observed.id, says_ready, since=since, seconds=seconds, stop=stop) is not None

    def _beside(self, spec: ContainerSpec, container: str, stop: Callable[[], bool]) -> bool:
        sidecar = self._engine.make_container(replace(spec, share_network_of=container))
        try:
            return self._says_ready(self._engine.start(sidecar), stop)
        except EngineRefused:
            # Nobody can look on at a node that has just ended; that it has is what is to be told.
            if self._engine.container(container).state == "running":
                raise
            return False
        finally:
            self._engine.remove_container(sidecar)

    def _failure(self, action: AwaitReady, container: str) -> NodeFailed:
        written = ""
        state = "is gone"
        with suppress(NotFound):
            observed = self._engine.container(container)
            state = f"ended with exit code {observed.exit_code}"
            if observed.out_of_memory:
                state += ", for it reached the limit of its memory (limits: memory)"
            if observed.state == "running":
                state = f"was not ready after {self._ready_seconds:g} s (probe: {action.probe})"
            written = "\n       ".join(self._engine.log(container).splitlines()[-LAST_LINES:])
        return NodeFailed(
            f"the node {action.node!r} {state}",
            why=f"its last log lines are:\n       {written}" if written.strip() else "it wrote no log",
            hint=f"{self._lab.command('up', '--keep')}, then {self._lab.command('logs', action.node)}",
        )


@contextmanager
def _address_of(node: str, attachments: Sequence[Attach]) -> Iterator[None]:
    """Say whose address it is that somebody else has: the engine does not."""
    try:
        yield
    except AddressTaken as error:
        addresses = ", ".join(f"{attach.address} ({attach.network})" for attach in attachments)
        networks = " ".join(attach.network_id[:12] for attach in attachments)
        hint = f"docker network inspect {networks} tells who has it; wirelab engine env points docker there"
        what = f"the node {node!r} cannot have its address: {addresses}"
        raise AddressTaken(what, why=error.why, hint=hint) from error
