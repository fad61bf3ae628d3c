"""Networks of Podman: made and listed by its own API, where they have a bridge and no DNS server of Podman's."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from orchestrator.engine.docker.http_api import LIBPOD
from orchestrator.engine.docker.networks import TRIES, DockerNetworks
from orchestrator.engine.docker.retry import retry_while
from orchestrator.engine.podman.config import network_config, network_seen, podman_endpoint_config
from orchestrator.errors import EngineRefused, NotFound
from orchestrator.planning.snapshot import ObservedNetwork
from orchestrator.planning.specs import Attach, NetworkSpec

ALREADY_ON_IT = "already connected"


class PodmanNetworks(DockerNetworks):
    """The capability `Networks`."""

    bridges_come_late = True

    def networks(self) -> tuple[ObservedNetwork, ...]:
        with self._errors("the networks"):
            return tuple(network_seen(network) for network in self._api.find(f"{LIBPOD}/networks/json") or ())

    def make_network(self, spec: NetworkSpec) -> str:
        with self._errors(f"the network {spec.name}"):
            network: str = self._api.post(f"{LIBPOD}/networks/create", network_config(spec))["id"]
        return network

    def remove_network(self, network: str) -> None:
        """By its name: if it is named by its id, Podman also removes one that containers use, and cannot stop them."""
        with suppress(NotFound):
            super().remove_network(self._name_of(network))

    def _name_of(self, network: str) -> str:
        with self._errors(f"the network {network[:12]}"):
            name: str = self._api.get(f"{LIBPOD}/networks/{network}/json")["name"]
        return name

    def connect(self, container: str, attach: Attach) -> None:
        """Podman keeps a container on its networks while it is stopped, so it may be on this one already."""
        try:
            self._connect(container, attach)
        except EngineRefused as error:
            if ALREADY_ON_IT not in error.why:
                raise
            self.disconnect(container, attach.network_id)
            self._connect(container, attach)

    def _connect(self, container: str, attach: Attach) -> None:
        try:
            with self._errors(f"the network {attach.network}"):
                body = {"Container": container, "EndpointConfig": podman_endpoint_config(attach)}
                self._api.post(f"/networks/{attach.network_id}/connect", body)
        except EngineRefused as error:
            self._name_of(attach.network_id)
            # What failed half leaves a container that Podman cannot even list; this takes back the other half.
            if ALREADY_ON_IT not in error.why:
                with suppress(EngineRefused):
                    self.disconnect(container, attach.network_id)
            raise

    def _disconnect_all(self, network: str) -> None:
        """Podman removes no network on which a container is, even one that is stopped."""
        for container in retry_while(EngineRefused, lambda: self._containers_on(network), TRIES):
            self.disconnect(container["Id"], network)

    def _containers_on(self, network: str) -> list[dict[str, Any]]:
        with self._errors(f"the network {network}"):
            return self._api.find("/containers/json", all=1, filters=json.dumps({"network": [network]})) or []
