"""The three verdicts: pass needs positive evidence, and unknown is never pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Verdict = Literal["pass", "fail", "unknown"]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on all of them: one fail is a fail, one unknown keeps all from passing."""
    all_verdicts = set(verdicts)
    if "fail" in all_verdicts:
        return "fail"
    return "unknown" if "unknown" in all_verdicts else "pass"
