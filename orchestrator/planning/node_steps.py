"""The steps of one node: from what is observed of it to what is desired. Pure.

`up` makes all of a node what is desired. A fault that is put in or healed changes only some of it: the rest of what is
desired then is what is observed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.model.roles.role import Role
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.desired import READ_AT_EACH_USE, DesiredNode, network_helper, role_of
from orchestrator.planning.plan import (
    AwaitReady,
    CutOff,
    LeaveNetwork,
    MakeNode,
    PauseNode,
    Reconnect,
    Reload,
    RemoveNode,
    SetRoutes,
    StartNode,
    Step,
    StopNode,
    UnpauseNode,
    WriteFiles,
)
from orchestrator.planning.readiness import ready_before, reload_after, start_after
from orchestrator.planning.routes import Route, route_arguments, routes_text
from orchestrator.planning.secret_steps import secrets_of
from orchestrator.planning.snapshot import RESOLVER_FILE, ObservedContainer, ObservedFiles, Snapshot
from orchestrator.planning.specs import Attach

# What steps take off networks before all nodes: (container, network).
Leaving = frozenset[tuple[str, str]]
FAULT = "fault"
ALIVE = ("running", "paused")


@dataclass(frozen=True)
class NodeSteps:
    """What is desired of a node, beside what is observed of it.

    `attachments` are the networks on which it is to be, `departures` those of its own that it is to be taken from; of
    others nothing is said. `before` are the ids of steps that come before its own, `leaving` what these take off
    networks. `routes` are the routes through others that it must have, None where no router is near.
    """

    topology: Topology
    observed: Snapshot
    wanted: DesiredNode
    attachments: tuple[Attach, ...]
    departures: tuple[Attach, ...]
    before: tuple[str, ...] = ()
    leaving: Leaving = frozenset()
    routes: tuple[Route, ...] | None = None

    @property
    def node(self) -> str:
        return self.wanted.node

    @cached_property
    def container(self) -> ObservedContainer | None:
        return self.observed.container_of(self.node)

    @cached_property
    def files(self) -> ObservedFiles:
        return self.observed.files.get(self.node, ObservedFiles())

    def all_steps(self) -> list[Step]:
        """Its files, its container, and the wait until it is ready."""
        reason = reason_to_remake(self.wanted, self.container, self.files)
        if self.container and not reason:
            return self.changed(self.container, foreign=True)
        steps = list(self._file_steps())
        needs = tuple(step.id for step in steps)
        if self.container:
            steps.append(Step(f"remove:{self.node}", RemoveNode(self.node, self.container.id), reason))
            needs = (*needs, f"remove:{self.node}")
        shows = " ".join(_attachment_text(attach) for attach in self.wanted.spec.attachments)
        action = MakeNode(self.node, self.wanted.spec, self.wanted.loaded)
        needs = (*needs, *self.before, *start_after(self.topology, self.node))
        steps.append(Step(f"node:{self.node}", action, reason or "missing", needs, shows))
        steps.extend(self._take_off("", self.departures, (f"node:{self.node}",)))
        return self._finished(steps, "running", started=True)

    def changed(self, container: ObservedContainer, *, foreign: bool = False) -> list[Step]:
        """The container stays. With `foreign` it also leaves networks that the file does not give it."""
        steps = list(self._file_steps())
        needs = tuple(step.id for step in steps)
        stays = container.state in ALIVE and self.wanted.run_state != "stopped"
        # What is inside the node first: the engine connects no node in which something else is set.
        steps.extend(self._block(self.observed.blocked_in(self.node), needs) if stays else ())
        needs = (*needs, *self.before, *(step.id for step in steps if isinstance(step.action, CutOff)))
        state = container.state
        if state == "paused" and self.wanted.run_state == "running":
            steps.append(Step(f"unpause:{self.node}", UnpauseNode(self.node, container.id), "paused", needs))
            needs, state = (*needs, f"unpause:{self.node}"), "running"
        moves = [
            *(self._departures(container, needs) if foreign else ()),
            *self._take_off(
                container.id, [end for end in self.departures if end.network_id in container.addresses], needs
            ),
            *self._connections(container, needs),
        ]
        steps.extend(moves)
        needs = (*needs, *(step.id for step in moves))
        started = container.stopped and self.wanted.run_state != "stopped"
        if started:
            why = "stopped" if container.state == "exited" else "never started"
            action = StartNode(self.node, container.id, self.wanted.loaded)
            steps.append(Step(f"start:{self.node}", action, why, (*needs, *start_after(self.topology, self.node))))
        elif state == "running" and self.wanted.run_state == "running":
            steps.extend(self._reload(container, needs))
        return self._finished(steps, "running" if started else state, started=started)

    def _finished(self, steps: list[Step], state: str, *, started: bool) -> list[Step]:
        """What follows once the container runs, and at last its end or its freezing where that is desired."""
        wanted = self.wanted.run_state
        if started and wanted != "stopped":
            steps.extend(self._block((), tuple(step.id for step in steps)))
        if self.routes is not None and wanted != "stopped":
            steps.extend(self._set_routes(self.routes, steps))
        if wanted != "stopped" and (wanted == "running" or state == "running") and not self.wanted.detached:
            steps.extend(self._ready(steps))
        container = self.container.id if self.container and not _makes(steps) else ""
        needs = tuple(step.id for step in steps)
        if wanted == "stopped" and state in ALIVE:
            steps.append(Step(f"stop:{self.node}", StopNode(self.node, container), FAULT, needs))
        if wanted == "paused" and state == "running":
            steps.append(Step(f"pause:{self.node}", PauseNode(self.node, container), FAULT, needs))
        return steps

    def _file_steps(self) -> Iterator[Step]:
        seen, texts = self.files.texts, self.wanted.texts
        if dict(seen) == dict(texts):
            return
        names = sorted({name for name in (*seen, *texts) if seen.get(name) != texts.get(name)})
        why = "missing" if not seen else f"{', '.join(names)} differ" + ("s" if len(names) == 1 else "")
        needs = secrets_of(self.topology, self.node)
        yield Step(f"files:{self.node}", WriteFiles(self.node, texts), why, needs)

    def _block(self, seen: tuple[str, ...] | None, needs: tuple[str, ...]) -> Iterator[Step]:
        """Let the node drop the desired packets, and nothing else."""
        wanted = self.wanted.blocked
        if seen == wanted:
            return
        helper = network_helper(self.topology, self.observed, self.node, "cut", *wanted)
        container = self.container.id if self.container and f"node:{self.node}" not in needs else ""
        action = CutOff(self.node, container, wanted, helper)
        if seen is None or set(seen) <= set(wanted):
            why = FAULT if seen is not None else "an earlier change was not completed"
            shows = f"from {', '.join(self._owners(wanted))}" if wanted else ""
            yield Step(f"cut:{self.node}" if wanted else f"mend:{self.node}", action, why, needs, shows)
        else:
            healed = [packets for packets in seen if packets not in wanted]
            yield Step(f"mend:{self.node}", action, f"cut from {', '.join(self._owners(healed))}", needs)

    def _owners(self, blocked: Sequence[str]) -> list[str]:
        """Who sends these packets, and which of them are meant where these are not all: `client (tcp dport 5432)`."""
        senders = [packets.partition(" ") for packets in blocked]
        owners = {(self.topology.owner(address) or address, which) for address, _, which in senders}
        order = {node: number for number, node in enumerate(self.topology.scenario.nodes)}
        known = sorted(owners, key=lambda owner: (order.get(owner[0], len(order)), owner))
        return [f"{name} ({which})" if which else name for name, which in known]

    def _take_off(self, container: str, ends: Sequence[Attach], needs: tuple[str, ...]) -> list[Step]:
        """Take the node from networks of its own."""
        return [
            Step(
                f"disconnect:{self.node}:{end.network}",
                LeaveNetwork(self.node, container, end.network_id, end.network),
                FAULT,
                needs,
            )
            for end in ends
        ]

    def _departures(self, container: ObservedContainer, needs: tuple[str, ...]) -> Iterator[Step]:
        own = {attach.network_id for attach in self.wanted.spec.attachments}
        for network_id in container.addresses:
            if network_id not in own and (container.id, network_id) not in self.leaving:
                action = LeaveNetwork(self.node, container.id, network_id)
                why = "on a network that the file does not give it"
                yield Step(f"leave:{self.node}:{network_id[:12]}", action, why, needs)

    def _connections(self, container: ObservedContainer, needs: tuple[str, ...]) -> Iterator[Step]:
        # A stopped container has no address until it starts; the engine keeps the one that it will ask for.
        addresses, addresses6 = container.addresses, container.addresses6
        if container.stopped:
            addresses, addresses6 = {**addresses, **container.claims}, container.claims6
        for attach in self.attachments:
            # Of what it is taken from before, it has to be put back, or on the new one.
            on_it = attach.network_id in container.addresses and (container.id, attach.network_id) not in self.leaving
            address, address6 = addresses.get(attach.network_id), addresses6.get(attach.network_id)
            if on_it and address == attach.address and address6 == attach.address6:
                continue
            at = address6 if address == attach.address else address
            seen = f"at {at or 'no IPv6 address'} instead of its own address"
            why = seen if on_it else f"not on the network {attach.network}"
            # Of a stopped container that was connected by hand, the engine says nothing, and keeps to what it knew.
            action = Reconnect(self.node, container.id, on_it or container.stopped, attach)
            yield Step(f"connect:{self.node}:{attach.network}", action, why, needs, _attachment_text(attach))

    def _reload(self, container: ObservedContainer, needs: tuple[str, ...]) -> Iterator[Step]:
        declared = self.topology.node(self.node)
        role = role_of(declared)
        if role.reload and has_other_files(role, self.wanted, self.files):
            # What a program of the author's own says is not known.
            says = ("", "") if declared.image else (role.reloaded, role.refused)
            action = Reload(self.node, container.id, role.reload, self.wanted.loaded, *says)
            needs = (*needs, *reload_after(self.topology, self.node))
            yield Step(f"reload:{self.node}", action, "its files changed", needs)

    def _set_routes(self, routes: tuple[Route, ...], steps: list[Step]) -> Iterator[Step]:
        """A new start or a new end on a network begins with the engine's routes, and a hand may have changed them."""
        detached = [self.topology.subnets[network] for network in self.wanted.detached]
        routes = tuple(route for route in routes if not any(route.via in subnet for subnet in detached))
        wanted, why = routes_text(routes), ""
        if any(isinstance(step.action, MakeNode | StartNode | Reconnect | LeaveNetwork) for step in steps):
            why = "none of them is set yet"
        elif (seen := self.observed.routes.get(self.node)) is not None:
            why = "" if routes_text(seen) == wanted else f"it has {routes_text(seen)}"
        elif self.container and (record := self.files.record):
            # Nobody could look, as into a frozen node: what was set since its start is still set.
            known = (record.routed, record.routed_at) == (wanted, self.container.started)
            why = "" if known else "nobody has set them yet"
        if why:
            helper = network_helper(self.topology, self.observed, self.node, "routes", *route_arguments(routes))
            action = SetRoutes(self.node, wanted, helper)
            yield Step(f"routes:{self.node}", action, why, tuple(step.id for step in steps), wanted)

    def _ready(self, steps: list[Step]) -> Iterator[Step]:
        """Wait for a node that is new, that was started, or whose readiness nobody has seen yet."""
        changed = [step.id for step in steps if isinstance(step.action, MakeNode | StartNode)]
        record = self.files.record
        if not changed and self.container and record and record.ready == self.container.started:
            return
        others = (f"ready:{name}" for name in sorted(ready_before(self.topology, self.node)))
        action = AwaitReady(self.node, self.wanted.probe, self.wanted.beside)
        yield Step(f"ready:{self.node}", action, self.wanted.probe, (*(step.id for step in steps), *others))


