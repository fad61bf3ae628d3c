"""Carries the TLS session keys that nodes wrote to the recorder, so that tshark can decrypt what it reads."""

from __future__ import annotations

from contextlib import suppress

from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineRefused, NotFound
from orchestrator.model.scenario import Scenario
from orchestrator.planning import labels
from orchestrator.planning.desired import TLS_KEYS_FILE

KEPT_AT = "/tmp/tls-keys"
# One argument of a program may have 128 KiB (execve(2), MAX_ARG_STRLEN).
PIECE = 100_000
SECONDS = 10.0


def put_keys(engine: Engine, recorder: str, lab: str, scenario: Scenario) -> str | None:
    """Where the keys lie in the recorder; None where no node of the scenario writes any (`tls_keys`).

    A node that does not run has taken its keys with it: what it said over TLS stays unreadable.
    """
    writers = {name for name, node in scenario.nodes.items() if node.tls_keys}
    if not writers:
        return None
    found = engine.containers(f"{labels.LAB}={lab}")
    nodes = [one.id for one in found if one.labels.get(labels.NODE) in writers and labels.ONLOOKER not in one.labels]
    text = "".join(_keys_of(engine, node) for node in nodes)
    engine.run(recorder, ("rm", "-f", KEPT_AT), seconds=SECONDS)
    for start in range(0, max(len(text), 1), PIECE):
        piece = text[start : start + PIECE]
        engine.run(recorder, ("bash", "-c", f'printf %s "$0" >> {KEPT_AT}', piece), seconds=SECONDS)
    return KEPT_AT


def _keys_of(engine: Engine, node: str) -> str:
    with suppress(EngineRefused, NotFound):
        output = engine.run(node, ("cat", TLS_KEYS_FILE), seconds=SECONDS)
        return output.out if output.exit_code == 0 else ""
    return ""
