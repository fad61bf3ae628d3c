"""The walk of a check: a generator that probes all layers of its connection attempts and reads them in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps, failed_first
from orchestrator.checks.probes import CheckContext
from orchestrator.checks.steps import ProbeSteps, side_by_side
from orchestrator.checks.walk import Cause, Layer, Walk, make_walk
from orchestrator.diagnosis.attempts import LayeredAttempt, attempts_to_used_node, check_attempts
from orchestrator.diagnosis.layer_probe import Answers, LayerProbe, listed
from orchestrator.diagnosis.layers.dns import name_probe, resolved_values
from orchestrator.diagnosis.resolver_attempts import referral_attempts, resolver_attempts
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.model.checks import BaseCheck

Layers = list[Layer]


def walk(check: BaseCheck, context: CheckContext, judgement: Judgement, commands: Commands) -> ProbeSteps[Walk]:
    """The walk of a check that ended with this judgement; of what had to hold before it, if that did not hold."""
    if failed := failed_first(check, judgement):
        first, earlier = failed
        return (yield from walk(first, context, earlier, commands))
    for before in check.first:
        earlier = yield from check_steps(before, context)
        if earlier.verdict != "pass":
            return (yield from walk(before, context, earlier, commands))
    attempts, walked_pairs = check_attempts(check, context, judgement, commands), _WalkedPairs()
    walked = list(zip(attempts, (yield from _walk_attempts(attempts, walked_pairs)), strict=True))
    layers = [layer for layered, own in walked if not layered.explained_by_others for layer in own]
    if judgement.verdict != "pass" and any(layered.explained_by_others for layered in attempts):
        # Nobody knows what the program asked of its servers: what those need may be to blame.
        used = [further for layered in attempts if not _broken(layers) for further in _used(layered, walked_pairs)]
        layers += [layer for own in (yield from _walk_attempts(used, walked_pairs)) for layer in own]
    for own in (own for layered, own in walked if layered.explained_by_others):
        layers += [replace(layer, causes=()) for layer in own] if _broken(layers) else own
    walked_through = make_walk(layers, _otherwise(check, judgement, layers, commands))
    if judgement.verdict == "pass" and walked_through.broken:
        sentence = f"The check holds, but a layer does not: {walked_through.sentence}"
        return replace(walked_through, sentence=sentence)
    return walked_through


def _broken(layers: Sequence[Layer]) -> bool:
    return any(layer.causes for layer in layers)


@dataclass
class _WalkedPairs:
    """The connection attempts that were walked already: servers may use each other."""

    pairs: tuple[tuple[str, str | None], ...] = ()


def _walk_attempts(attempts: Sequence[LayeredAttempt], walked_pairs: _WalkedPairs) -> ProbeSteps[list[Layers]]:
    """The layers of each attempt; all attempts send their probes at the same time."""
    return side_by_side([_walked(layered, walked_pairs) for layered in attempts])


def _walked(layered: LayeredAttempt, walked_pairs: _WalkedPairs) -> ProbeSteps[Layers]:
    """The layers of an attempt; those of the servers further on stand before the answer that they may explain."""
    if layered.attempt.port and layered.attempt.claim and layered.attempt.address is None:
        layered = yield from _with_address(layered)
    walked_pairs.pairs += ((layered.attempt.asker, layered.attempt.target),)
    probes = tuple(
        dict.fromkeys(probe for layer_probe in layered.layer_probes for probe in layer_probe.probes(layered.attempt))
    )
    results = dict(zip(probes, (yield probes), strict=True))
    walked: Layers = []
    for layer, look_further in _read(layered, layered.layer_probes, results):
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


def _with_address(layered: LayeredAttempt) -> ProbeSteps[LayeredAttempt]:
    """The same attempt, to where its name leads, where the file does not say which node is meant."""
    probe = name_probe(layered.attempt)
    (answer,) = yield (probe,)
    values = resolved_values(layered.attempt, {probe: answer})
    return layered.with_address(values[-1]) if values else layered


def _used(layered: LayeredAttempt, walked_pairs: _WalkedPairs) -> list[LayeredAttempt]:
    """The attempts from the target to the nodes that it uses, from those to the nodes that they use, and so on."""
    attempt = layered.attempt
    attempts: list[LayeredAttempt] = []
    users = [attempt.target] if attempt.target and attempt.target != attempt.asker else []
    for user in users:  # grows while it is read
        for used in attempt.context.topology.node(user).uses:
            if (user, used) not in walked_pairs.pairs:
                walked_pairs.pairs += ((user, used),)
                attempts += attempts_to_used_node(user, used, attempt.context, attempt.commands)
            users += [used] if used not in users else []
    return attempts


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
