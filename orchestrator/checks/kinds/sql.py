"""`sql`: one statement by psql(1), from the database itself or over the network from a node that uses it."""

from __future__ import annotations

import csv
import re
from io import StringIO

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import CheckContext, ProgramResult, RunProgram, require_output
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
PSQL = ("-X", "-U", "app", "-d", "app", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-P", f"null={NULL}")


def sql(check: Sql, context: CheckContext) -> CheckSteps:
    """Run the statement, then compare the rows or the error."""
    return judge_sql(check, context, require_output((yield (sql_probe(check, context),))[0]))


def sql_probe(check: Sql, context: CheckContext, address: str = "") -> RunProgram:
    """The question; with an address no name is asked for (PGHOSTADDR, libpq)."""
    check = context.fill_fields(check, "sql", "password")
    argv = _psql(check, context, database_of(check, context), () if address else WHERE)
    known = ("env", f"PGHOSTADDR={address}") if address and argv[0] == "env" else ()
    return RunProgram(check.asker, (*known, *argv), frozenset({"psql"}))


def judge_sql(check: Sql, context: CheckContext, result: ProgramResult) -> Judgement:
    """The judgement on what psql printed."""
    check = context.fill_fields(check, "sql", "fails")
    database = database_of(check, context)
    expected = _expected(check, context)
    address, rows = read_rows(result)
    where = f"psql at {check.asker}, database {database}" + (f" at {address}" if address else "")
    if address and address not in map(str, context.topology.addresses_of(database)):
        whose = context.topology.owner(address) or "nobody"
        return Judgement("fail", expected, f"{address} answered, which is {whose} and not {database}", (where,))
    if check.fails is not None:
        return _judge_failure(check, expected, where, result)
    if result.exit_code != 0:
        return Judgement("fail", expected, _error(result), (where,))
    actual = f"{len(rows)} row" + ("" if len(rows) == 1 else "s")
    evidence = (where, *(f"row: {', '.join(map(_value_text, row))}" for row in rows[:5]))
    wanted = None if check.rows is None else _texts(context.fill_all(check.rows, check.asker))
    if wanted is not None and rows != wanted:
        return Judgement("fail", expected, f"{actual}: {list(map(list, rows))[:5]}", evidence)
    return Judgement("pass", expected, actual, evidence)


SqlRow = tuple[str | None, ...]


def read_rows(result: ProgramResult) -> tuple[str, tuple[SqlRow, ...]]:
    """The address of the server, as \\conninfo or the server's refusal tells it, and the rows.

    A row with one empty text is an empty line.
    """
    about, _, table = result.out.rpartition(f"{MARK}\n")
    match = re.search(r'address "([0-9a-f.:]+)"', about) or re.search(
        r"\(([0-9a-f.:]+)\), port \d+ failed: FATAL", result.err
    )
    rows = csv.reader(StringIO(table, newline=""))
    read = tuple(tuple(None if value == NULL else value for value in row) or ("",) for row in rows)
    return match[1] if match else "", read


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
    if check.asker == database and check.password is None:
        return ("psql", *PSQL, "-c", check.sql)
    over_network = ("-h", context.topology.name_of(database) + ".", *PSQL, "-w", *where, "-c", check.sql)
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


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _judge_failure(check: Sql, expected: str, where: str, result: ProgramResult) -> Judgement:
    """Only the server's own error counts: that no server was reached proves nothing about what it would say."""
    if result.exit_code == 0:
        return Judgement("fail", expected, "it succeeded", (where,))
    error = _error(result)
    if "ERROR:" not in result.err and "FATAL:" not in result.err:
        return Judgement("unknown", expected, error, (where,))
    verdict: Verdict = "pass" if check.fails and check.fails in result.err else "fail"
    return Judgement(verdict, expected, error, (where, error))


def _error(result: ProgramResult) -> str:
    lines = [line.strip() for line in result.err.splitlines() if line.strip()]
    server = [line for line in lines if "ERROR:" in line or "FATAL:" in line]
    return (server or lines or [f"psql ended with {result.exit_code}"])[0]
