"""`sql`: one statement by psql(1), from the database itself or over the network from a node that uses it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Literal

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import endpoint, target_of
from orchestrator.checks.probes import (
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
    require_time,
)
from orchestrator.checks.steps import CheckSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.checks import Sql
from orchestrator.model.roles.role import FILES_AT

# $0 is the file with the password: so it stands in no list of processes.
WITH_PASSWORD = 'PGPASSWORD=$(cat "$0") exec psql "$@"'
NULL = "\N{SYMBOL FOR NULL}"  # so that null is told from the empty text
MARK = "wirelab: here the rows begin"
WHERE = ("-c", r"\conninfo", "-c", rf"\echo {MARK}")
# Quiet: the tag of a command, such as INSERT 0 1, is no row.
# Without AUTOCOMMIT psql begins a transaction and ends without its end: the server takes back what a statement changed.
PSQL = ("-X", "-q", "-U", "app", "-d", "app", "--csv", "-t", "-v", "AUTOCOMMIT=off", "-P", f"null={NULL}")
# What psql knows of the statement's end, in fields: on its standard error the server's words stand between the text of
# the statement, notices and hints (psql(1), "Variables").
MESSAGE = "wirelab: here the error begins"
END = "wirelab: the end"
OUTCOME = ("-c", rf"\echo {MESSAGE}", "-c", r"\echo :LAST_ERROR_MESSAGE", "-c", rf"\echo {END} :ERROR :SQLSTATE")
# A constraint may be looked at when a transaction ends (CREATE TABLE, DEFERRABLE); that of a check never does.
CONSTRAINTS = ("-c", "set constraints all immediate", *OUTCOME)
# As PostgreSQL prints a number; 007 is a text.
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?")
# What the server says before there is a session; no statement was read yet.
REFUSAL = re.compile(r"^(?:psql: error: )?(?:connection to server .* failed: )?FATAL:  (.*)", re.MULTILINE)


def sql(check: Sql, context: CheckContext) -> CheckSteps:
    """Run the statement, then compare the rows or the error. What the statement changes is rolled back."""
    (ended,) = yield (sql_probe(check, context),)
    return judge_sql(check, context, require_output(ended, may_time_out=True))


def sql_probe(check: Sql, context: CheckContext, address: str = "") -> RunProgram:
    """The question; with an address no name is asked for (PGHOSTADDR, libpq)."""
    check = context.fill_fields(check, "sql", "password", "host")
    argv = _psql(check, context, database_of(check, context), () if address else WHERE)
    known = ("env", f"PGHOSTADDR={address}") if address and argv[0] == "env" else ()
    return RunProgram(check.asker, (*known, *argv), frozenset({"psql"}))


def judge_sql(check: Sql, context: CheckContext, result: ProgramResult) -> Judgement:
    """The judgement on what psql printed."""
    check = context.fill_fields(check, "sql", "fails", "host")
    database = database_of(check, context)
    expected = _expected(check, context)
    outcome = read_outcome(result)
    address, rows = outcome.address, outcome.rows
    if outcome.lost:
        require_time(result)
    way = f" through {check.host}" if check.host else ""
    where = f"psql at {check.asker}, database {database}{way}" + (f" at {address}" if address else "")
    reached = target_of(context, check.asker, endpoint(check.host)[0]) if check.host else database
    if reached and address and address not in map(str, context.topology.addresses_of(reached)):
        whose = context.topology.owner(address) or "nobody"
        return Judgement("fail", expected, f"{address} answered, which is {whose} and not {reached}", (where,))
    if check.fails is not None:
        return _judge_failure(check.fails, expected, where, outcome)
    if outcome.error or outcome.lost:
        return Judgement("fail", expected, str(outcome.error or outcome.lost), (where,))
    actual = f"{len(rows)} row" + ("" if len(rows) == 1 else "s")
    evidence = (where, *(f"row: {', '.join(map(_value_text, row))}" for row in rows[:5]))
    if check.rows is not None and not _same_rows(context.fill_all(check.rows, check.asker), rows):
        return Judgement("fail", expected, f"{actual}: {list(map(list, rows))[:5]}", evidence)
    return Judgement("pass", expected, actual, evidence)


SqlRow = tuple[str | None, ...]


@dataclass(frozen=True)
class SqlError:
    """An error of the server: its message, and its code (PostgreSQL, "Error Codes"), which psql does not tell of a
    session that was refused. `line` is how people are shown it."""

    message: str
    line: str
    code: str = ""

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True)
class SqlOutcome:
    """How a statement ended: with rows, with an error of the server, or `lost`, in psql's words, without either.

    `address` is the server's; empty where none was reached, or where the database asked itself.
    """

    address: str = ""
    rows: tuple[SqlRow, ...] = ()
    error: SqlError | None = None
    lost: str = ""


def read_outcome(result: ProgramResult) -> SqlOutcome:
    """From psql's output. Raises ResultUnavailable where its end was not read."""
    about, _, rest = result.out.rpartition(f"{MARK}\n")
    address = re.search(r'address "([0-9a-f.:]+)"', about) or re.search(
        r"\(([0-9a-f.:]+)\), port \d+ failed: FATAL", result.err
    )
    at = address[1] if address else ""
    # From the end: a row or a message may hold any line, but ours come last. The constraints come after the statement.
    before, late = _ended(f"\n{rest}".removesuffix("\n"))
    table, error = _ended(before)
    if late is not None and error is not None:
        wrong = error or late
        return SqlOutcome(at, error=wrong) if wrong else SqlOutcome(at, _rows(table))
    if result.cut:
        raise ResultUnavailable("the result is too long, only its first megabyte was read")
    lines = [line.strip() for line in result.err.splitlines() if line.strip()]
    if refusals := list(REFUSAL.finditer(result.err)):
        return SqlOutcome(at, error=SqlError(refusals[-1][1], refusals[-1][0]))
    return SqlOutcome(at, lost=lines[0] if lines else f"psql ended with {result.exit_code}")


