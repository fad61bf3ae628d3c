"""What the runner tells while it works: values, for the terminal, for JSON and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.planning.plan import Step


@dataclass(frozen=True)
class StepEvent:
    """A step began, was done, failed, or was skipped; `seconds` since the runner began."""

    step: Step
    state: Literal["begun", "done", "failed", "skipped"]
    seconds: float
    error: Exception | None = None
