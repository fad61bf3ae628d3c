"""One service of a Compose file as a node: role, command, variables, limits, where it listens, whom it uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.model.roles import ROLES
from orchestrator.reading.compose.environment import environment_of_service
from orchestrator.reading.compose.images import Replacement, replacement_for
from orchestrator.reading.compose.programs import command_of, proxy_files, settings_of
from orchestrator.reading.compose.short_forms import Port, mebibytes, names_of, number_of, ports_of, words_of
from orchestrator.reading.compose.source import ComposeSource, items, mapping

# The role of a node that runs this kind of program.
WRITTEN_AS = {"postgresql": "database", "nginx": "proxy", "tools": "service", "image": "service", "none": "service"}
READ = frozenset({
    "image", "build", "command", "entrypoint", "environment", "env_file", "depends_on", "networks", "volumes",
    "configs", "secrets", "ports", "expose", "links", "healthcheck", "deploy", "scale", "mem_limit", "cpus",
    "pids_limit", "working_dir", "extra_hosts", "hostname", "container_name", "dns_search",
})  # fmt: skip
# What changes nothing that a lab shows.
UNSEEN = frozenset({
    "annotations", "attach", "init", "labels", "logging", "pull_policy", "read_only", "stdin_open", "tty",
})  # fmt: skip
REASONS = {
    "restart": "wirelab starts no node again by itself; `wirelab up` does",
    "user": "each node runs as the user of its role, or of its image",
    "privileged": "no node has privileges",
    "cap_add": "no node has privileges",
    "network_mode": "each node has a network namespace of its own",
    "dns": "the lab's own DNS server answers",
    "profiles": "every service is a node of the lab",
    "extends": "write the keys of the other service here",
}


@dataclass
class Service:
    """A service and the node that it becomes. `runs`: a program runs there, so that its ports can be asked."""

    name: str
    node: str
    options: dict[str, Any]
    replacement: Replacement
    ports: list[Port]
    uses: list[str] = field(default_factory=list)
    networks: tuple[str, ...] = ()
    replicas: int = 1
    document: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        return self.replacement.kind in ("postgresql", "nginx", "image") or "command" in self.document

    @property
    def machine(self) -> str:
        """One machine of it, from which a check asks."""
        return f"{self.node}-1" if self.replicas > 1 else self.node

    @property
    def tcp_ports(self) -> list[int]:
        """Where it serves, as far as the file says or its role does."""
        if not self.runs:
            return []
        if self.replacement.kind == "postgresql":
            return [5432]
        listens = [listener["port"] for listener in self.document.get("listens", ()) if "protocol" not in listener]
        return listens or ([80] if self.replacement.kind == "nginx" else [])


def service_of(source: ComposeSource, name: str, node: str) -> Service:
    """A service before its node is made: what it runs, and where it listens."""
    options = mapping(mapping(source.values["services"]).get(name))
    for key in options:
        if key not in READ and key not in UNSEEN and not key.startswith("x-"):
            source.note(("services", name, key), f"no equal: {REASONS.get(key, key)}", node)
    image = options.get("image") if isinstance(options.get("image"), str) else ""
    command = words_of(options.get("entrypoint")) + words_of(options.get("command"))
    replacement = replacement_for(str(image), () if "build" in options else command)
    ports = ports_of(options.get("ports")) + ports_of(options.get("expose"))
    for number, port in enumerate(ports_of(options.get("ports"))):
        if port.published and number < len(items(options.get("ports"))):
            message = f"port {port.published} of your machine: a lab publishes no port; ask from the client"
            source.note(("services", name, "ports", number), message, node)
    return Service(name, node, options, replacement, ports, replicas=_replicas(source, name, options, node))


def _replicas(source: ComposeSource, name: str, options: dict[str, Any], node: str) -> int:
    deploy = mapping(options.get("deploy"))
    for key in deploy:
        if key not in ("replicas", "resources") and not key.startswith("x-"):
            source.note(("services", name, "deploy", key), f"no equal: {key}", node)
    wanted = number_of(deploy.get("replicas", options.get("scale", 1))) or 1
    return max(1, min(64, int(wanted)))


def make_node(source: ComposeSource, service: Service, labels: Mapping[str, str], kinds: Mapping[str, str]) -> None:
    """Fill in the node's document, in the order in which a person would write it. `kinds`: node -> what it runs."""
    document, options, kind = service.document, service.options, service.replacement.kind
    document["role"] = WRITTEN_AS[kind]
    _note_image(source, service)
    service.uses = [labels[used] for used in _used(options) if used in labels and labels[used] != service.node]
    if kind == "image":
        document["image"] = options["image"]
    databases = [used for used in service.uses if kinds[used] == "postgresql"]
    environment = environment_of_service(source, service.name, options, service.node, kind)
    if command := command_of(source, service.name, options, service.replacement, service.node, databases, environment):
        document["command"] = list(command)
    if environment:
        document["environment"] = environment
    if kind == "postgresql":
        document |= settings_of(source, service.name, options, service.node)
    if service.uses:
        document["uses"] = list(dict.fromkeys(service.uses))
    if service.replicas > 1:
        document["replicas"] = service.replicas
    if kind == "nginx":
        proxy_files(service.copied, service.written, service.node, source.folder)
    _listen(source, service)
    _more(source, service)


