"""(scenario, observed) -> plan: what to do so that what there is becomes what is declared. Pure.

`up` on a lab that stands gives an empty plan; on a lab that somebody changed by hand it gives the repair; on a file
that changed it gives what follows from the change. `down` gives the removal of everything that bears the lab's label.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.capture import capture_steps
from orchestrator.planning.desired import READ_AT_EACH_USE, DesiredNode, desired, network_helper, role_of
from orchestrator.planning.networks import address_conflicts, missing_networks, stale_network_steps, stale_networks
from orchestrator.planning.plan import (
    AwaitReady,
    BuildImage,
    CutOff,
    LeaveNetwork,
    MakeCapture,
    MakeNetwork,
    MakeNode,
    Plan,
    Reconnect,
    Reload,
    RemoveNetwork,
    RemoveNode,
    RemoveVolume,
    SetRoutes,
    StartNode,
    Step,
    UnpauseNode,
    WriteFiles,
    in_order,
)
from orchestrator.planning.removal import down
from orchestrator.planning.routes import ANYWHERE, Route, routes_of, routes_text
from orchestrator.planning.secret_steps import secret_steps, secrets_of
from orchestrator.planning.snapshot import RESOLVER_FILE, ObservedContainer, ObservedFiles, Snapshot
from orchestrator.planning.specs import Attach

# What steps take off networks before all nodes: (container, network).
Left = frozenset[tuple[str, str]]


def up(topology: Topology, observed: Snapshot, *, capture: bool = False) -> Plan:
    """The steps from what is observed to what is declared; none where nothing is missing.

    With `capture`, or where the scenario says so, no node starts before the recorder records.
    """
    desired_nodes = [desired(topology, observed, node) for node in topology.scenario.nodes]
    stale, ways = stale_networks(topology, observed), routes_of(topology)
    leftovers = list(_leftover_nodes(topology, observed))
    removals = _removals(observed, desired_nodes, leftovers)
    images = [Step(f"image:{name}", BuildImage(name), "missing") for name in observed.missing_images]
    steps = [
        *images,
        *secret_steps(topology, observed),
        *leftovers,
        *stale_network_steps(stale, observed, removals),
        *missing_networks(topology, observed, stale),
        *address_conflicts(observed, desired_nodes, removals, stale),
    ]
    if capture or topology.scenario.capture:
        steps.extend(capture_steps(topology, observed, tuple(steps)))
    # Who goes may hold an address that another one is to have.
    leaving = frozenset((s.action.container, s.action.network_id) for s in steps if isinstance(s.action, LeaveNetwork))
    shared = tuple(steps)
    for desired_node in desired_nodes:
        before = (*(step.id for step in shared if _is_before(step, desired_node)), *removals.values())
        steps.extend(_node(topology, observed, desired_node, before, leaving, ways.get(desired_node.node)))
    steps.extend(
        _leftover_volumes(topology, observed, desired_nodes, tuple(s.id for s in steps if s.id.startswith("remove:")))
    )
    return Plan(topology.lab, in_order(steps))


def _is_before(step: Step, desired_node: DesiredNode) -> bool:
    """Whether a step that is no node's own must be done before this node is made or connected."""
    if isinstance(step.action, MakeNetwork):
        return step.action.network in (attach.network for attach in desired_node.spec.attachments)
    return isinstance(step.action, BuildImage | MakeCapture | RemoveNode | RemoveNetwork | LeaveNetwork)


def _removals(observed: Snapshot, desired_nodes: list[DesiredNode], leftovers: list[Step]) -> dict[str, str]:
    """Container -> the step that removes it, of those that this plan removes."""
    removals = {step.action.container: step.id for step in leftovers if isinstance(step.action, RemoveNode)}
    for desired_node in desired_nodes:
        container = observed.container_of(desired_node.node)
        if container and _reason_to_remake(
            desired_node, container, observed.files.get(desired_node.node, ObservedFiles())
        ):
            removals[container.id] = f"remove:{desired_node.node}"
    return removals


