"""Which ranges of addresses this host has routes for (proc(5), /proc/net/route)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from orchestrator.planning.observed import Taken

ROUTES = Path("/proc/net/route")


def host_ranges(table: Path = ROUTES) -> tuple[Taken, ...]:
    """The routes' ranges but for the default; none where there is no such table (macOS: the engine is elsewhere)."""
    try:
        rows = table.read_text().splitlines()[1:]
    except OSError:
        return ()
    found = []
    for row in rows:
        columns = row.split()
        address, mask = (IPv4Address(struct.pack("<L", int(columns[i], 16))) for i in (1, 7))
        if int(mask):
            found.append(Taken(IPv4Network(f"{address}/{mask}", strict=False), f"a route of this host by {columns[0]}"))
    return tuple(found)