def _ended(text: str) -> tuple[str, SqlError | Literal[""] | None]:
    """The text before the last OUTCOME, and the error of that OUTCOME: empty if there was none, None if the text does
    not end with an OUTCOME."""
    body, _, status = text.rpartition("\n")
    before, _, message = body.rpartition(f"\n{MESSAGE}\n")
    match status.removeprefix(END).split() if status.startswith(END) else ():
        case ("false", _):
            return before, ""
        case ("true", code):
            return before, SqlError(message, f"ERROR:  {message.partition(chr(10))[0]}", code)
    return text, None


def _rows(table: str) -> tuple[SqlRow, ...]:
    """A row with one empty text is an empty line; without a row there is not even the line feed before the first."""
    text = f"{table[1:]}\n" if table else ""
    rows = csv.reader(StringIO(text, newline=""))
    return tuple(tuple(None if value == NULL else value for value in row) or ("",) for row in rows)


def database_of(check: Sql, context: CheckContext) -> str:
    """The database node that is meant: named, the asker itself, or the first that the asker uses."""
    databases = context.topology.servers_of(ApplicationProtocol.POSTGRESQL)
    if check.database:
        return check.database
    if check.asker in databases:
        return check.asker
    used = context.topology.node(check.asker).uses
    return next((name for name in (*used, *databases) if name in databases), check.asker)


def _psql(check: Sql, context: CheckContext, database: str, where: tuple[str, ...]) -> tuple[str, ...]:
    if check.asker == database and check.password is None and check.host is None:
        return ("psql", *PSQL, "-c", check.sql, *OUTCOME, *CONSTRAINTS)
    host, port = endpoint(check.host) if check.host else (f"{context.topology.name_of(database)}.", 0)
    over_network = (
        "-h",
        host,
        *(("-p", str(port)) if port else ()),
        *PSQL,
        "-w",
        *where,
        "-c",
        check.sql,
        *OUTCOME,
        *CONSTRAINTS,
    )
    if check.password is not None:
        return ("env", f"PGPASSWORD={check.password}", "PGCONNECT_TIMEOUT=2", "psql", *over_network)
    files = context.topology.password_files(check.asker).items()
    password = next((file for file, holder in files if holder == database), "password")
    return ("env", "PGCONNECT_TIMEOUT=2", "bash", "-c", WITH_PASSWORD, f"{FILES_AT}/{password}", *over_network)


def _expected(check: Sql, context: CheckContext) -> str:
    if check.fails is not None:
        return f"{check.sql} fails with {check.fails!r}"
    if check.rows is None:
        return f"{check.sql} succeeds"
    return f"{check.sql} gives {list(map(list, _texts(context.fill_all(check.rows, check.asker))))}"


def _value_text(value: str | None) -> str:
    return "null" if value is None else value


def _texts(rows: object) -> tuple[SqlRow, ...]:
    """Declared values as psql prints them: true is t."""
    assert isinstance(rows, list)
    return tuple(tuple(_text(value) for value in row) for row in rows)


def _same_rows(wanted: object, rows: tuple[SqlRow, ...]) -> bool:
    """Whether the rows are those that are declared. A number is one by its value: 19.9 is 19.90."""
    assert isinstance(wanted, list)
    return len(wanted) == len(rows) and all(
        len(declared) == len(row) and all(map(_is_value, declared, row))
        for declared, row in zip(wanted, rows, strict=True)
    )


def _is_value(declared: object, value: str | None) -> bool:
    if isinstance(declared, int | float) and not isinstance(declared, bool) and value and NUMBER.fullmatch(value):
        return Decimal(str(declared)) == Decimal(value)
    return _text(declared) == value


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _judge_failure(fails: str, expected: str, where: str, outcome: SqlOutcome) -> Judgement:
    """Only the server's own error counts: that no server was reached proves nothing about what it would say."""
    if outcome.lost:
        return Judgement("unknown", expected, outcome.lost, (where,))
    if outcome.error is None:
        return Judgement("fail", expected, "it succeeded", (where,))
    error = outcome.error
    verdict: Verdict = "pass" if fails == error.code or fails in error.message else "fail"
    code = f"SQLSTATE {error.code}: {error}" if error.code else str(error)
    return Judgement(verdict, expected, str(error), (where, code))
