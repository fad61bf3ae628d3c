"""A node's network interfaces, as `ip -j addr` prints them (ip-address(8))."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
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


def used_neighbours_of(node: str) -> RunProgram:
    """The same, with the seconds since each of them was last known to be there (ip(8), -s)."""
    return RunProgram(node, ("ip", "-j", "-s", "neigh"), NEEDS)


def read_json(text: str) -> Any:
    """What ip(8) printed; None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def rows_of(table: Any) -> list[dict[str, Any]]:
    """The rows of a table that ip(8) printed, without the empty ones that it has for what it leaves out."""
    return [row for row in table if isinstance(row, dict) and row] if isinstance(table, list) else []


def lacks(node: str, address: str, results: Mapping[Probe, ProbeResult]) -> bool:
    """Whether a node is known not to have an address."""
    result = results.get(addresses_of(node))
    if not isinstance(result, ProgramResult) or not isinstance(read_json(result.out), list):
        return False
    return interface_of(read_json(result.out), address) is None


def interface_of(interfaces: Any, address: str) -> dict[str, Any] | None:
    """The interface that bears an address; None if none does."""
    of_address = (
        row
        for row in rows_of(interfaces)
        if any(entry.get("local") == address for entry in rows_of(row.get("addr_info")))
    )
    return next(of_address, None)


def ipv4_addresses(interfaces: Any) -> tuple[str, ...]:
    """The node's IPv4 addresses by which others could reach it."""
    entries = [entry for interface in rows_of(interfaces) for entry in rows_of(interface.get("addr_info"))]
    others = (entry for entry in entries if (entry.get("family"), entry.get("scope")) == ("inet", "global"))
    return tuple(str(entry["local"]) for entry in others if "local" in entry)


def hardware_address(interfaces: Any, address: str) -> str:
    """That of the interface with this address; empty if none has it."""
    return str((interface_of(interfaces, address) or {}).get("address") or "")


def known_as(neighbours: Any, address: str) -> str:
    """The hardware address that stands for an address in a table of neighbours; empty if none does."""
    known = (row for row in rows_of(neighbours) if row.get("dst") == address and row.get("lladdr"))
    return next((str(row["lladdr"]) for row in known), "")


def silent_seconds(neighbours: Any, address: str) -> float | None:
    """For how long nothing came from this neighbour; None where the table knows no neighbour at all."""
    rows = [row for row in neighbours if isinstance(row, dict)] if isinstance(neighbours, list) else []
    own = [float(row.get("confirmed", 0)) for row in rows if row.get("dst") == address]
    return min(own, default=inf) if rows else None
