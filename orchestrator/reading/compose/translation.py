"""A whole Compose file -> the document of a scenario, the files beside it, and the notes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import FileInvalid, Problem
from orchestrator.reading.compose.files import FOLDER, files_of
from orchestrator.reading.compose.interpolation import variables_of
from orchestrator.reading.compose.networks import DEFAULT, ComposeNetworks
from orchestrator.reading.compose.programs import connection_attempt, seed_of
from orchestrator.reading.compose.promises import checks_of
from orchestrator.reading.compose.service import Service, make_node, service_of
from orchestrator.reading.compose.short_forms import names_of
from orchestrator.reading.compose.source import ComposeFolder, ComposeSource, items, mapping
from orchestrator.reading.document import Dialect, Document, read_document

COMPOSE = Dialect("a Compose file", "services", is_common=True)
TOP = frozenset({"version", "name", "services", "networks", "configs"})
# Names that stand for something else in a scenario.
RESERVED = frozenset({"random", "localhost", "loopback"})
MOST_SERVICES = 100


@dataclass(frozen=True)
class Translation:
    """`files` has the texts beside the scenario; `comments` the notes by node, those of the whole file under ""."""

    document: Mapping[str, Any]
    files: Mapping[str, str]
    notes: tuple[Problem, ...]
    comments: Mapping[str, tuple[str, ...]]


def translate(text: str, *, file: str, name: str, folder: ComposeFolder) -> Translation:
    """A Compose file as a scenario of that name. Raises FileInvalid where it is no Compose file."""
    document = read_document(text, dialect=COMPOSE)
    _require_services(document, file)
    source = ComposeSource(document, file, folder, variables_of(folder.text(".env") or ""))
    for key in source.values:
        if key not in TOP and not key.startswith("x-"):
            message = "no equal: only a database keeps data" if key == "volumes" else f"no equal: {key}"
            source.note((key,), message)
    return _Translator(source, name).translation()


def _require_services(document: Document, file: str) -> None:
    """Raise FileInvalid with what is wrong with the file as YAML, or because it declares no services."""
    problems = [
        Problem(file, position.line, position.column, ".".join(map(str, violation.path)), violation.message)
        for violation in document.violations
        if (position := document.position_of(violation))
    ]
    services = document.value.get("services") if isinstance(document.value, dict) else None
    if not problems and not (isinstance(services, dict) and services):
        problems.append(Problem(file, 1, 1, "", "a Compose file has a mapping `services`, with one service at least"))
    if not problems and isinstance(services, dict) and len(services) > MOST_SERVICES:
        problems.append(Problem(file, 1, 1, "", f"the file has more than {MOST_SERVICES} services"))
    if problems:
        raise FileInvalid(tuple(problems))


class _Translator:
    """One translation; one use."""

    def __init__(self, source: ComposeSource, name: str) -> None:
        self._source = source
        self._name = name
        self._domain = f"{name[:59].rstrip('-')}.lab"
        self._files: dict[str, str] = {}
        declared = mapping(source.values["services"])
        self._labels = self._labels_of(list(declared), "services")
        self._services = [service_of(source, name, node) for name, node in self._labels.items()]
        self._network_names = self._used_networks(declared)
        self._networks = ComposeNetworks(source, self._labels_of(self._network_names, "networks"))

    def _labels_of(self, names: Sequence[str], where: str) -> dict[str, str]:
        """A name of the scenario for each of these: 1 to 40 of a-z, 0-9 and '-'."""
        labels: dict[str, str] = {}
        for name in names:
            label = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or where[0]
            while label in labels.values() or label in RESERVED:
                label = f"{label[:38]}-2"
            labels[name] = label
            if label != name:
                self._source.note((where, name), f"called {label!r} here", label if where == "services" else "")
        return labels

    def _used_networks(self, declared: Mapping[str, Any]) -> list[str]:
        named = [name for options in declared.values() for name in names_of(mapping(options).get("networks"))]
        has_default = any(not names_of(mapping(options).get("networks")) for options in declared.values())
        return list(dict.fromkeys([*([DEFAULT] if has_default else []), *named]))

    def _free(self, name: str) -> str:
        return name if name not in self._labels.values() else f"lab-{name}"

    def translation(self) -> Translation:
        self._networks.declare(self._network_names)
        kinds = {service.node: service.replacement.kind for service in self._services}
        for service in self._services:
            self._mount(service)
            make_node(self._source, service, self._labels, kinds)
            self._files |= service.written
            attachments = self._networks.attachments(service.name, service.options, service.node)
            service.networks = tuple(attachments)
            self._attach(service, attachments)
        self._break_circles()
        for service in self._services:
            self._wait_for_healthy(service)
        dns, client = self._free("dns"), self._free("client")
        is_published = any(port.published for service in self._services for port in service.ports)
        document: dict[str, Any] = {"name": self._name, "title": self._title(), "domain": self._domain}
        if self._networks.documents:
            document["networks"] = self._networks.documents
        if records := self._records():
            document["records"] = records
        document["nodes"] = {
            dns: {"role": "dns"},
            **{service.node: service.document for service in self._services},
            **({client: self._client()} if is_published else {}),
        }
        checks = checks_of(self._source, self._services, client if is_published else "", dns, self._domain)
        if checks:
            document["checks"] = checks
        notes = tuple(sorted(self._source.notes))
        owners = dict.fromkeys(self._source.notes.values())
        return Translation(document, self._files, notes, {node: self._source.notes_of(node) for node in owners})

    def _title(self) -> str:
        return f"{', '.join(service.node for service in self._services)}, from a Compose file"[:200]

    def _mount(self, service: Service) -> None:
        files = files_of(self._source, service.name, service.options, service.node)
        service.copied, service.written = files.mounted, files.written
        if service.replacement.kind == "postgresql" and (seed := seed_of(service.copied, self._source.folder)):
            place = f"{FOLDER}/{service.node}-seed.sql"
            service.document |= {"role": "database", "seed": place}
            service.written[place] = seed
        for target, file in list(service.copied.items()):
            if file not in service.written:
                place = f"{FOLDER}/{re.sub('^[./]+', '', file)}"
                service.copied[target] = place
                self._files[place] = self._source.folder.text(file) or ""

    def _attach(self, service: Service, attachments: dict[str, dict[str, Any]]) -> None:
        document = service.document
        if self._networks.documents:
            has_address = any(attachments.values()) and service.replicas == 1
            document["networks"] = attachments if has_address else list(attachments)

    def _wait_for_healthy(self, service: Service) -> None:
        """`condition: service_healthy` holds a start back in Compose; wirelab starts all nodes at once."""
        by_node = {other.node: other for other in self._services}
        conditions = names_of(service.options.get("depends_on")).items()
        healthy = [self._labels.get(name, "") for name, end in conditions if end.get("condition") == "service_healthy"]
        needed = [by_node[node] for node in healthy if node in service.uses]
        databases = [node for node in service.uses if by_node[node].replacement.kind == "postgresql"]
        attempts = [
            connection_attempt(other.node, other.replacement.kind, other.tcp_ports, password_file)
            for other in needed
            if other.tcp_ports
            for password_file in ("password" if databases[:1] == [other.node] else f"password-{other.node}",)
        ]
        if service.replacement.kind == "tools" and "command" in service.document and attempts:
            waits = "".join(f"until {attempt} >/dev/null 2>&1; do sleep 0.2; done; " for attempt in attempts)
            service.document["command"] = ["sh", "-c", f'{waits}exec "$@"', "sh", *service.document["command"]]
            message = "wirelab starts all nodes at once, so the command waits for the other service"
            self._source.note(("services", service.name, "depends_on"), message, service.node)

    def _client(self) -> dict[str, Any]:
        """Who asks from outside stands on the first network of each service that publishes a port."""
        client: dict[str, Any] = {"role": "client"}
        if self._networks.documents:
            published = [service for service in self._services if any(port.published for port in service.ports)]
            client["networks"] = list(dict.fromkeys(service.networks[0] for service in published))
        return client

    def _break_circles(self) -> None:
        """Drop what would make a node wait for itself: Compose refuses it, and a scenario too."""
        by_node = {service.node: service for service in self._services}
        done: set[str] = set()

        def visit(service: Service, above: tuple[str, ...]) -> None:
            if service.node in done:
                return
            for used in list(service.uses):
                if used in (*above, service.node):
                    service.uses.remove(used)
                    service.document["uses"] = list(dict.fromkeys(service.uses))
                    self._source.note(("services", service.name), f"{used} waits for it in turn", service.node)
                else:
                    visit(by_node[used], (*above, service.node))
            done.add(service.node)

        for service in self._services:
            visit(service, ())

    def _records(self) -> dict[str, Any]:
        """Other names of the services: aliases on a network, links, and container_name."""
        records: dict[str, Any] = {}
        taken = {*self._labels.values(), self._free("dns"), self._free("client")}
        for service in self._services:
            options, path = service.options, ("services", service.name)
            for network, end in names_of(options.get("networks")).items():
                for alias in items(end.get("aliases")):
                    self._add(records, taken, str(alias), service, (*path, "networks", network, "aliases"))
            if options.get("container_name"):
                self._add(records, taken, str(options["container_name"]), service, (*path, "container_name"))
            for link in items(options.get("links")):
                target, _, alias = str(link).partition(":")
                other = next((named for named in self._services if named.name == target), None)
                if other and alias:
                    self._add(records, taken, alias, other, (*path, "links"))
        return records

    def _add(self, records: dict[str, Any], taken: set[str], alias: str, service: Service, path: Any) -> None:
        name = alias.lower().removesuffix(f".{self._domain}").replace("_", "-")
        if alias == service.name or name == service.node:
            return
        if not re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) or name in taken:
            self._source.note(path, f"no equal: the name {alias[:80]} cannot stand in {self._domain}", service.node)
            return
        taken.add(name)
        records[name] = {"CNAME": service.node}
