"""From a capture file to packets: what tshark is asked for, and what its lines say."""

from orchestrator.judging.packets.decode import DECODE_ARGV, decode_argv, decode_warning
from orchestrator.judging.packets.packet import Packet, Tally, heard_once, in_order, packets

__all__ = ["DECODE_ARGV", "Packet", "Tally", "decode_argv", "decode_warning", "heard_once", "in_order", "packets"]