def _used(options: dict[str, Any]) -> list[str]:
    links = [str(link).partition(":")[0] for link in items(options.get("links"))]
    return [*names_of(options.get("depends_on")), *links]


def _note_image(source: ComposeSource, service: Service) -> None:
    path, image = ("services", service.name), service.options.get("image")
    if "build" in service.options:
        message = "no equal: wirelab builds no image of yours. Build it, and write its name as `image:`"
        idle = "" if image else "; until then an idle machine stands here"
        source.note((*path, "build"), f"{message}{idle}", service.node)
    elif service.replacement.kind == "image":
        message = f"wirelab has no {image} of its own; `wirelab up` takes it from the engine, or from its registry"
        source.note((*path, "image"), message, service.node)
    elif service.replacement.kind == "tools" and image:
        source.note((*path, "image"), f"wirelab's own client image stands in for {image}", service.node)
    elif image:
        source.note((*path, "image"), f"wirelab's own role stands in for {image}", service.node)
    else:
        source.note(path, "neither an image nor a build; an idle machine stands here", service.node)


def _listen(source: ComposeSource, service: Service) -> None:
    """Where a program of the author's is expected, or nginx by its configuration."""
    wanted = [(port.number, port.protocol) for port in service.ports]
    if service.replacement.kind == "nginx":
        config = "".join(service.written.values()) + "".join(
            source.folder.text(file) or "" for file in service.copied.values() if file.endswith((".conf", ".template"))
        )
        listens = listens_of(config)
        wanted = [(port, "tcp") for port in listens] or [(80, "tcp")]
        if wanted == [(80, "tcp")]:
            return
    if service.replacement.kind != "postgresql" and service.runs:
        listeners = [{"port": port} | ({"protocol": "udp"} if kind == "udp" else {}) for port, kind in wanted]
        unique = [listener for number, listener in enumerate(listeners) if listener not in listeners[:number]]
        if unique:
            service.document["listens"] = unique[:16]


def listens_of(config: str) -> list[int]:
    """The ports of the `listen` directives of a configuration of nginx."""
    ports = re.findall(r"^\s*(?:server\s*\{\s*)?listen\s+(?:\S+:)?([0-9]{1,5})\b", config, re.MULTILINE)
    return list(dict.fromkeys(int(port) for port in ports if 0 < int(port) < 65536))


def _more(source: ComposeSource, service: Service) -> None:
    """Limits, hosts, the search list and files."""
    options, document = service.options, service.document
    limits = mapping(mapping(mapping(options.get("deploy")).get("resources")).get("limits"))
    memory = mebibytes(limits.get("memory", options.get("mem_limit")))
    cpus = number_of(limits.get("cpus", options.get("cpus")))
    pids = number_of(limits.get("pids", options.get("pids_limit")))
    if memory or cpus or (pids and pids > 0):
        own = ROLES[document["role"]].limits
        document["limits"] = {
            "memory": max(16, min(65536, memory or own.memory)),
            "cpus": max(0.01, min(64.0, cpus or own.cpus)),
            "pids": max(8, min(32768, int(pids) if pids and pids > 0 else own.pids)),
        }
    if search := [str(domain) for domain in items(options.get("dns_search"))]:
        document["search"] = search
    if hosts := _hosts(source, service):
        document["hosts"] = hosts
    if options.get("hostname") not in (None, service.name, service.node):
        source.note(("services", service.name, "hostname"), f"the node is called {service.node}", service.node)
    if service.copied:
        document["files"] = dict(service.copied)


def _hosts(source: ComposeSource, service: Service) -> dict[str, str]:
    declared = service.options.get("extra_hosts")
    listed = (str(item).replace("=", ":", 1).partition(":") for item in items(declared))
    pairs = declared.items() if isinstance(declared, dict) else [(host, address) for host, _, address in listed]
    hosts = {}
    for host, address in pairs:
        if str(address) == "host-gateway":
            source.note(("services", service.name, "extra_hosts"), "no equal: host-gateway, your machine", service.node)
        else:
            hosts[str(host)] = str(address)
    return hosts
