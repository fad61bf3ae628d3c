"""The connections of the checks `holds_open` that have a fault: opened before it is put in, closed after all of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from orchestrator.checks.findings import Judgement
from orchestrator.checks.held_connection import close_connection
from orchestrator.checks.kinds.holds_open import open_connection
from orchestrator.checks.probes import PROBE_PORTS, CheckContext, HeldConnection
from orchestrator.checks.steps import run_steps, side_by_side
from orchestrator.errors import WirelabError
from orchestrator.events import Event
from orchestrator.lab.judging import JudgedLab, probe_targets
from orchestrator.lab.probe_log import ProbeLog
from orchestrator.lab.probe_runner import ProbeRunner
from orchestrator.model.checks import HoldsOpen

# By the name of the check: the connection, or why there is none.
Opened = dict[str, HeldConnection | Judgement]


@contextmanager
def held_connections(lab: JudgedLab, checks: Sequence[HoldsOpen], publish: Callable[[Event], None]) -> Iterator[Opened]:
    """Open a connection for each check. They are closed at the end; of a process that is killed they end by themselves.

    A container that holds one beside a node stays until then.
    """
    runner = ProbeRunner(lab.engine, probe_targets(lab.topology, lab.observed), lab.wire)
    probe_log = ProbeLog(runner.start, runner.answer, on_probe=lab.on_probe)
    opened: Opened = {}
    try:
        for check in checks:
            context = CheckContext(lab.topology, f"w{secrets.token_hex(5)}", PROBE_PORTS[0], time.time())
            opened[check.name] = run_steps(open_connection(check, context), probe_log.answer)
        yield opened
    finally:
        held = [(check.asker, opened.get(check.name)) for check in checks]
        closing = [
            close_connection(asker, still_open.name)
            for asker, still_open in held
            if isinstance(still_open, HeldConnection)
        ]
        with suppress(WirelabError):
            run_steps(side_by_side(closing), probe_log.answer)
        runner.close()
        for probed in probe_log.probe_times:
            publish(probed)
