"""Steps that keep new passwords, certificates and key pairs, before any node has them in its files."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.model.credentials import Credentials
from orchestrator.model.topology import Topology
from orchestrator.planning.plan import KeepCredentials, KeepPassword, Step
from orchestrator.planning.snapshot import Snapshot

CREDENTIALS_STEP = "credentials"


def secret_steps(topology: Topology, observed: Snapshot) -> Iterator[Step]:
    """A step for each new password, and one for all certificates and key pairs where some of them are new."""
    for node in observed.new_passwords:
        keep = KeepPassword(node, topology.scenario.secret_files[node], topology.secrets[node])
        yield Step(_password_step(node), keep, "missing")
    if observed.new_credentials:
        action = KeepCredentials(topology.credentials)
        yield Step(CREDENTIALS_STEP, action, observed.new_credentials, shows=_shown(topology.credentials))


def secrets_of(topology: Topology, node: str) -> tuple[str, ...]:
    """The steps that keep what the files of a node may hold; those of them that a plan has come before its files."""
    scenario = topology.scenario
    owners = [scenario.password_owner(holder) for holder in topology.password_files(node).values()]
    owners += [node] if scenario.primary_of(node) else []
    return (*map(_password_step, dict.fromkeys((*owners, *scenario.replicas_of(node)))), CREDENTIALS_STEP)


def _password_step(node: str) -> str:
    return f"password:{node}"


def _shown(credentials: Credentials) -> str:
    parts = {"certificates": credentials.certificates, "keys": credentials.keys}
    return "; ".join(f"{kind} of {', '.join(by_node)}" for kind, by_node in parts.items() if by_node)