def reason_to_remake(wanted: DesiredNode, container: ObservedContainer | None, files: ObservedFiles) -> str:
    """Why the container cannot be kept; empty where it can, or where there is none."""
    if container is None:
        return ""
    if container.labels.get(labels.SPEC) != wanted.spec.labels[labels.SPEC]:
        return "its declaration changed"
    if wanted.image_id and wanted.image_id != container.image:
        return f"image {wanted.spec.image} was rebuilt"
    if container.state in ("dead", "removing"):
        return f"the engine says that it is {container.state}"
    record = files.record
    if record is None or record.container != container.id:
        return "its files were lost"
    if record.resolver != files.resolver:
        return f"the mounted {RESOLVER_FILE} was replaced by another file"
    return ""


def has_other_files(role: Role, wanted: DesiredNode, files: ObservedFiles) -> bool:
    """Whether the running program may have read others of the files that it reads again.

    Files that somebody changed by hand may have been read by the program, too.
    """
    names = [name for name in wanted.texts if name not in READ_AT_EACH_USE and role.reads_again(name)]
    spoiled = any(files.texts.get(name) != wanted.texts[name] for name in names)
    changed = files.record is not None and files.record.loaded != wanted.loaded
    return changed or spoiled


def attachments_of(wanted: DesiredNode) -> tuple[tuple[Attach, ...], tuple[Attach, ...]]:
    """The node's own networks: those on which it is to be, and those that faults take it from."""
    ends = wanted.spec.attachments
    on = tuple(end for end in ends if end.network not in wanted.detached)
    return on, tuple(end for end in ends if end.network in wanted.detached)


def _makes(steps: list[Step]) -> bool:
    return any(isinstance(step.action, MakeNode) for step in steps)


def _attachment_text(attach: Attach) -> str:
    return f"{attach.address} {attach.address6}" if attach.address6 else str(attach.address)
