"""What a valid file says that its author may not have meant: notes, which refuse nothing."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.values import is_address, is_name
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.rules.checks import host_of
from orchestrator.reading.spelling import Hints
from orchestrator.reading.zones import covers, full_names


def hosts_are_known(raw: RawScenario) -> Iterator[Violation]:
    """A check that wants an answer from a name outside of the lab's domain gets none: no zone of the lab has it."""
    names = full_names(raw)
    hints = Hints(names)
    hosts = [(raw_value.path, host_of(raw_value.value)) for raw_value in raw.hosts]
    for path, check in raw.checks:
        name = check.get("resolves")
        if isinstance(name, str) and check.get("rcode") in (None, "NOERROR"):
            hosts.append(((*path, "resolves"), name.lower().rstrip(".")))
    for path, host in hosts:
        if not _is_outside(host, raw.domain) or covers(names, host):
            continue
        message = f"{short(host)!r} is outside of the lab's domain {raw.domain}, and no zone of the lab has it"
        yield Violation(path, f"{message}{hints.of(host)} the names are {listed(names)}")


def _is_outside(host: str, domain: str | None) -> bool:
    if not domain or "." not in host or "${" in host or not is_name(host) or is_address(host):
        return False
    return not f".{host}".endswith(f".{domain}")


def programs_are_given(raw: RawScenario) -> Iterator[Violation]:
    """A node whose program its author brings has one."""
    for name, node in raw.nodes.items():
        role = raw.role(name)
        if role and role.custom_program and node.get("command") is None and node.get("image") is None:
            message = "this node runs no program of yours and only waits; give it command: [PROGRAM, …] or image: NAME"
            yield Violation(("nodes", name), message, at_key=True)


def proxies_pass_requests_on(raw: RawScenario) -> Iterator[Violation]:
    """A proxy uses a server, unless the author says himself where it listens, as of a web server."""
    for name, node in raw.nodes.items():
        role = raw.role(name)
        if role and role.forwards_requests and not node.get("uses") and not node.get("listens"):
            message = "this proxy passes nothing on, and answers every request itself; write uses: [NODE]"
            yield Violation(("nodes", name), message, at_key=True)


NOTES = (hosts_are_known, programs_are_given, proxies_pass_requests_on)
