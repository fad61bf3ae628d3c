"""The walk itself: a generator that asks all layers of a leg at once and reads them in the order in which they work."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult
from orchestrator.diagnosis.dns_names import asked, resolved
from orchestrator.diagnosis.stage import Answers, Stage, listed
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.targets import Aim, aims_of, used_aims
from orchestrator.diagnosis.upstream import elsewhere, on_the_way
from orchestrator.diagnosis.walk import Break, Layer, LayerName, Walk, walk_of
from orchestrator.model.checks import BaseCheck

Walking = Generator[tuple[Probe, ...], tuple[ProbeResult, ...], Walk]
Layers = list[Layer]
NodeCheck = Generator[tuple[Probe, ...], tuple[ProbeResult, ...], Layers]


def walk(check: BaseCheck, context: CheckContext, judgement: Judgement, commands: Commands) -> Walking:
    """The walk of a check that ended with this judgement; of what had to hold before it, if that did not hold."""
    for before in check.first:
        found = yield from check_steps(before, context)
        if found.verdict != "pass":
            return (yield from walk(before, context, found, commands))
    aims, seen = aims_of(check, context, judgement, commands), _Seen()
    walked = list(zip(aims, (yield from _side_by_side(aims, seen)), strict=True))
    layers = [layer for aim, own in walked if not aim.closing for layer in own]
    if judgement.verdict != "pass" and any(aim.closing for aim in aims):
        # Nobody knows what the program asked of its servers: what those need may be to blame.
        used = [one for aim in aims if not _broken(layers) for one in _used(aim, seen)]
        layers += [layer for own in (yield from _side_by_side(used, seen)) for layer in own]
    for own in (own for aim, own in walked if aim.closing):
        layers += [replace(layer, breaks=()) for layer in own] if _broken(layers) else own
    walked_through = walk_of(layers, _otherwise(check, judgement, layers, commands))
    if judgement.verdict == "pass" and walked_through.broken:
        sentence = f"The check holds, but a layer does not: {walked_through.sentence}"
        return replace(walked_through, sentence=sentence)
    return walked_through


def _broken(layers: Sequence[Layer]) -> bool:
    return any(layer.breaks for layer in layers)


@dataclass
class _Seen:
    """The legs that were walked already: servers may use each other."""

    pairs: tuple[tuple[str, str | None], ...] = ()


def _side_by_side(
    aims: Sequence[Aim], seen: _Seen
) -> Generator[tuple[Probe, ...], tuple[ProbeResult, ...], list[Layers]]:
    """The layers of each leg; what all of them ask at one time is one yield."""
    walks = [_walked(aim, seen) for aim in aims]
    asked = {place: next(one) for place, one in enumerate(walks)}
    found: dict[int, Layers] = {}
    while asked:
        results = iter((yield tuple(probe for probes in asked.values() for probe in probes)))
        given = {place: tuple(next(results) for _ in probes) for place, probes in asked.items()}
        asked = {}
        for place, got in given.items():
            try:
                asked[place] = walks[place].send(got)
            except StopIteration as end:
                found[place] = end.value
    return [found[place] for place in range(len(walks))]


def _walked(aim: Aim, seen: _Seen) -> NodeCheck:
    """The layers of a leg; those of the servers further on stand before the answer that they may explain."""
    if aim.leg.port and aim.leg.claim and aim.leg.address is None:
        aim = yield from _found(aim)
    seen.pairs += ((aim.leg.asker, aim.leg.target),)
    probes = tuple(dict.fromkeys(probe for stage in aim.stages for probe in stage.asks(aim.leg)))
    results = dict(zip(probes, (yield probes), strict=True))
    walked: Layers = []
    for layer, blames in _read(aim, aim.stages, results):
        deeper = (yield from _deeper(aim, layer, seen)) if blames and layer.breaks else []
        # What a server lacks from those that it needs explains what it answers.
        walked += [*deeper, replace(layer, breaks=()) if _broken(deeper) else layer]
    return walked


def _deeper(aim: Aim, layer: Layer, seen: _Seen) -> NodeCheck:
    """The layers of the legs further on, which may explain one that is broken."""
    further = [on_the_way(aim.leg), elsewhere(aim.leg)] if layer.name == "dns" else [_used(aim, seen)]
    found: Layers = []
    for aims in further:
        if not _broken(found):
            found += [one for leg in (yield from _side_by_side(aims, seen)) for one in leg]
    return found


def _found(aim: Aim) -> Generator[tuple[Probe, ...], tuple[ProbeResult, ...], Aim]:
    """The same leg, to where its name leads, where the file does not say which node is meant."""
    probe = asked(aim.leg)
    (answer,) = yield (probe,)
    values = resolved(aim.leg, {probe: answer})
    return aim.knowing(values[-1]) if values else aim


def _used(aim: Aim, seen: _Seen) -> list[Aim]:
    """The legs from the target to those that it uses, from those to the ones that they use, and so on."""
    leg = aim.leg
    legs: list[Aim] = []
    users = [leg.target] if leg.target and leg.target != leg.asker else []
    for user in users:  # grows while it is read
        for used in leg.context.topology.node(user).uses:
            if (user, used) not in seen.pairs:
                seen.pairs += ((user, used),)
                legs += used_aims(user, used, leg.context, leg.commands)
            users += [used] if used not in users else []
    return legs


def _read(aim: Aim, stages: Sequence[Stage], results: Answers) -> list[tuple[Layer, bool]]:
    """One layer after the other; what an earlier one explains is no break of its own. And whether others, further on,
    may be to blame for it."""
    struck: set[LayerName] = set()
    layers: list[Layer] = []
    blames: list[bool] = []
    for stage in stages:
        seen = stage.reads(aim.leg, results)
        explained = stage.name in struck or (stage.echo and _broken(layers))
        breaks = () if explained else seen.breaks
        struck |= seen.strikes
        blames.append(seen.blames)
        ends = (aim.leg.asker, aim.leg.to)
        called, unasked = stage.called, seen.unasked
        layers.append(Layer(stage.name, *ends, seen.verdict, seen.seen, seen.evidence, breaks, called, unasked))
    return list(zip(layers, blames, strict=True))


def _otherwise(check: BaseCheck, judgement: Judgement, layers: Sequence[Layer], commands: Commands) -> Break:
    """What is said where no layer is broken: that each held, or that nobody could look."""
    unknown = [layer for layer in layers if layer.verdict == "unknown"]
    if unknown:
        titles = listed(list(dict.fromkeys(layer.title for layer in unknown)))
        reasons = dict.fromkeys(reason.removeprefix("not asked: ") for layer in unknown for reason in layer.unasked)
        lacking = f"not all could be asked: {titles} ({'; '.join(reasons)})."
        if judgement.verdict == "pass":
            return Break(f"The check holds; of its layers {lacking}", "")
        return Break(f"No broken layer was seen, but {lacking}", commands.ps())
    if judgement.verdict == "pass":
        return Break("Each layer held.", "")
    sentence = f"Each layer held when it was asked once more; the check itself had seen: {judgement.actual}."
    return Break(sentence, commands.check(check.name))