def _leftover_nodes(topology: Topology, observed: Snapshot) -> Iterator[Step]:
    for container in observed.containers:
        node = container.labels.get(labels.NODE, "")
        if labels.CAPTURE in container.labels:
            continue
        if node not in topology.scenario.nodes:
            yield Step(f"remove:{container.name}", RemoveNode(node, container.id), "no longer in the file")
        elif labels.SIDECAR in container.labels:
            yield Step(f"remove:{container.name}", RemoveNode(node, container.id), "left by an earlier command")


def _leftover_volumes(
    topology: Topology, observed: Snapshot, desired_nodes: list[DesiredNode], removals: tuple[str, ...]
) -> Iterator[Step]:
    kept = {volume.name for desired_node in desired_nodes for volume in desired_node.spec.volumes}
    for volume in observed.volumes:
        if volume.labels.get(labels.LAB) == topology.lab and volume.name not in kept:
            why = "what it was made from changed"
            yield Step(f"remove:volume:{volume.name}", RemoveVolume(volume.name), why, removals)


def _node(
    topology: Topology,
    observed: Snapshot,
    desired_node: DesiredNode,
    before: tuple[str, ...],
    leaving: Left,
    routes: tuple[Route, ...] | None,
) -> list[Step]:
    """The steps of one node: its files, its container, and the wait until it is ready."""
    container = observed.container_of(desired_node.node)
    files = observed.files.get(desired_node.node, ObservedFiles())
    steps = list(_file_steps(desired_node, files, secrets_of(topology, desired_node.node)))
    needs = tuple(step.id for step in steps)
    reason = _reason_to_remake(desired_node, container, files)
    if container and not reason:
        mends = list(_mends(topology, observed, desired_node, container, files))
        steps.extend(mends)
        # What is inside the node first: the engine connects no node in which something else is set.
        steps.extend(
            _repairs(topology, desired_node, container, files, (*needs, *before, *(s.id for s in mends)), leaving)
        )
    else:
        if container:
            steps.append(Step(f"remove:{desired_node.node}", RemoveNode(desired_node.node, container.id), reason))
            needs = (*needs, f"remove:{desired_node.node}")
        shows = " ".join(_attachment_text(attach) for attach in desired_node.spec.attachments)
        action = MakeNode(desired_node.node, desired_node.spec, desired_node.loaded)
        steps.append(Step(f"node:{desired_node.node}", action, reason or "missing", (*needs, *before), shows))
    if routes is not None:
        steps.extend(_routes(topology, observed, desired_node.node, routes, steps))
    steps.extend(_ready(topology, desired_node, container, files, steps))
    return steps


def _routes(
    topology: Topology, observed: Snapshot, node: str, routes: tuple[Route, ...], steps: list[Step]
) -> Iterator[Step]:
    """A new start or a new end on a network begins with the engine's routes, and a hand may have changed them."""
    wanted, why = routes_text(routes), ""
    if any(isinstance(step.action, MakeNode | StartNode | Reconnect | LeaveNetwork) for step in steps):
        why = "none of them is set yet"
    elif (existing := observed.routes.get(node)) is not None:
        why = "" if routes_text(existing) == wanted else f"it has {routes_text(existing)}"
    elif (container := observed.container_of(node)) and (record := observed.files[node].record):
        # Nobody could look, as into a frozen node: what was set since its start is still set.
        why = "" if (record.routed, record.routed_at) == (wanted, container.started) else "nobody has set them yet"
    if why:
        pairs = (f"{'default' if route.to == ANYWHERE else route.to}={route.via}" for route in routes)
        helper = network_helper(topology, observed, node, "routes", *pairs)
        action = SetRoutes(node, wanted, helper)
        yield Step(f"routes:{node}", action, why, tuple(step.id for step in steps), wanted)


