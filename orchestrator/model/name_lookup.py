"""How the programs of a node look names up: hosts(5) and resolv.conf(5), as an author declares them."""

from __future__ import annotations

from typing import Annotated

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import ADDRESS, PLACE, DisplayName, Domain, formed

# The C library reads no more (resolv.conf(5), MAXNS; since glibc 2.26 only the number of search domains is free).
MOST_RESOLVERS = 3
MOST_SEARCHED = 6
# The names of a hosts file are looked up as they stand: they may hold what no DNS name of a lab does.
_HOST_NAME = "[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
_HOSTS_ADDRESS = rf"({ADDRESS}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|{PLACE}(\.ipv6)?\}})"


HostName = Annotated[str, *formed(_HOST_NAME, "a host name such as db.shop.lab")]
HostsAddress = Annotated[
    str,
    *formed(_HOSTS_ADDRESS, "an address such as 192.0.2.9, or ${NODE}"),
    DisplayName("an address, or ${NODE}"),
]
HostsAddresses = HostsAddress | Annotated[tuple[HostsAddress, ...], Field(strict=False, min_length=1)]
Hosts = dict[HostName, HostsAddresses]
SearchList = Annotated[tuple[Domain, ...], Field(strict=False, max_length=MOST_SEARCHED)]


class ResolverOptions(ScenarioModel):
    """The options of resolv.conf(5), by their own names."""

    ndots: int | None = Field(
        None,
        ge=0,
        le=15,
        description="A name with fewer dots is first tried with the search list; 1 when absent.",
        examples=[5],
    )
    timeout: int = Field(1, ge=1, le=30, description="Seconds to wait for one DNS server.", examples=[2])
    attempts: int = Field(2, ge=1, le=5, description="How often all DNS servers are tried.", examples=[1])
    rotate: bool = Field(False, description="true: each question begins with another DNS server.", examples=[True])

    def text(self) -> str:
        """The line of resolv.conf."""
        words = [f"ndots:{self.ndots}"] if self.ndots is not None else []
        words += [f"timeout:{self.timeout}", f"attempts:{self.attempts}", *(["rotate"] if self.rotate else [])]
        return f"options {' '.join(words)}"
