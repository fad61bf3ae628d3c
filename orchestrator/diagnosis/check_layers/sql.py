"""The answer of PostgreSQL, asked by psql(1) at the very address, so that no name is needed."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.checks.kinds.sql import SqlOutcome, database_of, judge_sql, read_outcome, sql_probe
from orchestrator.checks.probes import TIMED_OUT, ProgramResult, ResultUnavailable
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.check_layers.replication import replication_cause, replication_probes
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.filter_rules import explained_by_rules
from orchestrator.diagnosis.layers.tcp import connected
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
            return readings.result()
        try:
            judgement, outcome = judge_sql(check, attempt.context, result), read_outcome(result)
        except ResultUnavailable as error:
            readings.not_probed.append(f"not asked: {error.reason}")
            return readings.result()
        if judgement.verdict == "pass":
            readings.evidence += judgement.evidence
            readings.held.append(judgement.actual)
        elif outcome.lost and not _says_nothing(result, attempt, results):
            readings.not_probed.append(judgement.actual)
        else:
            behind = None if outcome.error or outcome.lost else replication_cause(check, attempt, results)
            cause = behind or _break(check, attempt, result, outcome, judgement.actual)
            readings.broken(judgement.actual, cause.sentence, cause.command, evidence=judgement.evidence)
        return readings.result()

    def is_lost(attempt: ConnectionAttempt, results: Answers) -> bool | None:
        result = ran_or_reason(results.get(sql_probe(check, attempt.context, _known(attempt))))
        return True if not isinstance(result, str) and _says_nothing(result, attempt, results) else None

    layer = replace(
        ANSWER,
        title="SQL answer",
        probes=lambda attempt: (
            sql_probe(check, attempt.context, _known(attempt)),
            *replication_probes(check, attempt),
        ),
        reads=reads,
    )
    return explained_by_rules(layer, is_lost)


def _known(attempt: ConnectionAttempt) -> str:
    return attempt.address or "" if attempt.claim else ""


def _silent(error: str) -> bool:
    """Whether psql's words tell that a server said nothing. Its time-out begins before it connects (libpq,
    connect_timeout)."""
    return "timeout expired" in error or _closed(error)


def _closed(error: str) -> bool:
    return "server closed the connection" in error


def _says_nothing(result: ProgramResult, attempt: ConnectionAttempt, results: Answers) -> bool:
    """Whether a connected server said nothing, for example because of a lock, until the time was over."""
    is_over = result.exit_code == TIMED_OUT or _silent(result.err)
    return _closed(result.err) or (is_over and connected(attempt, results))


def _break(check: Sql, attempt: ConnectionAttempt, ran: ProgramResult, outcome: SqlOutcome, actual: str) -> Cause:
    database = database_of(check, attempt.context)
    at_hand = attempt.commands.run(database, "psql", "-U", "app", "-d", "app", "-c", r"\dt")
    message = outcome.error.message if outcome.error else ""
    if match := MISSING_TABLE.search(message):
        return Cause(f"The database {database} has no table {match[1]}.", at_hand)
    if match := MISSING_COLUMN.search(message):
        return Cause(f"The database {database} has no column {match[1]} in that table.", at_hand)
    if match := REFUSED_PASSWORD.search(message):
        sentence = f"The database {database} refuses the password that {check.asker} gives for the user {match[1]}."
        return Cause(sentence, attempt.commands.logs(database))
    if match := MISSING_DATABASE.search(message):
        return Cause(f"The server {database} has no database {match[1]}.", attempt.commands.logs(database))
    if outcome.lost and ran.exit_code == TIMED_OUT:
        busy = attempt.commands.run(database, "psql", "-U", "postgres", "-d", "app", "-c", ACTIVITY)
        return Cause(f"{database} accepts the connection, but does not answer the statement in time.", busy)
    if outcome.lost and _silent(ran.err):
        return Cause(f"{database} accepts the connection, but gives no answer.", attempt.commands.logs(database))
    if outcome.error and not outcome.error.code:
        sentence = f"The database {database} does not let {check.asker} in: {_words(message)}."
        return Cause(sentence, attempt.commands.logs(database))
    if outcome.error:
        sentence = f"The database {database} refuses the statement: {_words(message)}."
        return Cause(sentence, attempt.commands.logs(database))
    return Cause(f"The database {database} answers otherwise than the check says: {actual}.", at_hand)


def _words(message: str) -> str:
    return message.partition("\n")[0].rstrip(".")
