"""One file a kind of check, or two that are alike: what it asks, and how the answers are judged.

Each kind of `model/checks.py` is a function of its name in one of the files here. It is found by itself.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType
from typing import Any

from orchestrator.checks.after_first import judged_after
from orchestrator.checks.asker import asker_of
from orchestrator.checks.duration import judge_duration
from orchestrator.checks.findings import Judgement
from orchestrator.checks.halted_resolvers import judged_after_lookup
from orchestrator.checks.halted_target import judged_by_target_state
from orchestrator.checks.kinds.connection_host import connection_host, connection_target
from orchestrator.checks.probes import CheckContext, ResultUnavailable
from orchestrator.checks.steps import CheckSteps
from orchestrator.checks.target_time import judged_with_target_time
from orchestrator.model.checks import KINDS, BaseCheck, NodeCheck, kind_of

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
# By kind: the function of that name in one of the files here.
CHECK_FUNCTIONS: dict[str, Any] = {
    name: value
    for module in _MODULES
    for name, value in vars(module).items()
    if name in KINDS and isinstance(value, FunctionType)
}


def check_steps(check: BaseCheck, context: CheckContext) -> CheckSteps:
    """One try of a check: what must hold before it, in order, then the check itself."""
    first = [
        check_steps(before, replace(context, port=context.port + position + 1))
        for position, before in enumerate(check.first)
    ]
    place, judgement = yield from judged_after(check, first, _own_steps(check, context))
    return judgement if place < 0 else replace(judgement, actual=_before(check.first[place]) + judgement.actual)


def _own_steps(check: BaseCheck, context: CheckContext) -> CheckSteps:
    """The check without what must hold before it."""
    judging = judged_with_target_time(check, context, CHECK_FUNCTIONS[str(kind_of(check))](check, context))
    if context.halted:
        host = connection_host(check, context)
        expected = declared_text(check)
        judging = judged_after_lookup(check, host, context, judging, expected)
        target = connection_target(check, host, context)
        judging = judged_by_target_state(check, target, context, judging, expected)
    takes = check.takes if isinstance(check, NodeCheck) else None
    try:
        timed: Judgement = yield from judge_duration(judging, takes, asker_of(check)) if takes else judging
    except ResultUnavailable as error:
        return Judgement("unknown", declared_text(check), f"could not be asked: {error.reason}")
    return timed


def _before(first: BaseCheck) -> str:
    return f"before it, {first.name!r}: "


def failed_first(check: BaseCheck, judgement: Judgement) -> tuple[BaseCheck, Judgement] | None:
    """The check that had to hold before this one, if it did not, with its own judgement."""
    for first in check.first:
        if judgement.verdict != "pass" and judgement.actual.startswith(_before(first)):
            return first, replace(judgement, actual=judgement.actual.removeprefix(_before(first)))
    return None


def declared_text(check: BaseCheck) -> str:
    """What a check claims, in the words of its file: of one that could not be asked no judge has said it."""
    around = {"name", "within", "during", "after", "first", "before", "takes", "from"}
    fields = (f"{key}: {value}" for key, value in check.as_written().items() if key not in around)
    return f"from {asker_of(check)}: " + ", ".join(fields)
