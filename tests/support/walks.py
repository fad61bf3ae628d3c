"""Walks from recorded answers (tests/recordings/walks), as the tests and the golden texts see them.

`python tests/support/walks.py` writes the golden texts again. Read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.kinds.connections import CONNECT
from orchestrator.checks.probes import (
    GetExhausted,
    GetNodeState,
    LogText,
    LookAtNetwork,
    NodeExhausted,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    ReadLog,
    RunProgram,
    Unavailable,
)
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.diagnosis_runner import DiagnosisRunner
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.reading import Reading
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.findings import finding_text

# Programs of ours stand in the recordings by their names.
PROGRAMS = {ASK: "dns_query.ASK", CONNECT: "connections.CONNECT"}
RECORDINGS = Path(__file__).parents[1] / "recordings/walks"
GOLDEN = Path(__file__).parents[1] / "unit/diagnosis/golden"
NAMES = tuple(sorted(path.stem for path in RECORDINGS.glob("*.json")))


def reading() -> Reading:
    """The scenario of the recordings."""
    text = (RECORDINGS / "scenario.yaml").read_text()
    return read_scenario(text, file="scenario.yaml", read_companion={"seed.sql": "select 1;"}.get)


def places() -> Topology:
    """Its addresses: they follow from the names of the lab and its network."""
    read = reading()
    return assign_addresses("layers", read.scenario, Snapshot("/s", "r", {}, secrets={"db": Secret("x")}), read.texts)


def probe_key(probe: Probe) -> list[str]:
    """What makes a question the same one."""
    match probe:
        case RunProgram():
            argv = [PROGRAMS.get(word, word) for word in probe.argv]
            if PROGRAMS[ASK] in argv:
                argv[argv.index(PROGRAMS[ASK]) + 1] = "0"  # the source port, another one in each walk
            return ["run", probe.node, *argv]
        case GetNodeState():
            return ["state", probe.node]
        case GetExhausted():
            return ["exhausted", probe.node]
        case ReadLog():
            return ["log", probe.node]
        case _:
            return ["wire"]


def answer_document(answer: ProbeResult) -> dict[str, Any]:
    """An answer as JSON."""
    match answer:
        case ProgramResult():
            return {"code": answer.exit_code, "out": answer.out, "err": answer.err}
        case NodeState():
            return {"state": answer.state, "code": answer.exit_code}
        case NodeExhausted():
            return {"exhausted": [resource.document() for resource in answer.resources]}
        case Unavailable():
            return {"unasked": answer.reason}
        case _:
            raise ValueError(f"a walk does not ask for {answer}")


def answer_of(found: dict[str, Any]) -> ProbeResult:
    if "unasked" in found:
        return Unavailable(found["unasked"])
    if "exhausted" in found:
        return NodeExhausted(tuple(Exhausted(**{**one, "where": one["where"] or ""}) for one in found["exhausted"]))
    if "state" in found:
        return NodeState(found["state"], found["code"])
    return ProgramResult(found["code"], found["out"], found["err"])


def as_recorded(_probe: Probe, result: ProbeResult) -> ProbeResult:
    return result


def finding(name: str, change: Callable[[Probe, ProbeResult], ProbeResult] = as_recorded) -> Finding:
    """The finding of a recording, with its walk; every question must have been recorded.

    `change` gives other answers than the recorded ones; the walk may then ask further.
    """
    recorded = json.loads((RECORDINGS / f"{name}.json").read_text())
    answers = {tuple(one["asked"]): answer_of(one["told"]) for one in recorded["answers"]}

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        return [change(probe, recorded_answer(probe)) for probe in probes]

    def recorded_answer(probe: Probe) -> ProbeResult:
        # The recordings are older than these questions; nothing was used up, and nobody had looked at rules.
        match probe:
            case GetExhausted():
                return NodeExhausted()
            case LookAtNetwork():
                return LogText("")
        key = tuple(probe_key(probe))
        if key not in answers and change is not as_recorded:
            return Unavailable("nobody has recorded it")
        return answers[key]

    (check,) = [one for one in reading().scenario.checks if one.name == recorded["check"]]
    judgement = Judgement(**{**recorded["judgement"], "evidence": tuple(recorded["judgement"]["evidence"])})
    bare = Finding(check.name, recorded["kind"], recorded["from"], judgement, 0.2)
    walker = DiagnosisRunner(Commands(places()), run_probes, lambda: 1000.0)
    return walker.explain([check], [bare], include_passed=True)[0]


def golden_text(name: str) -> str:
    return finding_text(finding(name)) + "\n"


def main() -> None:
    for name in NAMES:
        (GOLDEN / f"{name}.txt").write_text(golden_text(name))


if __name__ == "__main__":
    main()
