"""The engine in memory, whole. Ranges, addresses, names, states and labels are kept as a real engine keeps them."""

from __future__ import annotations

from orchestrator.engine.fake.containers import FakeContainers
from orchestrator.engine.fake.inside import FakeLogs
from orchestrator.engine.fake.terminals import FakeTerminals


class FakeEngine(FakeContainers, FakeTerminals, FakeLogs):
    """An engine without containers: `behave` and `answer` say what would run in them (see FakeState)."""

    member = ""

    def version(self) -> str:
        return "Fake 1"

    def ping(self) -> None:
        """It always answers."""

    def close(self) -> None:
        """Nothing is held."""