def _file_steps(desired_node: DesiredNode, files: ObservedFiles, needs: tuple[str, ...]) -> Iterator[Step]:
    if dict(files.texts) == dict(desired_node.texts):
        return
    names = sorted({n for n in (*files.texts, *desired_node.texts) if files.texts.get(n) != desired_node.texts.get(n)})
    why = "missing" if not files.texts else f"{', '.join(names)} differ" + ("s" if len(names) == 1 else "")
    yield Step(f"files:{desired_node.node}", WriteFiles(desired_node.node, desired_node.texts), why, needs)


def _reason_to_remake(desired_node: DesiredNode, container: ObservedContainer | None, files: ObservedFiles) -> str:
    """Why the container cannot be kept; empty where it can, or where there is none."""
    if container is None:
        return ""
    if container.labels.get(labels.SPEC) != desired_node.spec.labels[labels.SPEC]:
        return "its declaration changed"
    if desired_node.image_id and desired_node.image_id != container.image:
        return f"image {desired_node.spec.image} was rebuilt"
    if container.state in ("dead", "removing"):
        return f"the engine says that it is {container.state}"
    record = files.record
    if record is None or record.container != container.id:
        return "its files were lost"
    if record.resolver != files.resolver:
        return f"the mounted {RESOLVER_FILE} was replaced by another file"
    return ""


def _repairs(
    topology: Topology,
    desired_node: DesiredNode,
    container: ObservedContainer,
    files: ObservedFiles,
    needs: tuple[str, ...],
    leaving: Left,
) -> Iterator[Step]:
    if container.state == "paused":
        yield Step(f"unpause:{desired_node.node}", UnpauseNode(desired_node.node, container.id), "paused", needs)
        needs = (*needs, f"unpause:{desired_node.node}")
    moves = (
        *_departures(desired_node, container, needs, leaving),
        *_connections(desired_node, container, needs, leaving),
    )
    yield from moves
    needs = (*needs, *(step.id for step in moves))
    if container.stopped:
        action = StartNode(desired_node.node, container.id, desired_node.loaded)
        yield Step(
            f"start:{desired_node.node}", action, "stopped" if container.state == "exited" else "never started", needs
        )
    elif signal := _to_reload(role_of(topology.node(desired_node.node)).reload, desired_node, files):
        declared = topology.node(desired_node.node)
        # What a program of the author's own says is not known.
        says = ("", "") if declared.image else (role_of(declared).reloaded, role_of(declared).refused)
        action_ = Reload(desired_node.node, container.id, signal, desired_node.loaded, *says)
        yield Step(
            f"reload:{desired_node.node}",
            action_,
            "its files changed",
            (*needs, *_before_reload(topology, desired_node.node)),
        )


def _before_reload(topology: Topology, node: str) -> tuple[str, ...]:
    """A program may ask for the names in its files when it reads them: the DNS servers must know them by then."""
    servers = topology.servers_of(ApplicationProtocol.DNS)
    if node in servers:
        return ()
    return tuple(f"{step}:{server}" for server in servers for step in ("ready", "reload"))


def _to_reload(signal: str | None, desired_node: DesiredNode, files: ObservedFiles) -> str:
    """The signal for a program that has read other files than these; empty where none is needed.

    Files that somebody changed by hand may have been read by the program, too.
    """
    spoiled = any(
        files.texts.get(name) != text for name, text in desired_node.texts.items() if name not in READ_AT_EACH_USE
    )
    changed = files.record is not None and files.record.loaded != desired_node.loaded
    return signal or "" if changed or spoiled else ""


def _mends(
    topology: Topology,
    observed: Snapshot,
    desired_node: DesiredNode,
    container: ObservedContainer,
    files: ObservedFiles,
) -> Iterator[Step]:
    """Take out just what a fault has put into the node's network."""
    addresses = files.cut_in(container)
    if not addresses:
        return
    others = dict.fromkeys(topology.owner(address) or address for address in addresses)
    helper = network_helper(topology, observed, desired_node.node, "cut")
    action = CutOff(desired_node.node, container.id, container.started, (), helper)
    yield Step(f"mend:{desired_node.node}", action, f"cut from {', '.join(others)}")


