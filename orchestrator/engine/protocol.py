"""The one door to containers, as narrow as the product allows: a protocol for each capability of an engine.

`docker/` and `fake/` keep the same promises, which `tests/contract` holds for both. A function asks for the narrowest
protocol that will do. Every method raises only what `errors.py` names.
"""

from __future__ import annotations

from typing import Protocol

from orchestrator.engine.containers import Containers
from orchestrator.engine.logs import Logs
from orchestrator.engine.networks import Networks
from orchestrator.engine.programs import Programs
from orchestrator.engine.terminals import Terminals
from orchestrator.engine.volumes import Volumes


class Resources(Containers, Networks, Volumes, Protocol):
    """All that has labels: what can be listed and removed."""


class Engine(Resources, Programs, Terminals, Logs, Protocol):
    """A container engine, whole."""

    @property
    def member(self) -> str:
        """The member whose engine it is; empty for the engine in use."""
        ...

    def version(self) -> str:
        """What the engine calls itself, with its version."""
        ...

    def ping(self) -> None:
        """Return as soon as the engine answers."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...
