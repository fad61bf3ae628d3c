"""Which packets of a recording belong to some flows, as a display filter of tshark (wireshark-filter(4))."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from orchestrator.traffic.exchanges.events import Flow

# Packets of a flow that stand shortly before its first one: tshark prints microseconds, a flow's time is a float.
SPARE_SECONDS = 0.001
PORTS = ("tcp", "udp")
QUOTABLE = re.compile(r"[A-Za-z0-9._-]{1,255}")


@dataclass(frozen=True)
class PacketSelection:
    """The packets of these flows, the lookups that led to them, and all between pairs of addresses, in a time.

    Times are seconds since 1970.
    """

    flows: Sequence[Flow]
    since: float
    until: float
    pairs: Sequence[tuple[str, str]] = ()

    @property
    def filter(self) -> str:
        """The display filter. ICMP errors match too: they quote the packet that they are about."""
        of_flows = [part for flow in self.flows for part in (_flow_filter(flow), _lookup_filter(flow))]
        parts = filter(None, dict.fromkeys([*of_flows, *(_pair_filter(*pair) for pair in self.pairs)]))
        times = f"frame.time_epoch >= {self.since - SPARE_SECONDS:.6f} && frame.time_epoch <= {self.until:.6f}"
        return f"{times} && ({' || '.join(f'({part})' for part in parts)})"


def _flow_filter(flow: Flow) -> str:
    between = _between(flow.client.address, flow.server.address)
    if flow.protocol not in PORTS:
        return between
    ports = (f"{flow.protocol}.port == {end.port}" for end in (flow.client, flow.server))
    return " && ".join((between, *ports))


def _lookup_filter(flow: Flow) -> str:
    """The question of the client that gave it the server's address; empty where it asked none."""
    if not QUOTABLE.fullmatch(flow.name):
        return ""
    return f'{_field(flow.client.address)} == {flow.client.address} && dns.qry.name == "{flow.name}"'


def _pair_filter(client: str, server: str) -> str:
    """All between two machines, and the search for the second one on the network (ARP, RFC 826; NDP, RFC 4861)."""
    field = "arp.dst.proto_ipv4" if ip_address(server).version == 4 else "icmpv6.nd.ns.target_address"
    return f"({_between(client, server)}) || {field} == {server}"


def _between(client: str, server: str) -> str:
    return f"{_field(client)} == {client} && {_field(server)} == {server}"


def _field(address: str) -> str:
    return "ip.addr" if ip_address(address).version == 4 else "ipv6.addr"
