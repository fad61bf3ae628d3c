"""Capture files to packets: the tshark command, and the packets in its output."""

from orchestrator.traffic.packets.decode import DECODE_ARGV, decode_argv, decode_warning
from orchestrator.traffic.packets.packet import LineCounts, Packet, read_packets, sort_by_time
from orchestrator.traffic.packets.routed import RoutedPackets

__all__ = [
    "DECODE_ARGV",
    "LineCounts",
    "Packet",
    "RoutedPackets",
    "decode_argv",
    "decode_warning",
    "read_packets",
    "sort_by_time",
]
