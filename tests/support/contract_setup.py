"""What a contract case needs: an engine, an image, a label of its own, ranges that are free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from orchestrator.engine.protocol import Engine
from orchestrator.errors import RangeTaken
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

# Another process may take the range that was free a moment ago; this often in a row is no chance.
DRAWS = 5


@dataclass(frozen=True)
class ContractSetup:
    """One engine, an image that has sleep, echo and false, and a label of this case alone."""

    engine: Engine
    image: str
    label: str
    subnets: Iterator[IPv4Network]

    @property
    def labels(self) -> dict[str, str]:
        key, value = self.label.split("=")
        return {key: value}

    @property
    def subnet6(self) -> IPv6Network:
        """A range that this case alone has (RFC 4193)."""
        return IPv6Network((bytes.fromhex(f"fd{self.labels['contract']}").ljust(8, b"\0") + bytes(8), 64))

    def network_spec(self, name: str = "one", subnet: IPv4Network | None = None) -> NetworkSpec:
        taken = subnet or next(self.subnets)
        return NetworkSpec(f"contract-{self.labels['contract']}-{name}", taken, taken[1], True, self.labels)

    def network(self, name: str = "one") -> tuple[str, IPv4Network]:
        network, spec = self.made_network(name)
        return network, spec.subnet

    def made_network(self, name: str = "one", draws: int = DRAWS, **changes: Any) -> tuple[str, NetworkSpec]:
        """Make a network in a range that is free; its id, and what was asked for."""
        spec = replace(self.network_spec(name), **changes)
        try:
            return self.engine.make_network(spec), spec
        except RangeTaken:
            if draws == 1:
                raise
            return self.made_network(name, draws - 1, **changes)

    def spec(self, name: str, *command: str, attach: tuple[Attach, ...] = ()) -> ContainerSpec:
        argv = command or ("sleep", "infinity")
        whole = f"contract-{self.labels['contract']}-{name}"
        return ContainerSpec(name=whole, image=self.image, labels=self.labels, command=argv, attachments=attach)

    def started(self, name: str, *command: str, attach: tuple[Attach, ...] = ()) -> str:
        made = self.engine.make_container(self.spec(name, *command, attach=attach))
        self.engine.start(made)
        return made
