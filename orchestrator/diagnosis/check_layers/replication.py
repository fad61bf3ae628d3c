"""Whether a replica follows its primary: what explains that it answers without the rows that the primary has."""

from __future__ import annotations

import re

from orchestrator.checks.kinds.sql import database_of
from orchestrator.checks.probes import LogText, Probe, ProgramResult, ReadLog, RunProgram
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt
from orchestrator.model.checks import Sql

# Both hold of a replica that was promoted: it has no receiver.
STATE = "select pg_is_in_recovery(), (select status from pg_stat_wal_receiver)"
# A receiver tries again twice a second (postgresql.conf), and gives up a connection that is silent after 2 seconds.
LOG_SECONDS = 10.0
# PostgreSQL says why in its own words (src/backend/replication/walreceiver.c and libpqwalreceiver.c).
NO_STREAM = re.compile(
    r"(?:FATAL|ERROR):  ((?:\S+ )?could not (?:connect|receive|start|send).*|terminating walreceiver.*)"
)


def replication_probes(check: Sql, attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    """What is asked of a replica; nothing of another database."""
    database = database_of(check, attempt.context)
    if attempt.context.topology.scenario.primary_of(database) is None:
        return ()
    psql = ("psql", "-X", "-U", "app", "-d", "app", "--csv", "-t", "-c", STATE)
    return RunProgram(database, psql, frozenset({"psql"})), ReadLog(database, attempt.context.began - LOG_SECONDS)


def replication_cause(check: Sql, attempt: ConnectionAttempt, results: Answers) -> Cause | None:
    """Why a replica lacks rows of its primary; None where it follows, or where nobody can tell."""
    probes = replication_probes(check, attempt)
    state, log = (results.get(probe) for probe in probes) if probes else (None, None)
    if not isinstance(state, ProgramResult) or state.exit_code:
        return None
    database = database_of(check, attempt.context)
    primary = attempt.context.topology.scenario.primary_of(database)
    in_recovery, _, status = state.out.strip().partition(",")
    if in_recovery == "f":
        sentence = f"{database} was promoted: it does not follow {primary}, and has not what was written there since."
        return Cause(sentence, attempt.commands.logs(database))
    if status == "streaming":
        return None
    reasons = NO_STREAM.findall(log.text) if isinstance(log, LogText) else []
    reason = f": {reasons[-1].rstrip('.')}" if reasons else ""
    sentence = f"{database} does not follow its primary {primary}, and has not what was written there since{reason}."
    return Cause(sentence, attempt.commands.logs(database))
