"""Networks of a Docker engine.

Engine 20.10 counts the endpoints of a network without a lock when it removes one, and a listing of networks replaces
the counter. A decrement that is lost stays lost until the engine restarts, and the network cannot be removed: "has
active endpoints". So one endpoint is removed at a time, and no networks are read meanwhile.
"""

from __future__ import annotations

import time
from contextlib import suppress

from orchestrator.engine.docker.config import endpoint_config, network_config, network_seen
from orchestrator.engine.docker.connection import DockerConnection
from orchestrator.engine.docker.http_api import Refused
from orchestrator.engine.docker.retry import retry_while
from orchestrator.errors import NetworkBusy, NotFound, RangeTaken
from orchestrator.planning.snapshot import ObservedNetwork
from orchestrator.planning.specs import Attach, NetworkSpec

# "has active endpoints" can persist for a moment after forced removals of the containers, most of all of those that
# were just starting (Engine 20.10). 5 s in all.
TRIES = 9
# From this version of the API on (Engine 25), two networks cannot have the same name (Engine API, version history).
UNIQUE_NAMES = (1, 44)
NOT_FOUND = 404
# The Swarm numbers each overlay; until then no container can stand on it. A moment, unless its range is taken.
OVERLAY_NUMBER = "com.docker.network.driver.overlay.vxlanid_list"
ALLOCATION_SECONDS = 15.0


class DockerNetworks(DockerConnection):
    """The capability `Networks`."""

    bridges_come_late = False

    def networks(self) -> tuple[ObservedNetwork, ...]:
        with self._endpoints, self._errors("the networks"):
            return tuple(network_seen(network) for network in self._api.find("/networks") or ())

    def make_network(self, spec: NetworkSpec) -> str:
        with self._errors(f"the network {spec.name}"):
            network: str = self._api.post("/networks/create", network_config(spec))["Id"]
        if spec.overlay:
            self._await_allocated(network, spec)
        return network

    def _await_allocated(self, network: str, spec: NetworkSpec) -> None:
        """Wait until the Swarm has given an overlay its number: it answers before, and refuses by silence.

        Raises RangeTaken, with the network removed, where it gives none.
        """
        deadline = time.monotonic() + ALLOCATION_SECONDS
        while time.monotonic() < deadline:
            with self._errors(f"the network {spec.name}"):
                if OVERLAY_NUMBER in (self._api.get(f"/networks/{network}").get("Options") or {}):
                    return
            time.sleep(0.05)
        self.remove_network(network)
        why = f"the Swarm did not allocate {spec.subnet} in {ALLOCATION_SECONDS:g} s: another network may have it"
        raise RangeTaken(
            f"the network {spec.name} could not be made", why=why, hint="on the manager: docker network ls"
        )

    def manages_swarm(self) -> bool:
        """Whether the engine manages a Docker Swarm. A worker refuses the question."""
        with self._errors("the swarm"):
            try:
                self._api.get("/swarm")
            except Refused:
                return False
        return True

    def _lasting_name(self, network: str) -> str:
        """How a container remembers the network on which it was made.

        Engine 26 starts it never again when that network has gone; known by its name, one that takes its place will do.
        """
        if self._api.version < UNIQUE_NAMES:
            return network
        try:
            name: str = self._api.get(f"/networks/{network}")["Name"]
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            return network  # a worker of a Swarm sees an overlay only while a container is on it
        return name

    def remove_network(self, network: str) -> None:
        def remove() -> None:
            with suppress(NotFound), self._errors(f"the network {network[:12]}"):
                self._api.delete(f"/networks/{network}")

        retry_while(NetworkBusy, remove, TRIES, lambda: self._disconnect_all(network))

    def connect(self, container: str, attach: Attach) -> None:
        with self._errors(f"the network {attach.network}"):
            body = {"Container": container, "EndpointConfig": endpoint_config(attach)}
            self._api.post(f"/networks/{attach.network_id}/connect", body)

    def disconnect(self, container: str, network: str) -> None:
        with suppress(NotFound), self._endpoints, self._errors(f"the network {network[:12]}"):
            try:
                self._api.post(f"/networks/{network}/disconnect", {"Container": container, "Force": True})
            except Refused as error:
                if "is not connected" not in error.reason:
                    raise

    def _disconnect_all(self, network: str) -> None:
        with suppress(NotFound), self._errors(f"the network {network[:12]}"):
            with self._endpoints:
                endpoints = self._api.get(f"/networks/{network}").get("Containers") or {}
            # By its name: an endpoint that outlived its container is found by no container's id.
            for endpoint in endpoints.values():
                self.disconnect(endpoint["Name"], network)
