"""Rules about addresses: inside their network, not reserved, borne by one node only."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path


def subnets_apart(raw: RawScenario) -> Iterator[Violation]:
    """No two networks of a scenario overlap."""
    declared = {name: position for position, name in enumerate(raw.networks)}
    subnets = [(subnet, name) for name in declared if (subnet := _subnet(raw, name))]
    # Sorted by where they begin, wide ones first, a subnet overlaps only the one that reached farthest before it.
    widest: tuple[IPv4Network, str] | None = None
    for subnet, name in sorted(subnets, key=lambda item: (item[0], declared[item[1]])):
        if widest and widest[0].overlaps(subnet):
            earlier, later = sorted(((subnet, name), widest), key=lambda item: declared[item[1]])
            line = raw.line_of(("networks", earlier[1], "subnet"))
            message = f"{later[0]} overlaps {earlier[0]} of the network {earlier[1]!r} (line {line})"
            yield Violation(("networks", later[1], "subnet"), message)
        else:
            widest = (subnet, name)


def one_network_for_an_address(raw: RawScenario) -> Iterator[Violation]:
    """`address` is for a node on one network; on several, each attachment says its own."""
    for node, values in raw.nodes.items():
        networks = list(raw.attachments(node))
        if values.get("address") is None or (len(networks) == 1 and not isinstance(values.get("networks"), dict)):
            continue
        form = ", ".join(f"{name}: {{address: …}}" for name in networks[:3])
        message = f"which network is meant? {node!r} stands on {listed(networks)}; write networks: {{{form}}}"
        yield Violation(("nodes", node, "address"), message)


def replicas_choose_no_address(raw: RawScenario) -> Iterator[Violation]:
    """A node with replicas names no address: it would be that of several machines."""
    for path, _, address in _addresses(raw):
        node = str(path[1])
        if node in raw.groups:
            names = listed(raw.groups[node])
            message = f"{address} can be the address of one machine only, and {node!r} stands for {names}; leave it out"
            yield Violation(path, message)


def subnet_is_said(raw: RawScenario) -> Iterator[Violation]:
    """An address is chosen only where the subnet is, too; otherwise wirelab chooses both."""
    for path, network, address in _addresses(raw):
        values = raw.networks.get(network)
        if values is not None and values.get("subnet") is None:
            example = IPv4Network(f"{address}/24", strict=False)
            message = (
                f"the network {network!r} has no subnet, so its addresses are not known yet; "
                f"write networks: {{{network}: {{subnet: {example}}}}}"
            )
            yield Violation(path, message)


def address_inside(raw: RawScenario) -> Iterator[Violation]:
    """An address lies in the subnet of its network and is none of the reserved ones."""
    for path, network, address in _addresses(raw):
        subnet = _subnet(raw, network)
        if subnet is None:
            continue
        usable = f"usable are {subnet[2]} to {subnet[-2]}"
        if address not in subnet:
            yield Violation(path, f"{address} is not in {subnet}, the subnet of the network {network!r}; {usable}")
        elif address == subnet[0]:
            yield Violation(path, f"{address} is the address of the network {network!r} itself; {usable}")
        elif address == subnet[-1]:
            yield Violation(path, f"{address} is the broadcast address of the network {network!r}; {usable}")
        elif address == subnet[1]:
            yield Violation(path, f"{address} is kept for the gateway of the network {network!r}; {usable}")


def address_once(raw: RawScenario) -> Iterator[Violation]:
    """No two nodes bear one address."""
    owners: dict[IPv4Address, tuple[str, Path]] = {}
    for path, _, address in _addresses(raw):
        node = str(path[1])
        if address in owners:
            owner, at = owners[address]
            line = raw.line_of(at)
            yield Violation(
                path, f"{address} is already the address of {owner!r} (line {line}); an address has one owner"
            )
        else:
            owners[address] = (node, path)


def _addresses(raw: RawScenario) -> Iterator[tuple[Path, str, IPv4Address]]:
    """Every address that a node declares: where, on which network, which."""
    for node in raw.nodes:
        for network, (path, value) in raw.attachments(node).items():
            address = _address(value)
            if address is not None:
                yield path, network, address


def _address(value: Any) -> IPv4Address | None:
    try:
        return IPv4Address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _subnet(raw: RawScenario, network: str) -> IPv4Network | None:
    """The subnet that a network declares, where it is a usable one."""
    value = raw.networks.get(network, {}).get("subnet")
    try:
        subnet = IPv4Network(value) if isinstance(value, str) and "/" in value else None
    except ValueError:
        return None
    return subnet if subnet and subnet.num_addresses >= 4 else None
