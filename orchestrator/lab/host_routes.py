"""Which ranges of addresses this host has routes for (proc(5), /proc/net/route and /proc/net/ipv6_route).

Read here and not by pyroute2: each `up` of a new lab looks, and the library takes 0.2 s of processor time to import.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from orchestrator.planning.snapshot import UsedRange

ROUTES = Path("/proc/net/route")
ROUTES6 = Path("/proc/net/ipv6_route")


def host_ranges(table: Path = ROUTES, table6: Path = ROUTES6) -> tuple[UsedRange, ...]:
    """The routes' ranges but for the default; none where there is no such table (macOS: the engine is elsewhere)."""
    return (*_ranges(_rows(table)[1:]), *_ranges6(_rows(table6)))


def _rows(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()
    except OSError:
        return []


def _ranges(rows: list[str]) -> list[UsedRange]:
    routes = []
    for row in rows:
        columns = row.split()
        address, mask = (IPv4Address(struct.pack("<L", int(columns[i], 16))) for i in (1, 7))
        if int(mask):
            routes.append(
                UsedRange(IPv4Network(f"{address}/{mask}", strict=False), f"a route of this host by {columns[0]}")
            )
    return routes


def _ranges6(rows: list[str]) -> list[UsedRange]:
    """A row begins with the range as 32 hexadecimal digits and its length as two, and ends with the link."""
    ranges = []
    for row in rows:
        columns = row.split()
        length = int(columns[1], 16)
        # A default route takes no range, and what each machine has (loopback, fe80::, ff00::) is no lab's.
        if length and columns[0].startswith(("fc", "fd")):
            network = IPv6Network((int(columns[0], 16), length), strict=False)
            ranges.append(UsedRange(network, f"a route of this host by {columns[-1]}"))
    return ranges