def _departures(
    desired_node: DesiredNode, container: ObservedContainer, needs: tuple[str, ...], leaving: Left
) -> Iterator[Step]:
    wanted = {attach.network_id for attach in desired_node.spec.attachments}
    for network_id in container.addresses:
        if network_id not in wanted and (container.id, network_id) not in leaving:
            action = LeaveNetwork(desired_node.node, container.id, network_id)
            why = "on a network that the file does not give it"
            yield Step(f"leave:{desired_node.node}:{network_id[:12]}", action, why, needs)


def _connections(
    desired_node: DesiredNode, container: ObservedContainer, needs: tuple[str, ...], leaving: Left
) -> Iterator[Step]:
    # A stopped container has no address until it starts; the engine keeps the one that it will ask for.
    addresses, addresses6 = container.addresses, container.addresses6
    if container.stopped:
        addresses, addresses6 = {**addresses, **container.claims}, container.claims6
    for attach in desired_node.spec.attachments:
        # Of what it is taken from before, it has to be put back, or on the new one.
        on_it = attach.network_id in container.addresses and (container.id, attach.network_id) not in leaving
        address, address6 = addresses.get(attach.network_id), addresses6.get(attach.network_id)
        if on_it and address == attach.address and address6 == attach.address6:
            continue
        at = address6 if address == attach.address else address
        difference = f"at {at or 'no IPv6 address'} instead of its own address"
        why = difference if on_it else f"not on the network {attach.network}"
        # Of a stopped container that was connected by hand, the engine says nothing, and keeps to what it knew before.
        action_ = Reconnect(desired_node.node, container.id, on_it or container.stopped, attach)
        yield Step(f"connect:{desired_node.node}:{attach.network}", action_, why, needs, _attachment_text(attach))


def _attachment_text(attach: Attach) -> str:
    return f"{attach.address} {attach.address6}" if attach.address6 else str(attach.address)


def _ready(
    topology: Topology,
    desired_node: DesiredNode,
    container: ObservedContainer | None,
    files: ObservedFiles,
    steps: list[Step],
) -> Iterator[Step]:
    """Wait for a node that is new, that was started, or whose readiness nobody has seen yet."""
    changed = [s.id for s in steps if isinstance(s.action, MakeNode | StartNode)]
    proved = bool(container and files.record and files.record.ready == container.started)
    if not changed and proved:
        return
    needs = (*(s.id for s in steps), *(f"ready:{name}" for name in sorted(_awaited(topology, desired_node.node))))
    action = AwaitReady(desired_node.node, desired_node.probe, desired_node.beside)
    yield Step(f"ready:{desired_node.node}", action, desired_node.probe, needs)


def _awaited(topology: Topology, node: str) -> set[str]:
    """The nodes that are ready before a node: those that it uses, and its DNS servers unless these wait for it."""
    if node in topology.servers_of(ApplicationProtocol.DNS):
        return set(topology.node(node).uses)
    servers = {server for server in topology.resolvers_of(node) if not _waits_for(topology, server, node)}
    return {*topology.node(node).uses, *servers} - {node}


def _waits_for(topology: Topology, server: str, node: str) -> bool:
    """Whether a DNS server becomes ready after a node: a server may use others, which would ask it."""
    seen: set[str] = set()
    todo = list(topology.node(server).uses)
    while todo:
        current = todo.pop()
        if current == node:
            return True
        if current not in seen:
            seen.add(current)
            todo.extend(topology.node(current).uses)
            if current not in topology.servers_of(ApplicationProtocol.DNS):
                todo.extend(topology.resolvers_of(current))
    return False


__all__ = ["down", "up"]
