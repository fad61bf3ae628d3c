"""Where the server of a class is reached, and what proves to a browser that it is that server."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

LOOPBACK = "127.0.0.1"
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Tls:
    """The files of a certificate (with those between it and its authority) and of its key, both PEM.

    `fingerprint` is the SHA-256 of the certificate, as pairs of hexadecimal digits.
    """

    certificate: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Endpoint:
    """The address that a server binds, the host that its links name, and its certificate; None: plain HTTP.

    Port 0: any that is free.
    """

    port: int = 0
    address: str = LOOPBACK
    host: str = LOOPBACK
    tls: Tls | None = None

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def origin(self) -> str:
        """What a browser sends as Origin from a page of this server (RFC 6454, section 7)."""
        return f"{self.scheme}://{self._named(self.host)}"

    @property
    def hosts(self) -> frozenset[str]:
        """The values of the header Host that mean this server; a browser leaves out the scheme's own port."""
        names = {self.host, self.address, *(("localhost",) if ip_address(self.address).is_loopback else ())}
        return frozenset(map(self._named, names))

    def _named(self, host: str) -> str:
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


ON_THIS_MACHINE = Endpoint()
