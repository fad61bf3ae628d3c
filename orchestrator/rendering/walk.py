"""A walk through the layers as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from orchestrator.checks.walk import Layer, Walk

MARKS = {"pass": "held   ", "fail": "BROKEN ", "unknown": "unknown"}
SUFFERS = "suffers"
INDENT = " " * 10


def walk_text(walk: Walk, *, sentence: bool = True) -> str:
    """The layers up to the last, grouped by who asks whom; then the sentence, what else is broken, and what to try.

    Without `sentence` it is left out: it stands before the walk already.
    """
    lines = [INDENT + "why:"]
    for (asker, target), layers in groupby(walk.layers, key=lambda layer: (layer.asker, layer.target)):
        lines.append(f"{INDENT}  {asker}" if asker == target else f"{INDENT}  from {asker} to {target}")
        for layer in layers:
            lines += _layer(layer, walk)
    lines += [f"{INDENT}  {walk.sentence}"] if sentence else []
    lines += [f"{INDENT}  Also: {sentence}" for sentence in walk.also]
    lines += [f"{INDENT}  try: {walk.command}"] if walk.command else []
    return "\n".join(lines)


def course(walk: Walk) -> tuple[object, ...]:
    """What makes a walk the same for a reader: its legs, layers and verdicts, and what they come to."""
    layers = tuple((layer.title, layer.asker, layer.target, layer.verdict, bool(layer.causes)) for layer in walk.layers)
    return (*layers, walk.sentence, walk.also)


def same_walk_text(walk: Walk, check: str) -> str:
    """What it comes to, where the same walk stands under a check before."""
    lines = [f"{INDENT}why: {walk.sentence}", f'{INDENT}  The walk is the same as under "{check}".']
    return "\n".join([*lines, *([f"{INDENT}  try: {walk.command}"] if walk.command else [])])


def _layer(layer: Layer, walk: Walk) -> Iterator[str]:
    mark = SUFFERS if layer.verdict == "fail" and not layer.causes else MARKS[layer.verdict]
    yield f"{INDENT}    {mark}  {layer.title:17}  {layer.seen}"
    # What holds needs no proof here; --json has the evidence of all.
    if layer == walk.broken:
        yield from (f"{INDENT}             {'':17}  {line}" for line in layer.causes[0].evidence)
