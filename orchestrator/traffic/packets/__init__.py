"""From a capture file to packets: what tshark is asked for, and what its lines say."""

from orchestrator.traffic.packets.decode import DECODE_ARGV, decode_argv, decode_warning
from orchestrator.traffic.packets.packet import Packet, Tally, drop_forwarded_copies, in_order, packets

__all__ = [
    "DECODE_ARGV",
    "Packet",
    "Tally",
    "decode_argv",
    "decode_warning",
    "drop_forwarded_copies",
    "in_order",
    "packets",
]
