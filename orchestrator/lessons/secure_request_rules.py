"""Whether a task can see a request over TLS: no packet shows it, only the log of a server tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from orchestrator.lessons.task_rules import tasks_of
from orchestrator.model.scenario import Scenario
from orchestrator.reading.document import Violation

ENCRYPTED = "a request over TLS is encrypted, and only the log of a server of wirelab's own image tells of it;"


def secure_request_violations(values: Any, scenario: Scenario) -> Iterator[Violation]:
    """The observations of https:// that could never complete their task."""
    for task_name, task in tasks_of(values):
        for key in ("observe", "after"):
            observation = task.get(key)
            url = observation.get("http") if isinstance(observation, dict) else None
            if isinstance(url, str) and (reason := _unseen_reason(url, scenario)):
                yield Violation(("tasks", task_name, key, "http"), f"{ENCRYPTED} {reason}")


def _unseen_reason(url: str, scenario: Scenario) -> str:
    """Why no log tells of a request for this URL, and what to write instead; empty where one may."""
    try:
        split = urlsplit(url)
        place = f"{split.hostname}:{split.port or 443}"
    except ValueError:
        return ""  # the form of the URL is told elsewhere
    host = (split.hostname or "").rstrip(".")
    if split.scheme != "https" or not host:
        return ""
    instead = f"write tls: {place} to observe the handshake"
    for node_name, node in scenario.nodes.items():
        if host in (node_name.lower(), f"{node_name}.{scenario.domain}".lower()) and node.is_customized:
            return f"{node_name} has an image, a command or a configuration of its own; {instead}"
    is_logged = any(_logs_requests(scenario, node_name) for node_name in scenario.nodes)
    return "" if is_logged else f"no node has such a log; {instead}"


def _logs_requests(scenario: Scenario, node_name: str) -> bool:
    node = scenario.nodes[node_name]
    listens_with_tls = any(listener.tls for listener in scenario.roles[node_name].listeners_of(node))
    return listens_with_tls and not node.is_customized
