"""The certificates and key pairs of a lab: those that are kept where they will do, new ones where not."""

from __future__ import annotations

from orchestrator.lab.credentials_file import from_text
from orchestrator.lab.secret_source import SecretSource
from orchestrator.model.credentials import Credentials, KeyPair
from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology
from orchestrator.planning.certificates import reason_to_issue, requests


def credentials_of(topology: Topology, kept: str, now: float, source: SecretSource) -> tuple[Credentials, str]:
    """The certificates and keys that the lab needs, and why some of them are new; empty where all of them are kept.

    `kept` is the text of an earlier `as_text`, `now` the time in seconds since 1970.
    """
    before = from_text(kept)
    wanted = requests(topology)
    keys, why_keys = _keys(topology, before, source)
    why = reason_to_issue(before, wanted, now)
    if not why:
        return Credentials(before.authority if wanted else "", before.certificates, keys), why_keys
    return Credentials(*source.issue(topology.lab, wanted, now), keys), why


def _keys(topology: Topology, before: Credentials, source: SecretSource) -> tuple[dict[str, dict[str, KeyPair]], str]:
    """A pair for each name that a node's role asks for, and why some of them are new."""
    pairs: dict[str, dict[str, KeyPair]] = {}
    why = ""
    for node, declared in topology.scenario.nodes.items():
        for name in ROLES[declared.role].keys:
            kept = before.keys.get(node, {}).get(name)
            pairs.setdefault(node, {})[name] = kept or source.new_pair(f"{name}-of-{node}")
            why = why if kept else "missing"
    return pairs, why
