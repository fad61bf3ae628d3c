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


def same_cause_text(walk: Walk, check: str) -> str:
    """The cause in one sentence, and the check under which its walk stands."""
    lines = [
        f"{INDENT}why: {walk.sentence}",
        f'{INDENT}  The walk stands under "{check}", which fails for the same cause.',
    ]
    return "\n".join([*lines, *([f"{INDENT}  try: {walk.command}"] if walk.command else [])])


def _layer(layer: Layer, walk: Walk) -> Iterator[str]:
    mark = SUFFERS if layer.verdict == "fail" and not layer.causes else MARKS[layer.verdict]
    yield f"{INDENT}    {mark}  {layer.title:17}  {layer.summary}"
    # What holds needs no proof here; --json has the evidence of all.
    if layer == walk.broken:
        yield from (f"{INDENT}             {'':17}  {line}" for line in layer.causes[0].evidence)
