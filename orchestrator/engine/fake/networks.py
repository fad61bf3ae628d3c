"""Networks of the engine in memory."""

from __future__ import annotations

from ipaddress import ip_network

from orchestrator.engine.fake.state import Container, Endpoint, FakeState, refusal
from orchestrator.errors import AddressTaken, EngineRefused, NameTaken, NotFound, RangeTaken
from orchestrator.planning.snapshot import ObservedNetwork
from orchestrator.planning.specs import Attach, NetworkSpec


class FakeNetworks(FakeState):
    """The capability `Networks`."""

    bridges_come_late = False

    def networks(self) -> tuple[ObservedNetwork, ...]:
        with self._changed:
            return tuple(self._networks.values())

    def make_network(self, spec: NetworkSpec) -> str:
        with self._changed:
            for other in self._networks.values():
                self._require_no_conflict(spec, other)
            made = self._id()
            own6 = (spec.subnet6,) if spec.subnet6 else ()
            closed = spec.gateway_unanswered, own6, spec.host_closed, spec.bridge or f"br-{made[:12]}"
            self._networks[made] = ObservedNetwork(
                made,
                spec.name,
                (spec.subnet,),
                spec.internal,
                dict(spec.labels),
                *closed,
                overlay=spec.overlay is not None,
            )
            return made

    def _require_no_conflict(self, spec: NetworkSpec, other: ObservedNetwork) -> None:
        what = f"the network {spec.name}"
        if other.name == spec.name:
            raise refusal(NameTaken, what, f"network with name {spec.name} already exists")
        overlaps6 = spec.subnet6 and any(subnet.overlaps(spec.subnet6) for subnet in other.subnets6)
        if overlaps6 or any(subnet.overlaps(spec.subnet) for subnet in other.subnets):
            raise refusal(RangeTaken, what, "Pool overlaps with other one on this address space")

    def remove_network(self, network: str) -> None:
        with self._changed:
            gone = self._networks.pop(network, None)
            for container in self._containers.values():
                # What is stopped does not hold a network, and goes on naming it.
                if gone and container.alive:
                    container.endpoints.pop(gone.name, None)

    def connect(self, container: str, attach: Attach) -> None:
        with self._changed:
            connected = self._find(container)
            network = self._find_network(attach)
            endpoint = Endpoint(network.id, attach.address, connected.alive, attach.address6)
            if connected.alive and network.name in connected.endpoints:
                raise refusal(EngineRefused, f"the network {network.name}", "endpoint already exists")
            if connected.alive:
                self._require_free(endpoint, connected)
            connected.endpoints[network.name] = endpoint

    def disconnect(self, container: str, network: str) -> None:
        with self._changed:
            known = self._networks.get(network)
            if known and container in self._containers:
                self._containers[container].endpoints.pop(known.name, None)

    def _require_free(self, endpoint: Endpoint, owner: Container) -> None:
        """Raise unless the owner can have the endpoint's addresses."""
        what = f"the container {owner.spec.name}"
        network = self._networks.get(endpoint.network)
        if network is None:
            raise NotFound(f"{what} is not there", why=f"network {endpoint.network} not found")
        for address in (endpoint.address, endpoint.address6):
            ranges = [*map(str, network.subnets), *map(str, network.subnets6)]
            if address and not any(address in ip_network(subnet) for subnet in ranges):
                raise refusal(EngineRefused, what, f"no configured subnet contains {address}")
        for other in self._containers.values():
            if other is not owner and other.alive and endpoint.address == other.address_on(network.name):
                raise refusal(AddressTaken, what, "Address already in use")
