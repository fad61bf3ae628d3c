"""Copy the TLS session keys that nodes wrote into the recorder, so that tshark can decrypt what it reads."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineRefused, NotFound
from orchestrator.model.scenario import Scenario
from orchestrator.planning import labels
from orchestrator.planning.desired import TLS_KEYS_FILE

KEYS_PATH = "/tmp/tls-keys"
# One argument of a program may have 128 KiB (execve(2), MAX_ARG_STRLEN).
PIECE = 100_000
SECONDS = 10.0


def copy_tls_keys(engine: Engine, recorder: str, lab_name: str, scenario: Scenario) -> str | None:
    """Copy the keys and return their path in the recorder; None if no node of the scenario writes any (`tls_keys`).

    The keys of a node that has stopped are gone: what it said over TLS stays unreadable.
    """
    writers = {name for name, node in scenario.nodes.items() if node.tls_keys}
    if not writers:
        return None
    nodes = [
        container.id
        for container in engine.containers(f"{labels.LAB}={lab_name}")
        if container.labels.get(labels.NODE) in writers and labels.SIDECAR not in container.labels
    ]
    text = "".join(_keys_of(engine, container) for container in nodes)
    engine.run(recorder, ("rm", "-f", KEYS_PATH), seconds=SECONDS)
    for start in range(0, max(len(text), 1), PIECE):
        piece = text[start : start + PIECE]
        engine.run(recorder, ("bash", "-c", f'printf %s "$0" >> {KEYS_PATH}', piece), seconds=SECONDS)
    return KEYS_PATH


def _keys_of(engine: Engine, container: str) -> str:
    with suppress(EngineRefused, NotFound):
        output = engine.run(container, ("cat", TLS_KEYS_FILE), seconds=SECONDS)
        return output.out if output.exit_code == 0 else ""
    return ""
