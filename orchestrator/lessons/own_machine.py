"""What a program sends to its own machine, as tcpdump prints it. No other capture sees it: it crosses no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.lessons.comparison import Different

# Openings and refusals of TCP (RFC 9293, section 3.1: SYN is 2, RST is 4), and what ICMP says.
_TCP = "tcp[13] & 6 != 0 or (ip6[6] == 6 and ip6[53] & 6 != 0)"
ARGV = ("tcpdump", "-lnntt", "-Z", "root", "-i", "lo", f"{_TCP} or icmp or icmp6")

PACKET = re.compile(r"(?:(?P<time>\d+\.\d+) )?IP6? (?P<source>\S+) > (?P<target>\S+): (?P<what>.*)")
FLAGS = re.compile(r"Flags \[(?P<flags>[^]]*)\]")
UDP_PORT = re.compile(r"(?P<address>[0-9a-f.:]+) udp port (?P<port>\d+)\b")
MOST_OPEN = 1000


@dataclass(frozen=True)
class OwnMachineAttempt:
    """A program of `node` sent something to `address` of this same node; `client_port` is 0 if it has none.

    `outcome` is accepted or refused for a connection, and empty for a ping. `at` is when, in seconds since 1970.
    """

    node: str
    protocol: str
    address: str
    port: int
    client_port: int
    outcome: str
    at: float = 0.0

    def different_from(self, wanted: str) -> Different:
        """The message on this attempt if a task wants something else."""
        place = f"itself, {self.address}, port {self.port}"
        match self.protocol:
            case "tcp":
                return Different("address", f"{self.node} opened a connection to {place}: {self.outcome}", wanted)
            case "udp":
                return Different("address", f"{self.node} sent UDP to {place}: {self.outcome}", wanted)
        return Different("address", f"{self.node} pinged itself, {self.address}: it answered", wanted)


def read_own_attempts(node: str, lines: Iterator[str]) -> Iterator[OwnMachineAttempt]:
    """The attempts in the lines that tcpdump prints in a node's network namespace."""
    opening: dict[tuple[str, str], None] = {}
    for line in lines:
        packet = PACKET.search(line)
        if not packet:
            continue
        time, source, target, what = packet.groups()
        flags = FLAGS.match(what)
        attempt = _of_tcp(node, (source, target), flags["flags"], opening) if flags else _of_icmp(node, source, what)
        if attempt:
            yield replace(attempt, at=float(time or 0))


def _of_tcp(
    node: str, ends: tuple[str, str], flags: str, opening: dict[tuple[str, str], None]
) -> OwnMachineAttempt | None:
    """The attempt that ends with this packet; one that begins with it is put into `opening`."""
    server, client = ends
    if "S" in flags and "." not in flags:
        opening[ends] = None
        if len(opening) > MOST_OPEN:
            del opening[next(iter(opening))]
        return None
    if (client, server) not in opening:
        return None
    del opening[client, server]
    outcome = "accepted" if "S" in flags else "refused"
    return OwnMachineAttempt(node, "tcp", *_socket(server), _socket(client)[1], outcome)


def _of_icmp(node: str, source: str, what: str) -> OwnMachineAttempt | None:
    if "echo reply" in what:
        return OwnMachineAttempt(node, "icmp", source, 0, 0, "")
    refused = UDP_PORT.search(what)
    if refused and "unreachable" in what:
        return OwnMachineAttempt(node, "udp", refused["address"], int(refused["port"]), 0, "refused")
    return None


def _socket(text: str) -> tuple[str, int]:
    """Address and port of "127.0.0.1.80" or "::1.80"."""
    address, _, port = text.rpartition(".")
    return address, int(port)
