"""What a node should be: its files and its container, from the topology and its role."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.model.faults.effect import NO_EFFECT, FaultEffect, RunState
from orchestrator.model.mounted_files import kept_as, mounts_of
from orchestrator.model.name_lookup import ResolverOptions
from orchestrator.model.node import Node
from orchestrator.model.replication import REPLICATION_PASSWORD_FILE, REPLICATION_USERS_FILE, replication_role
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import FILES_AT, Role, Volume
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.certificates import (
    CA_FILE,
    INTERMEDIATE_FILE,
    file_of,
    intermediate_of_lab,
    sent_chain,
)
from orchestrator.planning.snapshot import RESOLVER_FILE, Snapshot
from orchestrator.planning.specs import Attach, Bind, ContainerSpec, NamedVolume
from orchestrator.quick_dataclass import dataclass

# Where a node with `tls_keys` writes the keys of its TLS sessions: in its own memory, and gone with it.
TLS_KEYS_FILE = "/tmp/tls-keys"

# No program must start anew when these change.
READ_AT_EACH_USE = (RESOLVER_FILE, CA_FILE)
# What makes curl, openssl and Python trust the lab's authority, in the node alone.
TRUST = {"CURL_CA_BUNDLE": f"{FILES_AT}/{CA_FILE}", "SSL_CERT_FILE": f"{FILES_AT}/{CA_FILE}"}
PRIVILEGED = {"net.ipv4.ip_unprivileged_port_start": "1024"}


@dataclass(frozen=True)
class DesiredNode:
    """One node as it should be. `loaded` is the hash of the files that a running program can read again.

    `image_id` is the engine's id of an author's image now; empty for one of ours, whose name changes with what it is.
    `probe` says how it proves that it is ready; `beside` is the container that probes, where its own image cannot.

    The rest is otherwise only while faults are in: `detached` are the networks of its own that it is taken from,
    `blocked` the packets that it drops when they arrive (`FaultEffect`).
    """

    node: str
    texts: Mapping[str, str]
    spec: ContainerSpec
    loaded: str
    probe: str
    beside: ContainerSpec | None
    image_id: str = ""
    run_state: RunState = "running"
    detached: frozenset[str] = frozenset()
    blocked: tuple[str, ...] = ()


def role_of(node: Node) -> Role:
    return ROLES[node.role]


def image_of(node: Node) -> str | None:
    """The image of ours that a node runs; None where the author named another."""
    return None if node.image else role_of(node).image


def desired(topology: Topology, observed: Snapshot, node: str, effect: FaultEffect = NO_EFFECT) -> DesiredNode:
    """The node's files, its container, and how to see that it is ready, while faults have this effect."""
    declared = topology.node(node)
    role = role_of(declared)
    texts = effect.changed_texts(node, _texts(topology, role, node))
    own = {kept_as(target) for target in declared.files}
    fixed = {
        name: text
        for name, text in texts.items()
        if name in own or not (role.reads_again(name) or name in READ_AT_EACH_USE)
    }
    reloaded = {name: text for name, text in texts.items() if name not in fixed and name not in READ_AT_EACH_USE}
    spec = _container(topology, observed, node, _hash(fixed))
    probe = _probe(declared, role)
    beside = _prober(topology, observed, node, probe) if declared.image and probe != "none" else None
    image_id = observed.image_ids.get(declared.image, "") if declared.image else ""
    faulty = (effect.run_state(node), effect.detached_from(node), effect.blocked_for(node))
    return DesiredNode(node, texts, spec, _hash(reloaded), probe, beside, image_id, *faulty)


def _texts(topology: Topology, role: Role, node: str) -> dict[str, str]:
    texts = {RESOLVER_FILE: resolver_text(topology, node), **role.files(topology, node)}
    for name, holder in topology.password_files(node).items():
        texts[name] = topology.secrets[topology.scenario.password_owner(holder)].reveal()
    texts.update(_replication(topology, node))
    for used in topology.node(node).uses:
        texts.update(role_of(topology.node(used)).for_clients(topology, used, node))
    own = {kept_as(target): topology.texts[file] for target, file in topology.node(node).files.items()}
    return texts | _certificates(topology, node) | own


