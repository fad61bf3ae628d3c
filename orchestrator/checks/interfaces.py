"""A node's network interfaces, as `ip -j addr` prints them (ip-address(8))."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult, RunProgram

# ip(8) and ss(8) come in one package: where one is, the other is.
NEEDS = frozenset({"ss"})


def addresses_of(node: str) -> RunProgram:
    """The question for a node's interfaces."""
    return RunProgram(node, ("ip", "-j", "addr"), NEEDS)


def neighbours_of(node: str) -> RunProgram:
    """The question for the hardware addresses to which a node sends what is for its neighbours (ip-neighbour(8))."""
    return RunProgram(node, ("ip", "-j", "neigh"), NEEDS)


def read_json(text: str) -> Any:
    """What ip(8) printed; None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def lacks(node: str, address: str, results: Mapping[Probe, ProbeResult]) -> bool:
    """Whether a node is known not to have an address."""
    result = results.get(addresses_of(node))
    if not isinstance(result, ProgramResult) or not isinstance(read_json(result.out), list):
        return False
    return interface_of(read_json(result.out), address) is None


def interface_of(interfaces: Any, address: str) -> dict[str, Any] | None:
    """The interface that bears an address; None if none does."""
    for row in interfaces if isinstance(interfaces, list) else ():
        if any(entry.get("local") == address for entry in row.get("addr_info", ())):
            interface: dict[str, Any] = row
            return interface
    return None


def ipv4_addresses(interfaces: Any) -> tuple[str, ...]:
    """The node's IPv4 addresses by which others could reach it."""
    rows = interfaces if isinstance(interfaces, list) else []
    entries = [entry for interface in rows for entry in interface.get("addr_info", ())]
    return tuple(
        str(entry["local"]) for entry in entries if (entry.get("family"), entry.get("scope")) == ("inet", "global")
    )


def hardware_address(interfaces: Any, address: str) -> str:
    """That of the interface with this address; empty if none has it."""
    return str((interface_of(interfaces, address) or {}).get("address", ""))


def known_as(neighbours: Any, address: str) -> str:
    """The hardware address that stands for an address in a table of neighbours; empty if none does."""
    rows = neighbours if isinstance(neighbours, list) else []
    return next((str(row["lladdr"]) for row in rows if row.get("dst") == address and "lladdr" in row), "")
