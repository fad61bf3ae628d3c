"""Capture files to packets: the tshark command, and the packets in its output."""

from orchestrator.traffic.packets.decode import DECODE_ARGV, decode_argv, decode_warning
from orchestrator.traffic.packets.packet import LineCounts, Packet, drop_forwarded_copies, read_packets, sort_by_time

__all__ = [
    "DECODE_ARGV",
    "LineCounts",
    "Packet",
    "decode_argv",
    "decode_warning",
    "drop_forwarded_copies",
    "read_packets",
    "sort_by_time",
]
