"""The answer of PostgreSQL, asked by psql(1) at the very address, so that no name is needed."""

from __future__ import annotations

import re

from orchestrator.checks.kinds.sql import database_of, judge_sql, sql_probe
from orchestrator.checks.probes import TIMED_OUT, ProgramResult
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    ran_or_reason,
)
from orchestrator.diagnosis.tcp_connection import connected
from orchestrator.model.checks import Sql

# Of the server's own words (PostgreSQL, "Error Codes"), those whose meaning we can tell.
MISSING_TABLE = re.compile(r'relation "([^"]+)" does not exist')
MISSING_COLUMN = re.compile(r'column "([^"]+)" does not exist')
MISSING_DATABASE = re.compile(r'database "([^"]+)" does not exist')
REFUSED_PASSWORD = re.compile(r'password authentication failed for user "([^"]+)"')

# Who waits for what, a lock perhaps.
ACTIVITY = "select pid, wait_event_type, query from pg_stat_activity"


def sql_layer(check: Sql) -> LayerProbe:
    """The layer above TCP."""

    def reads(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
        result, readings = (
            ran_or_reason(results.get(sql_probe(check, attempt.context, _known(attempt)))),
            LayerReadings(),
        )
        if isinstance(result, str):
            readings.not_probed.append(f"not asked: {result}")
            return readings.seen()
        judgement = judge_sql(check, attempt.context, result)
        if judgement.verdict == "pass":
            readings.evidence += judgement.evidence
            readings.held.append(judgement.actual)
        elif result.exit_code != 0 and not _is_answer(result.err) and not _left_waiting(result, attempt, results):
            readings.not_probed.append(judgement.actual)
        else:
            cause = _break(check, attempt, result, judgement.actual)
            readings.broken(judgement.actual, cause.sentence, cause.command, evidence=judgement.evidence)
        return readings.seen()

    return LayerProbe(
        "answer", lambda attempt: (sql_probe(check, attempt.context, _known(attempt)),), reads, "SQL answer"
    )


def _known(attempt: ConnectionAttempt) -> str:
    return attempt.address or "" if attempt.claim else ""


def _is_answer(error: str) -> bool:
    """Whether psql's words are the server's, or tell that a connected server said nothing."""
    return "ERROR:" in error or "FATAL:" in error or _silent(error)


def _silent(error: str) -> bool:
    return "timeout expired" in error or "server closed the connection" in error


def _left_waiting(result: ProgramResult, attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether the time was over before a connected server said anything, for example because of a lock."""
    return result.exit_code == TIMED_OUT and connected(attempt, results)


def _break(check: Sql, attempt: ConnectionAttempt, ran: ProgramResult, actual: str) -> Cause:
    error, database = ran.err, database_of(check, attempt.context)
    at_hand = attempt.commands.run(database, "psql", "-U", "app", "-d", "app", "-c", r"\dt")
    if match := MISSING_TABLE.search(error):
        return Cause(f"The database {database} has no table {match[1]}.", at_hand)
    if match := MISSING_COLUMN.search(error):
        return Cause(f"The database {database} has no column {match[1]} in that table.", at_hand)
    if match := REFUSED_PASSWORD.search(error):
        sentence = f"The database {database} refuses the password that {check.asker} gives for the user {match[1]}."
        return Cause(sentence, attempt.commands.logs(database))
    if match := MISSING_DATABASE.search(error):
        return Cause(f"The server {database} has no database {match[1]}.", attempt.commands.logs(database))
    if ran.exit_code == TIMED_OUT:
        busy = attempt.commands.run(database, "psql", "-U", "postgres", "-d", "app", "-c", ACTIVITY)
        return Cause(f"{database} accepts the connection, but does not answer the statement in time.", busy)
    if _silent(error):
        return Cause(f"{database} accepts the connection, but gives no answer.", attempt.commands.logs(database))
    if "FATAL:" in error:
        sentence = f"The database {database} does not let {check.asker} in: {_words(actual)}."
        return Cause(sentence, attempt.commands.logs(database))
    if "ERROR:" in error:
        return Cause(
            f"The database {database} refuses the statement: {_words(actual)}.", attempt.commands.logs(database)
        )
    return Cause(f"The database {database} answers otherwise than the check says: {actual}.", at_hand)


def _words(error: str) -> str:
    return re.split(r"(?:ERROR|FATAL):\s*", error)[-1].rstrip(".")
