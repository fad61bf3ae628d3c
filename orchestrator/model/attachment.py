"""Where a node stands: its addresses on one network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from orchestrator.quick_dataclass import dataclass

AnyAddress = IPv4Address | IPv6Address
Version = Literal[4, 6]


@dataclass(frozen=True)
class Attachment:
    """A node's end on one network: its IPv4 address, and its IPv6 address where the network has IPv6."""

    node: str
    network: str
    address: IPv4Address
    address6: IPv6Address | None = None

    def addresses(self, version: Version) -> tuple[AnyAddress, ...]:
        """The address of that version of IP; none where the network has no IPv6."""
        if version == 4:
            return (self.address,)
        return (self.address6,) if self.address6 else ()
