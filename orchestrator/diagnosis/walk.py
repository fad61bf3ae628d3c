"""The walk of a check: a generator that probes all layers of its connection attempts and reads them in their order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from orchestrator.checks.answering_machine import LED_ELSEWHERE
from orchestrator.checks.dns_answer import read_answer
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps, failed_first
from orchestrator.checks.probes import (
    CheckContext,
    GetNodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    Unavailable,
)
from orchestrator.checks.steps import ProbeSteps, side_by_side
from orchestrator.checks.target_time import NO_ANSWER
from orchestrator.checks.walk import Cause, Layer, Walk, make_walk
from orchestrator.diagnosis.check_attempts import (
    LayeredAttempt,
    attempts_of_traffic,
    attempts_to_used_node,
    check_attempts,
    over_ipv6,
    over_ipv6_alone,
)
from orchestrator.diagnosis.check_layers.from_judgement import led_elsewhere_layer
from orchestrator.diagnosis.earlier_answers import met_address, with_earlier_answer
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, LayerProbe, listed, state_of
from orchestrator.diagnosis.layers.dns import name_probe, nameservers, resolved_values
from orchestrator.diagnosis.layers.node import NODE
from orchestrator.diagnosis.layers.resolver import RESOLVER
from orchestrator.diagnosis.program_traffic import program_traffic
from orchestrator.diagnosis.resolver_attempts import referral_attempts, resolver_attempts
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.model.checks import BaseCheck, ConnectionCheck, Http, Resolves, Runs

Layers = list[Layer]


NOTHING: Answers = MappingProxyType({})
# A node in one of these states answers nobody; of one that is paused, the kernel still accepts connections.
GONE = frozenset({"stopped", "missing", "dead"})
HALTED = GONE | {"paused"}
# The layers that need the target itself.
AT_TARGET = ("tcp", "tls", "answer")


def walk(
    check: BaseCheck, context: CheckContext, judgement: Judgement, commands: Commands, seen: Answers = NOTHING
) -> ProbeSteps[Walk]:
    """The walk of a check that ended with this judgement; of what had to hold before it, if that did not hold.

    `seen` has the probes of the check itself with their results.
    """
    if failed := failed_first(check, judgement):
        first, earlier = failed
        return (yield from walk(first, context, earlier, commands, seen))
    for before in check.first:
        earlier = yield from check_steps(before, context)
        if earlier.verdict != "pass":
            return (yield from walk(before, context, earlier, commands))
    attempts = _of_check(check, judgement, check_attempts(check, context, judgement, commands), seen)
    tries_both = not isinstance(check, ConnectionCheck) or check.family is None
    if tries_both and not isinstance(check, Resolves):
        attempts = tuple((yield from side_by_side([_by_family(layered) for layered in attempts])))
    attempts = tuple(replace(layered, attempt=with_earlier_answer(layered.attempt, seen)) for layered in attempts)
    walked_pairs = _WalkedPairs(seen)
    walked = list(zip(attempts, (yield from _walk_attempts(attempts, walked_pairs)), strict=True))
    layers = [layer for layered, own in walked if not layered.explained_by_others for layer in own]
    if judgement.verdict != "pass" and any(layered.explained_by_others for layered in attempts):
        # Nobody knows what the program asked of its servers: what those need may be to blame.
        used = [further for layered in attempts if not _broken(layers) for further in _used(layered, walked_pairs)]
        layers += [layer for own in (yield from _walk_attempts(used, walked_pairs)) for layer in own]
    if isinstance(check, Runs) and judgement.verdict != "pass" and not _broken(layers):
        traffic = yield from program_traffic(check, context, seen, named=len(attempts) > 1)
        made = attempts_of_traffic(check, traffic, walked_pairs.pairs, context, commands)
        layers += [layer for own in (yield from _walk_attempts(made, walked_pairs)) for layer in own]
    if judgement.verdict == "fail" and tries_both and not _broken(layers):
        # A client that has IPv6 tries that address first; it may be what the check met.
        six = [other for layered in attempts if (other := over_ipv6(layered))]
        for layered, own in zip(six, (yield from _walk_attempts(six, walked_pairs)), strict=True):
            layers += [_over_ipv6(layered, layer) for layer in _without_fallback(own)]
    for own in (own for layered, own in walked if layered.explained_by_others):
        layers += [replace(layer, causes=()) for layer in own] if _broken(layers) else own
    if judgement.verdict == "unknown" and NO_ANSWER in judgement.actual:
        layers = [_without_blame(layer, judgement) for layer in layers]
    walked_through = make_walk(layers, _otherwise(check, judgement, layers, commands))
    if judgement.verdict == "pass" and walked_through.broken:
        sentence = f"The check holds, but a layer does not: {walked_through.sentence}"
        return replace(walked_through, sentence=sentence)
    return walked_through


def _by_family(layered: LayeredAttempt) -> ProbeSteps[LayeredAttempt]:
    """The attempt; over IPv6 where its name has such an address alone, which is then the only one that a client has."""
    six = over_ipv6(layered)
    claim = layered.attempt.claim
    if six is None or claim is None or claim.type != "A":
        return layered
    four, only_six = yield (name_probe(layered.attempt), name_probe(six.attempt))
    answers = [read_answer(result.out) if isinstance(result, ProgramResult) else None for result in (four, only_six)]
    lacks = answers[0] and answers[0].rcode == "NOERROR" and not answers[0].values and not answers[0].truncated
    return over_ipv6_alone(layered) if lacks and answers[1] and answers[1].values else layered


def _without_fallback(layers: Layers) -> Layers:
    """The layers of an attempt over IPv6. A client that is refused at once tries the IPv4 address: that is no cause."""
    refused = any(layer.name == "tcp" and "refused" in layer.summary for layer in layers)
    return [replace(layer, causes=()) for layer in layers] if refused else layers


def _over_ipv6(layered: LayeredAttempt, layer: Layer) -> Layer:
    """The layer of an attempt at the name's IPv6 address; its sentences begin by saying so."""
    attempt = layered.attempt
    name = attempt.claim.name if attempt.claim else attempt.target_name
    first = f"{attempt.asker} tries the IPv6 address of {name} first, and there it fails: "
    causes = tuple(replace(cause, sentence=f"{first}{cause.sentence}") for cause in layer.causes)
    return replace(layer, causes=causes)


