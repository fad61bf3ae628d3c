"""An engine in memory that keeps the promises of `engine/`; `tests/contract` holds both engines to them."""

from orchestrator.engine.fake.engine import FakeEngine
from orchestrator.engine.fake.programs import Behaviour, ProgramCall, as_declared

__all__ = ["Behaviour", "FakeEngine", "ProgramCall", "as_declared"]
