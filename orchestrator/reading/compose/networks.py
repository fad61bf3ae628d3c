"""The networks of a Compose file, and where each service stands on them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from orchestrator.model.values import PRIVATE
from orchestrator.reading.compose.short_forms import names_of
from orchestrator.reading.compose.source import ComposeSource, items, mapping

DEFAULT = "default"
NETWORK_KEYS = frozenset({"ipam", "internal", "enable_ipv6", "name", "driver", "labels", "external"})


class ComposeNetworks:
    """The networks by their names in the scenario. A file that names none has one, as a scenario has."""

    def __init__(self, source: ComposeSource, labels: dict[str, str]) -> None:
        self._source = source
        self._labels = labels
        self._declared = mapping(source.values.get("networks"))
        self._taken: set[IPv4Address] = set()
        self.subnets: dict[str, IPv4Network] = {}
        self.documents: dict[str, dict[str, Any]] = {}

    def declare(self, used: list[str]) -> None:
        """Make the networks on which services stand."""
        if used == [DEFAULT] and not mapping(self._declared.get(DEFAULT)):
            return
        for name in used:
            self.documents[self._labels[name]] = self._document(name, mapping(self._declared.get(name)))

    def _document(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        path = ("networks", name)
        for key in options:
            if key not in NETWORK_KEYS and not key.startswith("x-"):
                self._source.note((*path, key), f"no equal: {key} of a network")
        if options.get("external"):
            self._source.note((*path, "external"), "no equal: a network of others; the lab has one of its own instead")
        if options.get("driver") not in (None, "bridge"):
            self._source.note((*path, "driver"), "no equal: the lab's network is a bridge of one machine")
        if not options.get("internal"):
            self._source.note(path, "closed here: Compose lets services out, wirelab only with `internal: false`")
        document: dict[str, Any] = {}
        if subnet := self._subnet(name, options):
            document["subnet"] = str(subnet)
        if options.get("enable_ipv6") is True:
            document["ipv6"] = True
        return document

    def _subnet(self, name: str, options: dict[str, Any]) -> IPv4Network | None:
        for number, config in enumerate(items(mapping(options.get("ipam")).get("config"))):
            text = mapping(config).get("subnet")
            if not isinstance(text, str) or ":" in text:
                continue
            path = ("networks", name, "ipam", "config", number, "subnet")
            try:
                subnet = IPv4Network(text)
            except ValueError:
                self._source.note(path, f"{text} is no subnet; wirelab takes a free one")
                continue
            is_private = any(subnet.subnet_of(private) for private in PRIVATE) and 16 <= subnet.prefixlen <= 29
            if is_private and not any(subnet.overlaps(other) for other in self.subnets.values()):
                self.subnets[name] = subnet
                return subnet
            self._source.note(path, f"{text} is no private range of its own; wirelab takes a free one")
        return None

    def attachments(self, service: str, options: dict[str, Any], node: str) -> dict[str, dict[str, Any]]:
        """The networks of a service, by their names in the scenario, with the addresses that it has there."""
        named = names_of(options.get("networks")) or {DEFAULT: {}}
        attachments = {}
        for name, end in named.items():
            path = ("services", service, "networks", name)
            for key in end:
                if key not in ("ipv4_address", "aliases") and not key.startswith("x-"):
                    self._source.note((*path, key), f"no equal: {key} on a network", node)
            address = self._address(name, end.get("ipv4_address"), (*path, "ipv4_address"), node)
            attachments[self._labels[name]] = {"address": str(address)} if address else {}
        return attachments

    def _address(self, network: str, text: Any, path: Any, node: str) -> IPv4Address | None:
        if text is None:
            return None
        subnet = self.subnets.get(network)
        try:
            address = IPv4Address(text)
        except ValueError:
            address = None
        reserved = (subnet[0], subnet[1], subnet[-1]) if subnet else ()
        if address is None or subnet is None or address not in subnet or address in (*reserved, *self._taken):
            self._source.note(path, "this address is not free here; wirelab chooses one", node)
            return None
        self._taken.add(address)
        return address
