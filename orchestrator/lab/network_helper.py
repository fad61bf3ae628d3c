"""Run a helper in the network of a node: a short-lived container that changes it, or looks at it."""

from __future__ import annotations

import secrets as chance
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineMissing, WirelabError, WorldError, doctor_command
from orchestrator.lab.ready_line import says_ready
from orchestrator.planning.snapshot import ObservedContainer
from orchestrator.planning.specs import ContainerSpec

# A helper needs a tenth of that.
HELPER_SECONDS = 20.0
LOOKS = 8


def run_helper(
    engine: Engine, helper: ContainerSpec, container: str, failed: str, stop: Callable[[], bool] = lambda: False
) -> str | None:
    """What a helper wrote until it said that it was ready; None where somebody asked to stop before.

    Raises WorldError that says what `failed`, and what the helper said, if it could not.
    """
    # A name of its own: a command that was killed may have left a helper that still has the plain one.
    name = f"{helper.name}-{chance.token_hex(3)}"
    made = engine.make_container(replace(helper, name=name, share_network_of=container))
    try:
        engine.start(made)
        if engine.await_line(made, says_ready, since=0.0, seconds=HELPER_SECONDS, stop=stop):
            return engine.log(made)
        if stop():
            return None
        why = " ".join(engine.log(made).split())[-500:] or f"no answer within {HELPER_SECONDS:g} s"
    finally:
        engine.remove_container(made)
    raise WorldError(failed, why=why, hint=doctor_command(engine.member))


def look_into_networks(
    engine: Engine, helpers: Mapping[str, tuple[ContainerSpec, ObservedContainer]]
) -> dict[str, str]:
    """Node -> what the helper `look` printed of its network; without those at which it could not look."""

    def look(helper: ContainerSpec, container: ObservedContainer) -> str:
        try:
            return run_helper(engine, helper, container.id, "nobody could look") or ""
        except EngineMissing:
            raise
        except WirelabError:
            return ""  # the node has just ended, for example

    if not helpers:
        return {}
    with ThreadPoolExecutor(min(LOOKS, len(helpers))) as pool:
        texts = pool.map(lambda pair: look(*pair), helpers.values())
        return {node: text for node, text in zip(helpers, texts, strict=True) if text}
