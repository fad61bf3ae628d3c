"""Asks the layers of several checks side by side, so that all that a node is asked at one time is one call."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestrator.checks.findings import Finding
from orchestrator.checks.probes import FIRST_PORTS, CheckContext, Probe, ProbeResult
from orchestrator.checks.steps import RunProbes, run_steps, side_by_side
from orchestrator.checks.walk import Walk
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import walk
from orchestrator.model.checks import BaseCheck


class DiagnosisRunner:
    """`run_probes` gives the results of probes, `wall` is the time of day in seconds since 1970."""

    def __init__(self, commands: Commands, run_probes: RunProbes, wall: Callable[[], float] = time.time) -> None:
        self._commands = commands
        self._run_probes = run_probes
        self._wall = wall
        self._chance = random.SystemRandom()
        # One for all walks: the same question of several walks is then the same probe, and asked once.
        self._port = self._chance.randrange(*FIRST_PORTS)

    def explain(
        self, checks: Sequence[BaseCheck], findings: Sequence[Finding], *, include_passed: bool = False
    ) -> tuple[Finding, ...]:
        """The findings, those that do not hold (or, if wanted, all) with their walks; one that has a walk keeps it."""
        pairs = list(zip(checks, findings, strict=True))
        positions = [
            at
            for at, (_, finding) in enumerate(pairs)
            if finding.why is None and (include_passed or finding.verdict != "pass")
        ]
        walks = self._walk(pairs, positions)
        # A check that holds was kept by each of its layers: one that seems broken was only slow to answer.
        slow = [at for at in positions if pairs[at][1].verdict == "pass" and walks[at].broken]
        walks.update(self._walk(pairs, slow))
        return tuple(replace(finding, why=walks[at]) if at in walks else finding for at, finding in enumerate(findings))

    def _walk(self, pairs: Sequence[tuple[BaseCheck, Finding]], positions: Sequence[int]) -> dict[int, Walk]:
        many = [
            walk(check, self._context(), finding.judgement, self._commands)
            for check, finding in (pairs[at] for at in positions)
        ]
        return dict(zip(positions, run_steps(side_by_side(many), self._run_each_once), strict=True))

    def _run_each_once(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        """Several walks ask a node for the same table: it is read once."""
        distinct = list(dict.fromkeys(probes))
        results = dict(zip(distinct, self._run_probes(distinct), strict=True))
        return [results[probe] for probe in probes]

    def _context(self) -> CheckContext:
        word = f"w{self._chance.getrandbits(40):010x}"
        return CheckContext(self._commands.topology, word, self._port, self._wall())
