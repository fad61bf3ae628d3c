"""Which nodes answered HTTP requests: who took the connection or, behind a proxy, whom the proxy asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckContext, ReadLog, ResultUnavailable, require_log
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.model.checks import Http
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import PeerLog


def judge_servers(
    check: Http, context: CheckContext, judgement: Judgement, answered: Sequence[Mapping[str, Any]]
) -> CheckSteps:
    """The judgement, which also holds only if just the declared nodes answered; `answered` is what curl tells."""
    topology = context.topology
    wanted = {machine for name in check.servers for machine in topology.scenario.machines(name)}
    expected = f"{judgement.expected}, by {', '.join(check.servers)}"
    seen = Counter((yield from _servers(check, context, answered)))
    actual = f"{judgement.actual}; answered by " + ", ".join(
        f"{name} ({number})" if len(answered) > 1 else name for name, number in sorted(seen.items())
    )
    missing, others = sorted(wanted - seen.keys()), sorted(seen.keys() - wanted)
    if missing:
        actual += f", not by {', '.join(missing)}"
    verdict = "fail" if missing or others else judgement.verdict
    return replace(judgement, verdict=verdict, expected=expected, actual=actual)


def _servers(check: Http, context: CheckContext, answered: Sequence[Mapping[str, Any]]) -> ProbeSteps[list[str]]:
    """The node that answered each request."""
    topology = context.topology
    if any(facts.get("proxy_used") for facts in answered):
        raise ResultUnavailable("the client asked through a proxy of its own, so who answered is not known")
    owners = [topology.owner(facts["remote_ip"]) or _own(check, facts) for facts in answered]
    logs: dict[str, str] = {}
    for name in dict.fromkeys(owners):
        if _passes_on(context, name):
            (result,) = yield (ReadLog(name, context.began),)
            logs[name] = require_log(result)
    return [
        _asked_by_proxy(context, name, logs[name], facts) if name in logs else name
        for name, facts in zip(owners, answered, strict=True)
    ]


def _own(check: Http, facts: Mapping[str, Any]) -> str:
    address = str(facts["remote_ip"])
    return check.asker if address.startswith("127.") or address == "::1" else address


def _passes_on(context: CheckContext, name: str) -> bool:
    """Whether the node is a proxy whose log says to whom it passed a request; a program of the author's may not."""
    node = context.topology.scenario.nodes.get(name)
    return bool(node and not node.is_customized and _passed_to(node.role))


def _passed_to(role_name: str) -> str:
    source = ROLES[role_name].peer_source
    return source.passed_to if isinstance(source, PeerLog) else ""


def _asked_by_proxy(context: CheckContext, proxy: str, log: str, facts: Mapping[str, Any]) -> str:
    """The server behind, by the proxy's line about this very connection; the proxy, where it answered by itself."""
    place = f" {facts['local_ip']}:{facts['local_port']} "
    line = next((line for line in reversed(log.splitlines()) if place in line), None)
    if line is None:
        raise ResultUnavailable(f"the access log of {proxy} has no line about the request from{place.rstrip()}")
    match = re.search(_passed_to(context.topology.node(proxy).role), line)
    if not match:
        return proxy
    return context.topology.owner(match[1]) or match[1]
