"""A walk: the layers that a check needs, each with what was seen there, and the first one that is broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.checks.verdict import Verdict
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class Cause:
    """Something broken: one sentence that says what, one command to try next, and the lines that prove it.

    `what` is the bare fact, which several connection attempts may meet.
    """

    sentence: str
    command: str
    evidence: tuple[str, ...] = ()
    what: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer between two nodes: pass (it holds), fail (it is broken) or unknown (it could not be probed).

    `summary` is one line, `not_probed` why a part could not be asked. `causes` is empty where the layer holds, and
    also where it only suffers from an earlier one. `title` is what a person calls the layer.
    """

    name: str
    asker: str
    target: str
    verdict: Verdict
    summary: str
    evidence: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    title: str = ""
    not_probed: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "layer": self.name,
            "title": self.title,
            "from": self.asker,
            "to": self.target,
            "verdict": self.verdict,
            "seen": self.summary,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True)
class Walk:
    """The layers in the order in which they must work.

    What a server needs of the servers that it uses stands before its own answer. `broken` is the first layer that is
    broken by itself; `sentence` says it to a person (or that each layer held), `command` is what to try next
    (empty where nothing is to be tried), `also` has the sentences on what else is broken by itself.
    """

    layers: tuple[Layer, ...]
    broken: Layer | None
    sentence: str
    command: str
    also: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it stands under `why` in `wirelab check --json`."""
        return {
            "layers": [layer.document() for layer in self.layers],
            "broken": self.broken.name if self.broken else None,
            "sentence": self.sentence,
            "try": self.command or None,
            "also": list(self.also),
        }


def make_walk(layers: Sequence[Layer], otherwise: Cause) -> Walk:
    """The walk through these layers; `otherwise` is said where none is broken."""
    broken = next((layer for layer in layers if layer.causes), None)
    causes = [cause for layer in layers for cause in layer.causes] or [otherwise]
    others = {cause.what: cause.sentence for cause in reversed(causes[1:]) if cause.what != causes[0].what}
    return Walk(tuple(layers), broken, causes[0].sentence, causes[0].command, tuple(reversed(others.values())))
