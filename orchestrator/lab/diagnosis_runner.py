"""Asks the layers of several checks side by side, so that all that a node is asked at one time is one call."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator.checks.findings import Finding
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import Walk
from orchestrator.diagnosis.walk_layers import Walking, walk
from orchestrator.lab.check_runner import PORTS, RunProbes
from orchestrator.model.checks import BaseCheck


@dataclass
class _Way:
    """A walk under way: what it asks now, and the walk when it has ended."""

    walking: Walking
    asked: tuple[Probe, ...] = ()
    ended: Walk | None = None

    def advance(self, results: tuple[ProbeResult, ...] | None) -> None:
        try:
            self.asked = next(self.walking) if results is None else self.walking.send(results)
        except StopIteration as end:
            self.asked, self.ended = (), end.value


def _is_broken(way: _Way) -> bool:
    return way.ended is not None and way.ended.broken is not None


class DiagnosisRunner:
    """`run_probes` answers questions, `wall` is the time of day in seconds since 1970."""

    def __init__(self, commands: Commands, run_probes: RunProbes, wall: Callable[[], float] = time.time) -> None:
        self._commands = commands
        self._run_probes = run_probes
        self._wall = wall
        self._chance = random.SystemRandom()

    def explain(
        self, checks: Sequence[BaseCheck], findings: Sequence[Finding], *, green_too: bool = False
    ) -> tuple[Finding, ...]:
        """The findings, those that do not hold (or, if wanted, all) with their walks."""
        pairs = list(zip(checks, findings, strict=True))
        places = [place for place, (_, one) in enumerate(pairs) if green_too or one.verdict != "pass"]
        ways = self._walked(pairs, places)
        # A check that holds was kept by each of its layers: one that seems broken was only slow to answer.
        slow = [place for place in places if pairs[place][1].verdict == "pass" and _is_broken(ways[place])]
        ways.update(self._walked(pairs, slow))
        return tuple(
            replace(finding, why=ways[place].ended) if place in ways else finding
            for place, finding in enumerate(findings)
        )

    def _walked(self, pairs: Sequence[tuple[BaseCheck, Finding]], places: Sequence[int]) -> dict[int, _Way]:
        ways = {
            place: _Way(walk(check, self._context(), finding.judgement, self._commands))
            for place in places
            for check, finding in (pairs[place],)
        }
        self._walk_all(list(ways.values()))
        return ways

    def _walk_all(self, ways: list[_Way]) -> None:
        for way in ways:
            way.advance(None)
        while open_ways := [way for way in ways if way.ended is None]:
            # Several walks ask a node for the same table: it is asked once.
            probes = list(dict.fromkeys(probe for way in open_ways for probe in way.asked))
            results = dict(zip(probes, self._run_probes(probes), strict=True))
            for way in open_ways:
                way.advance(tuple(results[probe] for probe in way.asked))

    def _context(self) -> CheckContext:
        word = f"w{self._chance.getrandbits(40):010x}"
        return CheckContext(self._commands.topology, word, self._chance.randrange(*PORTS), self._wall())
