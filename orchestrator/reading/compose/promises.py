"""What a Compose file promises, as checks: who knows whom, which ports accept, what is healthy, what is apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.reading.compose.service import Service
from orchestrator.reading.compose.short_forms import words_of
from orchestrator.reading.compose.source import ComposeSource, mapping

# What curl and wget ask of the machine itself.
ASKS = re.compile(r"\b(?:curl|wget)\b")
OWN_URL = re.compile(r"\b(?:(https?)://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(:[0-9]{1,5})?(/[^\s'\"|;&)]*)?")
# So many pairs of nodes that share no network are checked.
MOST_APART = 8
SECONDS = 10


def checks_of(
    source: ComposeSource, services: Sequence[Service], client: str, dns: str, domain: str
) -> list[dict[str, Any]]:
    """The checks of the scenario, in the order of the file. `client` is empty where nothing is published."""
    by_node = {service.node: service for service in services}
    checks: list[dict[str, Any]] = []
    for service in services:
        for used in dict.fromkeys(service.uses):
            checks += _uses(service, by_node[used], dns, domain)
        if client:
            checks += _published(service, client, domain)
        checks += _healthy(source, service)
    checks += _apart(services)
    named: dict[str, dict[str, Any]] = {}
    for check in checks:
        named.setdefault(check["name"], check)
    return list(named.values())


def _uses(service: Service, used: Service, dns: str, domain: str) -> Iterator[dict[str, Any]]:
    yield {
        "name": f"{service.node} learns the address of {used.node} from the lab's DNS server",
        "from": service.machine,
        "resolves": f"{used.node}.{domain}",
        "to": used.node,
        "answered_by": dns,
    }
    if set(service.networks) & set(used.networks):
        for port in used.tcp_ports[:2]:
            name = f"{service.node} reaches {used.node} on port {port}"
            yield {"name": name, "from": service.machine, "connects": f"{used.node}.{domain}:{port}"}


def _published(service: Service, client: str, domain: str) -> Iterator[dict[str, Any]]:
    published = {port.number for port in service.ports if port.published}
    for port in service.tcp_ports:
        if port in published:
            name = f"The published port {port} of {service.node} accepts the client"
            yield {"name": name, "from": client, "connects": f"{service.node}.{domain}:{port}"}


def _healthy(source: ComposeSource, service: Service) -> Iterator[dict[str, Any]]:
    """The health check of a service, asked as often as the check needs."""
    health = mapping(service.options.get("healthcheck"))
    path = ("services", service.name, "healthcheck")
    test = health.get("test")
    if test is None or health.get("disable") is True or test in ("NONE", ["NONE"]):
        return
    if not service.runs:
        source.note(path, "not asked: nothing runs there that could be healthy", service.node)
        return
    words = words_of(test)
    line = str(test) if isinstance(test, str) else " ".join(words[1:])
    start = {"name": f"{service.node} is healthy", "from": service.machine}
    url = OWN_URL.search(line) if ASKS.search(line) else None
    if service.replacement.kind == "postgresql":
        yield {**start, "sql": "select 1", "rows": [["1"]]}
    elif url:
        place = (url[3] or "/").replace("$", "$$")
        yield {**start, "http": f"{url[1] or 'http'}://127.0.0.1{url[2] or ''}{place}", "status": 200}
    elif service.replacement.kind == "tools":
        program = ["sh", "-c", line] if isinstance(test, str) or words[:1] == ("CMD-SHELL",) else list(words[1:])
        yield {**start, "runs": [word.replace("$", "$$") for word in program], "within": SECONDS}
    else:
        source.note(path, f"no equal: {line[:80]!r} needs a program of the image", service.node)


def _apart(services: Sequence[Service]) -> Iterator[dict[str, Any]]:
    """Services that share no network do not reach each other."""
    pairs = [
        (service, other)
        for service in services
        for other in services
        if other.tcp_ports and not set(service.networks) & set(other.networks)
    ]
    for service, other in pairs[:MOST_APART]:
        yield {
            "name": f"{service.node} and {other.node} share no network",
            "from": service.machine,
            "cannot_connect": f"${{{other.machine}}}:{other.tcp_ports[0]}",
        }
