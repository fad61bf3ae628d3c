"""Node runs: the asker, the target, the DNS servers and the routers on the way."""

from __future__ import annotations

from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.probes import GetExhausted, GetNodeState, NodeState
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    exhausted_of,
    listed,
    state_of,
)
from orchestrator.diagnosis.layers.dns import dns_works
from orchestrator.diagnosis.layers.listen import listens
from orchestrator.diagnosis.layers.tcp import connected, got_through
from orchestrator.planning.snapshot import STOPPED_CODES


def _state(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    readings = LayerReadings()
    for node in attempt.on_the_way():
        state = state_of(node, results)
        if state is None:
            readings.not_probed.append(f"{node} could not be looked at")
        elif state.state == "running":
            readings.held.append(node)
            _read_exhausted(attempt, node, results, readings)
        elif node in (attempt.asker, attempt.target) or not dns_works(attempt, results):
            sentence, command = _not_running(attempt, node, state)
            readings.broken(f"{node} is {state.state}", sentence, command, *_needs(attempt, node))
        else:
            readings.evidence.append(f"{node} is {state.state}; another DNS server answered")
    for node in attempt.routers:
        state = state_of(node, results)
        if state and state.state != "running" and not (dns_works(attempt, results) and got_through(attempt, results)):
            sentence = f"The router {node} is {state.state}, so {attempt.asker} reaches nobody on another network."
            readings.broken(f"{node} is {state.state}", sentence, attempt.commands.repair(), "route", "dns", "tcp")
    if readings.held and not readings.wrong:
        readings.held = [f"{listed(readings.held)} {'runs' if len(readings.held) == 1 else 'run'}"]
        readings.held += readings.notes
    return readings.result()


def _read_exhausted(attempt: ConnectionAttempt, node: str, results: Answers, readings: LayerReadings) -> None:
    """What a node has no more of: the cause where it can explain the attempt, otherwise told beside what held."""
    for exhausted in exhausted_of(node, results):
        fact, sentence = f"{node}: {exhausted.fact()}", exhausted.sentence(node)
        if _explains(attempt, node, exhausted, results):
            command = attempt.commands.relieve(node, exhausted)
            affects = _needs(attempt, node) if exhausted.resource == "processes" else ()
            readings.broken(fact, f"{sentence}.", command, *affects)
        else:
            readings.notes.append(fact)
            readings.evidence.append(sentence)


def _explains(attempt: ConnectionAttempt, node: str, exhausted: Exhausted, results: Answers) -> bool:
    """Whether what a node lacks can be why the attempt fails: a server that was reached, or that does not listen.

    In a node without a process nothing can be asked. What ended for want of memory may have ended long ago.
    """
    if exhausted.resource == "processes":
        return node in (attempt.asker, attempt.target) or not dns_works(attempt, results)
    if node == attempt.target and attempt.port:
        silent = not listens(attempt, results)
        return silent if exhausted.resource == "memory" else silent or connected(attempt, results)
    if node == attempt.asker:
        return attempt.port is None and attempt.claim is None and exhausted.resource != "memory"
    return not dns_works(attempt, results)


def _not_running(attempt: ConnectionAttempt, node: str, node_state: NodeState) -> tuple[str, str]:
    """The sentence on a node that does not run, and the command."""
    name = f"The DNS server {node}" if node in attempt.dns_nodes else f"The node {node}"
    if node_state.state == "missing":
        return f"{name} is not there: it has no container.", attempt.commands.up()
    if node_state.state == "stopped" and node_state.out_of_memory:
        limit = attempt.context.topology.memory_limit(node)
        why = f"its program wanted more than its {limit} MiB of memory (limits: memory)"
        return f"{name} has ended because {why}.", attempt.commands.logs(node)
    if node_state.state == "stopped" and node_state.exit_code not in STOPPED_CODES:
        return f"{name} has ended by itself, with exit code {node_state.exit_code}.", attempt.commands.logs(node)
    return f"{name} is {node_state.state}{_consequence(attempt, node, node_state.state)}.", attempt.commands.repair()


def _consequence(attempt: ConnectionAttempt, node: str, state: str) -> str:
    if node == attempt.asker:
        return ", so no program in it can ask anything"
    if attempt.claim and (node != attempt.target or not attempt.port):
        return f", so {attempt.asker} does not get the answer for {attempt.claim.name}"
    if state == "paused":
        return ": its kernel still accepts connections, but its program does not run, so nobody answers"
    return ", so nobody can reach it"


def _needs(attempt: ConnectionAttempt, node: str) -> tuple[str, ...]:
    """The layers that cannot work without a node."""
    if node == attempt.asker:
        return ("resolver", "dns", "tcp")
    affects: tuple[str, ...] = ("tcp",) if node == attempt.target else ()
    return ("dns", *affects) if node in attempt.dns_nodes else affects


def _looked_at(attempt: ConnectionAttempt) -> tuple[str, ...]:
    return (*attempt.on_the_way(), *attempt.routers)


NODE = LayerProbe(
    "node",
    "node runs",
    lambda attempt: (
        *(GetNodeState(node) for node in _looked_at(attempt)),
        *(GetExhausted(node) for node in attempt.on_the_way()),
    ),
    _state,
    needed=lambda _attempt: True,
)
