"""A lab as a Compose file: the containers and networks that wirelab would make, and notes on what has no equal there.

The file follows the Compose Specification (https://github.com/compose-spec/compose-spec). The containers bear none of
wirelab's labels, so that no command of wirelab takes them for its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import DesiredNode, desired
from orchestrator.planning.networks import network_spec
from orchestrator.planning.snapshot import RESOLVER_FILE, Snapshot
from orchestrator.planning.specs import NetworkSpec
from orchestrator.rendering.compose_hardening import hardening
from orchestrator.rendering.compose_routes import route_services
from orchestrator.rendering.quantities import counted
from orchestrator.rendering.yaml_text import Commented, comment_lines, yaml_text

# Options of Docker's bridge driver: the bridge has no address, and no source address is rewritten.
NO_ADDRESS = "com.docker.network.bridge.inhibit_ipv4"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
# An address that no node has, for a gateway that answers nobody.
NOBODY = 0xFFFF
SPEAKING_READY = "/usr/lib/wirelab/ready"


@dataclass(frozen=True)
class ComposeExport:
    """A Compose file, and what its services mount: the folders, and path from the Compose file -> text.

    `notes` name what has no equal in Compose; they are comments of the file, too.
    """

    text: str
    folders: tuple[str, ...]
    files: Mapping[str, str]
    notes: tuple[str, ...]


def compose_export(topology: Topology, observed: Snapshot, folder: str) -> ComposeExport:
    """The lab as declared, without its faults. `folder` is where the mounted files stand, from the Compose file."""
    here = replace(observed, folder=f"./{folder}", networks=(), run="none")
    nodes = {name: desired(topology, here, name) for name in topology.scenario.nodes}
    document: dict[str, Any] = {
        "name": topology.lab,
        "services": {name: _service(topology, nodes, name) for name in nodes} | dict(route_services(topology, here)),
        "networks": {name: _network(network_spec(topology, here, name)) for name in topology.subnets},
    }
    volumes = [name for node in nodes.values() for name in _volumes(node)]
    document |= {"volumes": {key: {} for key in volumes}} if volumes else {}
    files = {
        f"{folder}/{node.node}/{name if name == RESOLVER_FILE else f'files/{name}'}": text
        for node in nodes.values()
        for name, text in sorted(node.texts.items())
    }
    head = [*_head(topology), *_notes(topology, observed)]
    text = "".join(f"{line}\n" for line in comment_lines(head)) + yaml_text(document)
    notes = (*_notes(topology, observed), *(note for node in nodes.values() for note in _service_notes(topology, node)))
    return ComposeExport(text, tuple(f"{folder}/{name}/files" for name in nodes), files, notes)


def _head(topology: Topology) -> Iterator[str]:
    yield f"{topology.scenario.title}: the lab {topology.lab!r} as a Compose file, made by wirelab export."
    yield "The lab's own DNS servers answer for names: each service mounts an /etc/resolv.conf with their addresses."
    yield f"The addresses are those of the lab. First: wirelab down {topology.lab}. Then: docker compose up --wait"


def _notes(topology: Topology, observed: Snapshot) -> Iterator[str]:
    """What of the whole lab has no equal."""
    scenario = topology.scenario
    if scenario.checks:
        yield f"No equal in Compose: {counted(len(scenario.checks), 'check')}, which wirelab check proves."
    if scenario.capture:
        yield "No equal in Compose: capture: true, which records all packets from the first one."
    if observed.faults:
        yield f"No equal in Compose: {counted(len(observed.faults), 'fault')} in the lab; the file has it without."


def _service(topology: Topology, nodes: Mapping[str, DesiredNode], name: str) -> Commented | dict[str, Any]:
    node = nodes[name]
    spec = node.spec
    service: dict[str, Any] = {"image": spec.image, "hostname": spec.hostname}
    service |= {"user": spec.user} if spec.user else {}
    service |= {"command": [_literal(word) for word in spec.command]} if spec.command else {}
    service |= _dependencies(topology, nodes, name)
    service["environment"] = {name: _literal(value) for name, value in spec.environment.items()}
    service["networks"] = {attach.network: _addresses(attach) for attach in spec.attachments}
    service["volumes"] = _mounts(node)
    service |= {"extra_hosts": [f"{name}:{address}" for name, address in spec.hosts]} if spec.hosts else {}
    service |= hardening(spec)
    if _tells_readiness(topology, node):
        probe = ["CMD", SPEAKING_READY, "--seconds", "0"]
        service["healthcheck"] = {"test": probe, "interval": "1s", "timeout": "5s", "retries": 60}
    comments = tuple(_service_notes(topology, node))
    return Commented(service, comments) if comments else service


def _service_notes(topology: Topology, node: DesiredNode) -> Iterator[str]:
    declared = topology.node(node.node)
    if declared.image and node.probe != "none":
        yield (
            f"No equal in Compose: wirelab waits for {node.probe} from a container beside {node.node}; "
            "this image has no probe of wirelab's."
        )


def _tells_readiness(topology: Topology, node: DesiredNode) -> bool:
    return not topology.node(node.node).image and node.probe != "none"


def _dependencies(topology: Topology, nodes: Mapping[str, DesiredNode], name: str) -> dict[str, Any]:
    """A node starts after those that it uses, its primary, and the DNS servers that it asks."""
    scenario = topology.scenario
    primary = scenario.primary_of(name)
    needed = [*scenario.nodes[name].uses, *((primary,) if primary else ())]
    if scenario.roles[name].serves != ApplicationProtocol.DNS:
        needed += topology.resolvers_of(name)
    conditions = {
        other: {"condition": "service_healthy" if _tells_readiness(topology, nodes[other]) else "service_started"}
        for other in dict.fromkeys(needed)
        if other != name
    }
    return {"depends_on": conditions} if conditions else {}


def _addresses(attach: Any) -> dict[str, str]:
    addresses = {"ipv4_address": str(attach.address)}
    return addresses | ({"ipv6_address": str(attach.address6)} if attach.address6 else {})


def _mounts(node: DesiredNode) -> list[dict[str, Any]]:
    binds = [
        {"type": "bind", "source": bind.source, "target": bind.target, "read_only": True} for bind in node.spec.binds
    ]
    kept = zip(_volumes(node), node.spec.volumes, strict=True)
    return [*binds, *({"type": "volume", "source": name, "target": volume.target} for name, volume in kept)]


def _volumes(node: DesiredNode) -> list[str]:
    return [f"{node.node}-{position}" for position, _ in enumerate(node.spec.volumes, 1)]


def _network(spec: NetworkSpec) -> dict[str, Any]:
    ranges: list[dict[str, Any]] = [{"subnet": str(spec.subnet), "gateway": str(spec.gateway)}]
    if spec.subnet6:
        six: dict[str, Any] = {"subnet": str(spec.subnet6), "gateway": str(spec.subnet6[1])}
        nobody = {"DefaultGatewayIPv6": str(spec.subnet6[NOBODY])}
        ranges.append({**six, "aux_addresses": nobody} if spec.gateway_unanswered else six)
    network: dict[str, Any] = {"internal": True} if spec.internal and not spec.gateway_unanswered else {}
    network |= {"enable_ipv6": True} if spec.subnet6 else {}
    options = {NO_ADDRESS: "true"} if spec.host_closed else {}
    options |= {MASQUERADE: "false"} if spec.gateway_unanswered else {}
    return network | ({"driver_opts": options} if options else {}) | {"ipam": {"config": ranges}}


def _literal(text: str) -> str:
    """A text that Compose takes as it stands: it replaces `$NAME`, and reads `$$` as `$`."""
    return text.replace("$", "$$")
