"""What a check found: a verdict with its evidence. Pass needs positive evidence; unknown is never pass."""

from __future__ import annotations

from typing import Any

from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Walk
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class Judgement:
    """A verdict, what was expected, what was seen, and the lines that prove it."""

    verdict: Verdict
    expected: str
    actual: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A judgement on one check. `asker` is the node that asked; `seconds` how long it took to be sure.

    `why` is the walk through the layers that follows a check which does not hold.
    """

    check: str
    kind: str
    asker: str
    judgement: Judgement
    seconds: float
    why: Walk | None = None

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    def document(self) -> dict[str, Any]:
        """As in `wirelab check --json`; `why` is there where a walk was made."""
        why = {"why": self.why.document()} if self.why else {}
        return {
            "check": self.check,
            "kind": self.kind,
            "from": self.asker,
            "verdict": self.verdict,
            "expected": self.judgement.expected,
            "actual": self.judgement.actual,
            "evidence": list(self.judgement.evidence),
            "seconds": round(self.seconds, 3),
            **why,
        }
