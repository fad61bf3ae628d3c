"""Run checks in a lab as it stands, and walk through the layers of those that do not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from orchestrator.checks.asker import asker_of
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import CheckContext, HeldConnection, ProbeResult
from orchestrator.checks.steps import ProbeSteps
from orchestrator.checks.walk import Walk
from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineMissing
from orchestrator.events import Event
from orchestrator.lab.check_runner import LEAST_TRIES, NONE_HELD, CheckRunner, Seen
from orchestrator.lab.probe_log import OnProbe, ProbeLog
from orchestrator.lab.probe_runner import ProbeRunner, ProbeTarget
from orchestrator.model.checks import BaseCheck, kind_of
from orchestrator.model.topology import Topology
from orchestrator.planning.desired import network_helper, role_of, sidecar
from orchestrator.planning.snapshot import ObservedContainer, Snapshot
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.diagnosis.suggested_commands import Commands

WalkedChecks = Literal["none", "failed", "all"]


@dataclass(frozen=True)
class JudgedLab:
    """A lab as it stands. `wire` tells what its capture has seen since a moment; `scenario_argument` is how the person
    named the scenario; `on_probe` is told of each program that a check runs. `member` is the one whose engine it is."""

    engine: Engine
    topology: Topology
    observed: Snapshot
    scenario_argument: str
    wire: Callable[[float], ProbeResult]
    on_probe: OnProbe = lambda _probe, _begins: None
    member: str = ""

    @property
    def halted(self) -> tuple[str, ...]:
        """The nodes that do not run, and come back only if somebody starts them."""
        return tuple(name for name in self.topology.scenario.nodes if _is_halted(self.observed.container_of(name)))

    def commands(self) -> Commands:
        """The commands that walks propose."""
        # Here, for a lab where all is well needs no walk.
        from orchestrator.diagnosis.suggested_commands import Commands

        return Commands(self.topology, self.scenario_argument, bool(self.observed.faults), self.member)

    def walk(self, check: BaseCheck, context: CheckContext, judgement: Judgement, seen: Seen) -> ProbeSteps[Walk]:
        """The walk of a check that ended with this judgement, after it had seen these results."""
        from orchestrator.diagnosis.walk import walk

        return walk(check, context, judgement, self.commands(), seen)


@dataclass(frozen=True)
class JudgementWatcher:
    """Takes each finding when it is known, every second the names of the checks that are still under way, and at the
    end the events that say when each node was probed from."""

    on_finding: Callable[[Finding], None]
    on_waiting: Callable[[Sequence[str]], None]
    publish: Callable[[Event], None]


def run_checks(
    lab: JudgedLab,
    checks: Sequence[BaseCheck],
    walks: WalkedChecks,
    watcher: JudgementWatcher,
    least_tries: int = LEAST_TRIES,
    held: Mapping[str, HeldConnection] = NONE_HELD,
) -> tuple[Finding, ...]:
    """One finding a check; each that fails was tried at least so many times. `held` are the connections that were
    opened for checks, by the names of these."""
    runner = ProbeRunner(lab.engine, probe_targets(lab.topology, lab.observed), lab.wire)
    probe_log = ProbeLog(runner.start, runner.answer, on_probe=lab.on_probe)
    try:
        make_walk = None if walks == "none" else lab.walk
        check_runner = CheckRunner(
            lab.topology,
            probe_log.start,
            watcher.on_finding,
            watcher.on_waiting,
            make_walk=make_walk,
            halted=lab.halted,
            held=held,
            least_tries=least_tries,
            member=lab.member,
        )
        findings = check_runner.check(checks)
        if walks != "all":
            return findings
        from orchestrator.lab.diagnosis_runner import DiagnosisRunner

        return DiagnosisRunner(lab.commands(), probe_log.answer).explain(checks, findings, include_passed=True)
    except EngineMissing:
        runner.abandon()
        raise
    finally:
        runner.close()
        for probed in probe_log.probe_times:
            watcher.publish(probed)


def explain_failure(lab: JudgedLab, check: BaseCheck, publish: Callable[[Event], None]) -> Walk:
    """The walk of a check that is known to fail: it is not asked again, which halves the time until the walk is there.

    For checks whose layers are asked one by one: of others, the walk repeats what the check itself has found.
    """
    from orchestrator.lab.diagnosis_runner import DiagnosisRunner

    runner = ProbeRunner(lab.engine, probe_targets(lab.topology, lab.observed), lab.wire)
    probe_log = ProbeLog(runner.start, runner.answer, on_probe=lab.on_probe)
    finding = Finding(check.name, str(kind_of(check)), asker_of(check), Judgement("fail", "", ""), 0.0)
    try:
        (explained,) = DiagnosisRunner(lab.commands(), probe_log.answer).explain([check], [finding])
    finally:
        runner.close()
        for probed in probe_log.probe_times:
            publish(probed)
    assert explained.why is not None  # of a check that fails, there always is a walk
    return explained.why


def probe_targets(topology: Topology, observed: Snapshot) -> dict[str, ProbeTarget]:
    """The nodes that have a container, and how each can be asked."""
    targets = {}
    for name, node in topology.scenario.nodes.items():
        container = observed.container_of(name)
        if container:
            tools = None if node.image else role_of(node).tools
            targets[name] = ProbeTarget(
                container,
                tools,
                sidecar(topology, observed, name, "ask", ("sleep", "infinity")),
                network_helper(topology, observed, name, "look"),
                topology.memory_limit(name),
            )
    return targets


def _is_halted(container: ObservedContainer | None) -> bool:
    return container is None or container.stopped or container.state in ("paused", "dead")