def _without_blame(layer: Layer, judgement: Judgement) -> Layer:
    """The layer; unknown, as the check is, if it waited for a node that had no processor time to answer."""
    if layer.name not in ("dns", "tls", "answer") or not layer.causes:
        return layer
    return replace(layer, verdict="unknown", causes=(), not_probed=(judgement.actual,))


def _broken(layers: Sequence[Layer]) -> bool:
    return any(layer.causes for layer in layers)


@dataclass
class _WalkedPairs:
    """The connection attempts that were walked already: servers may use each other. `seen` is of the check itself."""

    seen: Answers
    pairs: tuple[tuple[str, str | None], ...] = ()


def _walk_attempts(attempts: Sequence[LayeredAttempt], walked_pairs: _WalkedPairs) -> ProbeSteps[list[Layers]]:
    """The layers of each attempt; all attempts send their probes at the same time."""
    return side_by_side([_walked(layered, walked_pairs) for layered in attempts])


def _walked(layered: LayeredAttempt, walked_pairs: _WalkedPairs) -> ProbeSteps[Layers]:
    """The layers of an attempt. Nothing is tried of which the states of the nodes say that it is in vain."""
    results = yield from _ask_new(NODE.probes(layered.attempt), {})
    results |= yield from _lookup_in_vain(layered.attempt, results)
    attempt = layered.attempt
    if attempt.port and attempt.claim and attempt.address is None and name_probe(attempt) not in results:
        layered = yield from _with_address(layered, walked_pairs.seen)
        if attempt.claim.may_lack and layered.attempt.address is None:
            return []
        results = yield from _ask_new(NODE.probes(layered.attempt), results)
    walked_pairs.pairs += ((layered.attempt.asker, layered.attempt.target),)
    results |= _connection_in_vain(layered, results)
    if seen := (yield from _seen_by_check(layered, walked_pairs.seen)):
        layers = yield from _layers(layered, walked_pairs, {**results, **seen})
        if _broken(layers) and not layers[-1].causes:
            return layers
    return (yield from _layers(layered, walked_pairs, results))


