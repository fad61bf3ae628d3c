"""`runs`: a program inside the node itself ends as declared."""

from __future__ import annotations

import re

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import (
    ENDED_CODES,
    NO_PROCESS,
    TOO_LONG,
    CheckContext,
    ProgramResult,
    RunProgram,
    require_known_text,
    require_result,
    require_time,
)
from orchestrator.checks.steps import CheckSteps
from orchestrator.model.checks import Runs

NOT_FOUND, NOT_EXECUTABLE = 127, 126
NOT_FORKED = 125  # timeout(1) itself failed
LONGEST = 160
NOT_STARTED = "(Permission denied|No such file or directory|not found or not executable)"


def runs(check: Runs, context: CheckContext) -> CheckSteps:
    """Run it, then compare exit code and output (standard output or error)."""
    argv = tuple(context.fill(word, check.asker) for word in check.runs)
    expected = f"{' '.join(argv)} ends with {check.exit}" + _texts(check, context)
    result = require_result((yield (RunProgram(check.asker, argv, inside=True, seconds=check.within),))[0])
    if result.exit_code == NOT_FORKED and NO_PROCESS.match(result.err):
        return Judgement("unknown", expected, f"no process could be started in {check.asker}: {result.err.strip()}")
    if result.exit_code in (NOT_FOUND, NOT_EXECUTABLE) and _not_started(argv[0], result.err):
        return Judgement("unknown", expected, f"{argv[0]} cannot be run in {check.asker}: {result.err.strip()[:200]}")
    if result.exit_code in ENDED_CODES and result.seconds >= check.within:
        require_time(result)
        code = result.exit_code
        return Judgement(
            "fail", expected, f"it had not ended after {check.within:g} s, and was ended: exit code {code}"
        )
    lines = [*result.out.splitlines(), *result.err.splitlines()]
    evidence = (f"exit code {result.exit_code}", *(f"output: {line}" for line in lines[:5]))
    wrong = _wrong(check, context, result)
    if result.exit_code == check.exit:
        require_known_text(check, context, (result.out, result.err), TOO_LONG if result.cut else "")
    if wrong:
        require_time(result)
        return Judgement("fail", expected, wrong, evidence)
    return Judgement("pass", expected, f"exit code {result.exit_code}", evidence)


def _not_started(program: str, err: str) -> bool:
    """Whether the words are those of who should have started the program; it may end with such a code by itself."""
    name = re.escape(program)
    who = rf"timeout: failed to run command|OCI runtime|(.*: )?{name}: (command )?not found$|{name}: {NOT_STARTED}$"
    return re.search(rf"^({who})", err.strip(), re.MULTILINE) is not None


def _texts(check: Runs, context: CheckContext) -> str:
    holds = f", prints {context.fill(check.contains, check.asker)!r}" if check.contains is not None else ""
    lacks = f", does not print {context.fill(check.lacks, check.asker)!r}" if check.lacks is not None else ""
    return holds + lacks


def _wrong(check: Runs, context: CheckContext, result: ProgramResult) -> str:
    outputs = (result.out, result.err)  # a text does not begin in one of them and end in the other
    if result.exit_code != check.exit:
        last_line = result.err.strip().splitlines()[-1:]
        return f"exit code {result.exit_code}" + "".join(f": {line[:LONGEST]}" for line in last_line)
    wanted = context.fill(check.contains, check.asker) if check.contains is not None else ""
    if not any(wanted in output for output in outputs):
        return f"the output does not hold {wanted!r}"
    if check.lacks is not None:
        unwanted = context.fill(check.lacks, check.asker)
        return f"the output holds {unwanted!r}" if any(unwanted in output for output in outputs) else ""
    return ""
