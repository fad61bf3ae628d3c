"""A machine's table of bound sockets, as ss(8) prints it, without those that belong to the engine."""

from __future__ import annotations

import re
from ipaddress import ip_address

from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.quick_dataclass import dataclass

TABLE = ("ss", "-Htulnp")
# Docker's own name server for the node, in each node's network namespace.
ENGINE = "127.0.0.11"
EVERYWHERE = ("0.0.0.0", "::", "*")


@dataclass(frozen=True)
class BoundSocket:
    """One line of the table; `address` is `*`, 0.0.0.0 or :: where every address is meant.

    `process` is empty where the table does not say it: it shows one's own programs only. `interface` is the only one
    from which the socket takes anything, whatever its address (socket(7), SO_BINDTODEVICE); mostly it is empty.
    """

    protocol: str
    address: str
    port: int
    process: str
    line: str
    interface: str = ""

    @property
    def everywhere(self) -> bool:
        return self.address in EVERYWHERE and not self.interface

    @property
    def loopback(self) -> bool:
        return self.interface == "lo" or (self.address not in EVERYWHERE and ip_address(self.address).is_loopback)

    @property
    def pending_connections(self) -> int:
        """How many connections wait to be accepted where there is no room for another (listen(2)); 0 if there is."""
        waiting, most = map(int, self.line.split()[2:4])
        return waiting if self.protocol == "tcp" and waiting > most else 0

    def takes(self, address: str) -> bool:
        """Whether what is sent to this address of the machine comes to it; :: stands for IPv6 alone, * for both. Of a
        socket of one interface, but loopback, the table does not say which addresses are its own: then it may.
        """
        own = self.address
        if self.interface == "lo" and not ip_address(address).is_loopback:
            return False
        return own in ("*", address) or own == ("::" if ":" in address else "0.0.0.0")

    def __str__(self) -> str:
        held = f" by {self.process}" if self.process else ""
        host = f"[{self.address}]" if ":" in self.address else self.address
        host += f"%{self.interface}" if self.interface else ""
        return f"{self.protocol} {host}:{self.port}{held}"


def socket_table_probe(node: str) -> RunProgram:
    """The question for a node's table."""
    return RunProgram(node, TABLE, frozenset({"ss"}))


def read_socket_table(result: ProgramResult) -> tuple[BoundSocket, ...]:
    """The sockets in the order of the table; the engine's are left out."""
    rows = (line.split() for line in result.out.splitlines())
    bound = (_socket(columns) for columns in rows if len(columns) >= 6 and columns[0] in ("tcp", "udp"))
    return tuple(socket for socket in bound if socket and socket.address != ENGINE)


def _socket(columns: list[str]) -> BoundSocket | None:
    host, _, port = columns[4].rpartition(":")
    if not port.isdigit():
        return None
    process = re.search(r'users:\(\("([^"]+)"', " ".join(columns[6:]))
    place, _, interface = host.partition("%")  # 0.0.0.0%eth0; [fe80::1]%eth0, where it belongs to the address
    address = place.strip("[]")
    alone = "" if address not in EVERYWHERE and ip_address(address).is_link_local else interface
    return BoundSocket(columns[0], address, int(port), process[1] if process else "", " ".join(columns), alone)