def _replication(topology: Topology, node: str) -> dict[str, str]:
    """The secrets by which a replica logs in to its primary: its own there, those of all of its replicas here."""
    scenario, secrets = topology.scenario, topology.secrets
    texts = {REPLICATION_PASSWORD_FILE: secrets[node].reveal()} if scenario.primary_of(node) else {}
    users = [f"{replication_role(replica)} {secrets[replica].reveal()}\n" for replica in scenario.replicas_of(node)]
    return {**texts, REPLICATION_USERS_FILE: "".join(users)} if users else texts


def _certificates(topology: Topology, node: str) -> dict[str, str]:
    """The node's own certificates with their keys, that of the authority, which every node trusts, and that of the
    intermediate authority, which no program reads by itself."""
    credentials = topology.credentials
    texts = {CA_FILE: credentials.authority} if credentials.authority else {}
    if intermediate := intermediate_of_lab(credentials):
        texts[INTERMEDIATE_FILE] = intermediate + credentials.authority
    for issued in credentials.certificates.get(node, ()):
        texts[file_of(issued.request, "pem")] = sent_chain(topology, issued)
        texts[file_of(issued.request, "key")] = issued.key.reveal()
    return texts


def resolver_text(topology: Topology, node: str) -> str:
    """The node's /etc/resolv.conf (resolv.conf(5)): its DNS servers by address, in their order."""
    servers = [topology.address_for(node, name) for name in topology.resolvers_of(node)]
    lines = [f"nameserver {address}" for address in servers] or ["# this node has no DNS server"]
    # Without a search list the C library takes the domain of the host's name; "." is none (resolv.conf(5)).
    searched = " ".join(topology.search_list(node)) or "."
    options = topology.node(node).resolv_options or ResolverOptions()
    return "\n".join([*lines, f"search {searched}", options.text(), ""])


def _probe(declared: Node, role: Role) -> str:
    if declared.listens is not None:
        # Port 0 is whichever the kernel picks: nobody knows it beforehand.
        known = [listener for listener in declared.listens if listener.port]
        return " ".join(f"{listener.protocol}:{listener.port}" for listener in known) or "none"
    if declared.image or declared.command:
        return "none"
    if any(target.startswith(f"{FILES_AT}/") for target in declared.files):
        # Nobody knows whether the author's configuration answers the role's own probe.
        return " ".join(f"{listener.protocol}:{listener.port}" for listener in role.listeners) or role.ready
    return role.ready


def _container(topology: Topology, observed: Snapshot, node: str, files_hash: str) -> ContainerSpec:
    declared = topology.node(node)
    role = role_of(declared)
    foreign = declared.image is not None
    own = f"{observed.folder}/{node}"
    spec = ContainerSpec(
        name=labels.name_of(topology.lab, node),
        image=declared.image or observed.images[role.image or "client"],
        labels={},
        hostname=node,
        command=declared.command,
        user=None if foreign or role.user is None else f"{role.user}:{role.user}",
        environment=_environment(topology, declared, role, node),
        attachments=_attachments(topology, observed, node),
        binds=(
            Bind(f"{own}/files", FILES_AT),
            Bind(f"{own}/{RESOLVER_FILE}", "/etc/resolv.conf"),
            *(Bind(f"{own}/files/{name}", target) for name, target in mounts_of(declared.files).items()),
        ),
        volumes=_volumes(topology, observed, role, node),
        tmpfs={} if foreign else role.tmpfs,
        capabilities=role.capabilities,
        sysctls=_sysctls(declared, role),
        hosts=_hosts(topology, node),
        read_only=not foreign,
        member=observed.split.nodes[node] if observed.split else "",
        limits=declared.limits or role.limits,
    )
    attachments = " ".join(
        f"{p.network}={p.address}/{topology.subnets[p.network].prefixlen}" for p in topology.attachments_of(node)
    )
    more = {"node": node, "places": attachments, "spec": _hash(_canonical(spec), files_hash)}
    return replace(spec, labels=labels.of_lab(topology.lab, topology.scenario.name, observed.run, **more))


def _hosts(topology: Topology, node: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, address) for name, listed in topology.hosts_of(node).items() for address in listed)


def _sysctls(declared: Node, role: Role) -> dict[str, str]:
    # A new network namespace has the host's own setting, and the host of an engine forwards (ip-sysctl.rst).
    forwards = {"net.ipv4.ip_forward": "1" if role.forwards else "0"}
    return forwards | PRIVILEGED if declared.privileged_ports else forwards