def _ask_new(probes: Sequence[Probe], results: Answers) -> ProbeSteps[dict[Probe, ProbeResult]]:
    """The results, and those of the probes that are not among them."""
    new = tuple(probe for probe in dict.fromkeys(probes) if probe not in results)
    return {**results, **dict(zip(new, (yield new), strict=True))} if new else dict(results)


def _lookup_in_vain(attempt: ConnectionAttempt, results: Answers) -> ProbeSteps[dict[Probe, ProbeResult]]:
    """The lookup of the name has no answer where none of the asker's DNS servers runs, and it asks no other."""
    if attempt.claim is None or attempt.claim.silent or not attempt.dns_nodes:
        return {}
    halted = [text for node in attempt.dns_nodes if (text := _halted(node, results, HALTED))]
    if len(halted) < len(attempt.dns_nodes):
        return {}
    read: dict[Probe, ProbeResult] = {}
    if not attempt.claim.question.server:
        read = yield from _ask_new(RESOLVER.probes(attempt), {})
        file = read[RESOLVER.probes(attempt)[0]]
        there = nameservers(file.out) if isinstance(file, ProgramResult) else ()
        if not there or not set(there) <= set(attempt.servers):
            return read
    return {**read, name_probe(attempt): Unavailable(listed(halted))}


def _halted(node: str, results: Answers, states: Collection[str]) -> str:
    """That a node is in one of these states; empty where it is not."""
    state = state_of(node, results)
    return f"the node {node} is {state.state}" if state and state.state in states else ""


def _connection_in_vain(layered: LayeredAttempt, results: Answers) -> dict[Probe, ProbeResult]:
    """Nobody connects to a node that is gone, or without an address for its name."""
    attempt = layered.attempt
    gone = _halted(attempt.target, results, GONE) if attempt.target else ""
    lookup = results.get(name_probe(attempt)) if attempt.claim else None
    if not gone and isinstance(lookup, Unavailable):
        gone = lookup.reason
    if not gone:
        return {}
    layers = [layer for layer in layered.layer_probes if layer.name in AT_TARGET]
    reason = Unavailable(gone)
    return {probe: reason for layer in layers for probe in layer.probes(attempt) if probe not in results}


def _seen_by_check(layered: LayeredAttempt, seen: Answers) -> ProbeSteps[Answers]:
    """What need not be tried again: the check itself met an error, and a node that the target needs does not run."""
    attempt = layered.attempt
    known = {probe: result for layer in layered.layer_probes for probe, result in layer.seen(attempt, seen).items()}
    needed = [node for node in _needed_nodes(attempt) if node != attempt.target] if known else []
    states = yield from _ask_new(tuple(map(GetNodeState, needed)), {})
    return known if any(_halted(node, states, HALTED) for node in needed) else {}


def _layers(layered: LayeredAttempt, walked_pairs: _WalkedPairs, known: Answers) -> ProbeSteps[Layers]:
    """The layers of an attempt; those of the servers further on stand before the answer that they may explain."""
    probes = [probe for layer_probe in layered.layer_probes for probe in layer_probe.probes(layered.attempt)]
    results = yield from _ask_new(probes, known)
    read = _read(layered, layered.layer_probes, results)
    blamed = {layer.name for layer, _ in read if layer.causes}
    asking = [layer for layer in layered.layer_probes if layer.name in blamed]
    if further := [probe for layer in asking for probe in layer.asks_further(layered.attempt, results)]:
        results = yield from _ask_new(further, results)
        read = _read(layered, layered.layer_probes, results)
    walked: Layers = []
    for layer, look_further in read:
        deeper = (yield from _deeper(layered, layer, walked_pairs)) if look_further and layer.causes else []
        # What a server lacks from those that it needs explains what it answers.
        walked += [*deeper, replace(layer, causes=()) if _broken(deeper) else layer]
    return walked


def _deeper(layered: LayeredAttempt, layer: Layer, walked_pairs: _WalkedPairs) -> ProbeSteps[Layers]:
    """The layers of the connection attempts further on, which may explain one that is broken."""
    further = (
        [resolver_attempts(layered.attempt), referral_attempts(layered.attempt)]
        if layer.name == "dns"
        else [_used(layered, walked_pairs)]
    )
    deeper: Layers = []
    for attempts in further:
        if not _broken(deeper):
            deeper += [layer for attempt in (yield from _walk_attempts(attempts, walked_pairs)) for layer in attempt]
    return deeper