def _environment(topology: Topology, declared: Node, role: Role, node: str) -> dict[str, str]:
    probe = _probe(declared, role)
    trust = TRUST if topology.credentials.authority else {}
    own = {} if declared.image else {"WIRELAB_READY": probe, **trust, **role.environment(topology, node)}
    address = topology.addresses(node)[0]
    own |= {"SSLKEYLOGFILE": TLS_KEYS_FILE} if declared.tls_keys else {}
    return {"WIRELAB_NODE": node, "WIRELAB_ADDRESS": str(address), **own, **declared.environment}


def _attachments(topology: Topology, observed: Snapshot, node: str) -> tuple[Attach, ...]:
    """The node's attachments; the engine's network ids stay empty for networks that are still to be made."""
    networks = {name: observed.network_of(name, topology.lab) for name in topology.subnets}
    return tuple(
        Attach(
            attachment.network,
            network.id if (network := networks[attachment.network]) else "",
            attachment.address,
            attachment.address6,
        )
        for attachment in topology.attachments_of(node)
    )


def _volumes(topology: Topology, observed: Snapshot, role: Role, node: str) -> tuple[NamedVolume, ...]:
    """A volume's name holds a hash of the files that it was made from: other files, another volume."""
    if role.volume is None or topology.node(node).image:
        return ()
    made_from = _hash(_volume_origin(topology, role, role.volume, node))
    own = labels.of_lab(topology.lab, topology.scenario.name, observed.run, node=node)
    return (NamedVolume(labels.name_of(topology.lab, f"{node}-{made_from[:8]}"), role.volume.path, own),)


def _volume_origin(topology: Topology, role: Role, volume: Volume, node: str) -> dict[str, object]:
    """What the data on a volume was made from; that of a replica from what that of its primary was made from."""
    texts = role.files(topology, node)
    made_from: dict[str, object] = {name: texts.get(name, "") for name in volume.from_files}
    primary = topology.scenario.primary_of(node)
    return {primary: _volume_origin(topology, role, volume, primary)} if primary else made_from


def _prober(topology: Topology, observed: Snapshot, node: str, probe: str) -> ContainerSpec:
    return sidecar(topology, observed, node, "ready", ("/usr/lib/wirelab/ready", *probe.split()))


def sidecar(topology: Topology, observed: Snapshot, node: str, what: str, command: tuple[str, ...]) -> ContainerSpec:
    """A container of ours in the node's network, for a node whose own image cannot probe or ask; no capabilities."""
    own = labels.of_lab(topology.lab, topology.scenario.name, observed.run, node=node, onlooker=what)
    folder = f"{observed.folder}/{node}"
    return ContainerSpec(
        name=labels.name_of(topology.lab, f"{node}-{what}-{observed.run}"),
        image=observed.images["client"],
        labels=own,
        command=command,
        environment=TRUST if topology.credentials.authority else {},
        tmpfs={"/tmp": "size=16m,mode=1777"},
        binds=(Bind(f"{folder}/files", FILES_AT), Bind(f"{folder}/{RESOLVER_FILE}", "/etc/resolv.conf")),
        share_network_of=node,
    )


# What the helpers are that change the network of a node, or look at it.
HELPERS = ("routes", "cut", "look")


def network_helper(topology: Topology, observed: Snapshot, node: str, what: str, *arguments: str) -> ContainerSpec:
    """A short-lived container of ours in a node's network: `routes`, `cut` or `look` (images/README.md).

    It has the one capability for that, and the node has none: what is set, no program of the node can take back.
    """
    spec = sidecar(topology, observed, node, what, (f"/usr/lib/wirelab/{what}", *arguments))
    return replace(spec, user="0", capabilities=("NET_ADMIN",))


def _canonical(spec: ContainerSpec) -> str:
    """The spec as text, without what differs from run to run while the container stays the same."""
    left_out = ("labels", "attachments", "member")
    parts = {name: getattr(spec, name) for name in spec.__dataclass_fields__ if name not in left_out}
    parts["volumes"] = [(v.name, v.target) for v in spec.volumes]
    if not spec.hosts:  # as if there were no such part: what stood before the language had it stays as it is
        del parts["hosts"]
    parts["networks"] = [(a.network, str(a.address), str(a.address6)) for a in spec.attachments]
    return json.dumps(parts, sort_keys=True, default=str)


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