def _with_address(layered: LayeredAttempt, seen: Answers) -> ProbeSteps[LayeredAttempt]:
    """The same attempt, to where its name leads, where the file does not say which node is meant."""
    probe = name_probe(layered.attempt)
    (answer,) = yield (probe,)
    values = resolved_values(layered.attempt, {probe: answer})
    met = _met(layered.attempt, seen)
    return layered.with_address(met if met in values else values[-1]) if values else layered


def _met(attempt: ConnectionAttempt, seen: Answers) -> str:
    return met_address(attempt.asker, attempt.written or (attempt.claim.name if attempt.claim else ""), seen)


def _of_check(
    check: BaseCheck, judgement: Judgement, attempts: Sequence[LayeredAttempt], seen: Answers
) -> tuple[LayeredAttempt, ...]:
    """The attempts; of those to the machines of a group only that to the one which the check itself has met."""
    if LED_ELSEWHERE in judgement.actual:
        return tuple(replace(layered, check_layers=(led_elsewhere_layer(judgement),)) for layered in attempts)
    if len(attempts) > 1 and isinstance(check, Http) and check.requests == 1:
        met = tuple(layered for layered in attempts if layered.attempt.address == _met(layered.attempt, seen))
        return met or tuple(attempts)
    return tuple(attempts)


def _used(layered: LayeredAttempt, walked_pairs: _WalkedPairs) -> list[LayeredAttempt]:
    """The attempts from the target to the nodes that it uses, from those to the nodes that they use, and so on."""
    attempt = layered.attempt
    attempts: list[LayeredAttempt] = []
    for user in _needed_nodes(attempt):
        for used in attempt.context.topology.node(user).uses:
            if (user, used) not in walked_pairs.pairs:
                walked_pairs.pairs += ((user, used),)
                attempts += attempts_to_used_node(user, used, attempt.context, attempt.commands)
    return attempts


def _needed_nodes(attempt: ConnectionAttempt) -> list[str]:
    """The target, the nodes that it uses, those that they use, and so on; none where a node asks itself."""
    users = [attempt.target] if attempt.target and attempt.target != attempt.asker else []
    for user in users:  # grows while it is read
        users += [used for used in attempt.context.topology.node(user).uses if used not in users]
    return users


def _read(layered: LayeredAttempt, layer_probes: Sequence[LayerProbe], results: Answers) -> list[tuple[Layer, bool]]:
    """One layer after the other; what an earlier one explains is no break of its own. And whether others, further on,
    may be to blame for it."""
    affected: set[str] = set()
    layers: list[Layer] = []
    look_further: list[bool] = []
    for layer_probe in layer_probes:
        reading = layer_probe.reads(layered.attempt, results)
        suffers = not affected.isdisjoint((layer_probe.name, *layer_probe.depends_on))
        explained = suffers or (layer_probe.repeats_check and _broken(layers))
        causes = () if explained else reading.causes
        affected |= reading.affects | ({layer_probe.name} if suffers or reading.causes else set())
        look_further.append(reading.look_further)
        ends = (layered.attempt.asker, layered.attempt.target_name)
        layers.append(
            Layer(
                layer_probe.name,
                *ends,
                reading.verdict,
                reading.summary,
                reading.evidence,
                causes,
                layer_probe.title,
                reading.not_probed,
            )
        )
    return list(zip(layers, look_further, strict=True))


def _otherwise(check: BaseCheck, judgement: Judgement, layers: Sequence[Layer], commands: Commands) -> Cause:
    """What is said where no layer is broken: that each held, or that nobody could look."""
    unknown = [layer for layer in layers if layer.verdict == "unknown"]
    if unknown:
        titles = listed(list(dict.fromkeys(layer.title for layer in unknown)))
        reasons = dict.fromkeys(reason.removeprefix("not asked: ") for layer in unknown for reason in layer.not_probed)
        lacking = f"not all could be asked: {titles} ({'; '.join(reasons)})."
        if judgement.verdict == "pass":
            return Cause(f"The check holds; of its layers {lacking}", "")
        return Cause(f"No broken layer was seen, but {lacking}", commands.ps())
    if judgement.verdict == "pass":
        return Cause("Each layer held.", "")
    sentence = f"Each layer held when it was asked once more; the check itself had seen: {judgement.actual}."
    return Cause(sentence, commands.check(check.name))
