"""Recorded output of curl(1) and psql(1) -> verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from check_harness import SHOP, WORD, check, conversation, judged, psql_outcome, ran, refused, rows, shop

from orchestrator.checks.http_request import curl as curl_argv
from orchestrator.checks.probes import CheckContext, ProbeResult, ProgramResult, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck, Http

FACTS = {
    "http_code": 200,
    "local_ip": "192.168.7.13",
    "local_port": 40000,
    "remote_ip": "192.168.7.12",
    "remote_port": 80,
    "time_total": 0.0042,
}


def curl(body: str, status: int = 200) -> ProgramResult:
    return ran(body, json.dumps({**FACTS, "http_code": status}) + "\n")


def get(**keys: object) -> BaseCheck:
    return check(from_="client", http="http://app.shop.lab/items", **keys)


def test_an_answer_as_declared_passes_with_its_ends_and_body() -> None:
    found, probes = conversation(get(status=200, contains="anvil"), curl('[{"name": "anvil"}]'))
    assert (found.verdict, found.actual) == ("pass", "status 200 from 192.168.7.12:80")
    assert found.evidence == (
        "192.168.7.13:40000 -> 192.168.7.12:80, status 200, 4.2 ms",
        'body: [{"name": "anvil"}]',
    )
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[-1] == "http://app.shop.lab/items"


@pytest.mark.parametrize(
    ("keys", "answer", "wrong"),
    [
        ({"status": 200}, curl("", 503), "status 503 from 192.168.7.12:80; that is not 200"),
        ({}, curl("", 404), "status 404 from 192.168.7.12:80; that is no success"),
        ({"contains": "anvil"}, curl("[]"), "status 200 from 192.168.7.12:80; the body does not hold 'anvil'"),
        ({"lacks": "err"}, curl("err"), "status 200 from 192.168.7.12:80; the body holds 'err'"),
        ({"json": {"a": 1}}, curl('{"a": 2}'), "is 2, not 1"),
        ({"json": {"a": 1}}, curl("{}"), "has no 'a'"),
        ({"json": {"a": 1}}, curl("<html>"), ""),
        ({"json": {"a": 1}}, curl('{"a": true}'), "is True, not 1"),
        ({"json": {"a": 1}}, curl('{"a": 1.5}'), "is 1.5, not 1"),
        ({"json": {"a": 1.0}}, curl('{"a": "1"}'), "is '1', not 1.0"),
        ({"json": [1, 2]}, curl("[1]"), "is not a list of 2"),
        (
            {},
            ran("", "curl: (7) Failed to connect to app.shop.lab port 80\n" + json.dumps({"http_code": 0}), 7),
            "curl: (7) Failed to connect to app.shop.lab port 80",
        ),
    ],
)
def test_another_answer_fails(keys: dict[str, object], answer: ProgramResult, wrong: str) -> None:
    found = judged(get(**keys), answer)
    assert found.verdict == "fail"
    assert found.actual.endswith(wrong)


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("the node client is stopped"),
        ran("", "curl: not found\n", 127),
        ran("", "", 124),
        ran("half an answer", json.dumps(FACTS) + "\n", 124),
    ],
)
def test_what_could_not_be_requested_is_unknown(answer: ProbeResult) -> None:
    """curl has a time limit of its own: where it was ended from outside, it had no time to look at its clock."""
    assert judged(get(), answer).verdict == "unknown"


def from_(address: str, **facts: object) -> ProgramResult:
    return ran("", json.dumps({**FACTS, "remote_ip": address, **facts}) + "\n")


def test_an_answer_of_another_machine_than_the_one_that_is_named_fails() -> None:
    """A wrong record may lead to a machine that serves just as well."""
    found = judged(get(), from_("192.168.7.14"))
    assert found.verdict == "fail"
    assert found.actual.endswith("; app.shop.lab led to 192.168.7.14, which is web and not app")
    assert judged(check(from_="app", http="http://localhost/"), from_("127.0.0.1")).verdict == "pass"
    assert judged(get(), from_("192.168.7.15", proxy_used=1)).verdict == "pass"


def test_one_check_is_one_request_and_of_head_no_header_is_a_body() -> None:
    """curl would read braces and brackets as several URLs, and print the headers where there is no body."""
    _, probes = conversation(check(from_="client", http="http://app.shop.lab/{a,b}"), curl(""))
    assert "--globoff" in probes[0].argv
    found, probes = conversation(get(method="HEAD", contains="HTTP/1.1"), curl(""))
    assert probes[0].argv[probes[0].argv.index("-I") :][1:3] == ("-o", "/dev/null")
    assert found.verdict == "fail"


def test_of_a_body_that_was_not_read_to_its_end_only_its_beginning_is_known() -> None:
    cut = replace(curl("begins"), cut=True)
    assert judged(get(lacks="end"), cut).verdict == "unknown"
    assert judged(get(contains="end"), cut).verdict == "unknown"
    assert judged(get(lacks="begins"), cut).verdict == "fail"
    assert judged(get(contains="begins"), cut).verdict == "pass"


def encoded(raw: bytes, content_type: str = "text/html", code: int = 0) -> ProgramResult:
    """What curl prints of such a body, as it is read from the node."""
    answer = curl(raw.decode("utf-8", "replace"))
    facts = json.dumps({**FACTS, "content_type": content_type})
    return replace(answer, raw=raw, err=f"{facts}\n", exit_code=code)


TEXT = "an error is here"
MARKED = TEXT.encode("utf-16")
BIG, LITTLE = TEXT.encode("utf-16-be"), TEXT.encode("utf-16-le")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (encoded(TEXT.encode()), "fail"),
        (encoded(MARKED), "fail"),
        (encoded(MARKED, "text/html; charset=utf-8"), "fail"),
        (encoded(TEXT.encode("utf-32")), "fail"),
        (encoded(TEXT.encode("cp500"), 'text/html; Charset="IBM500"'), "fail"),
        (encoded(b"<p>\xe9t\xe9, error", "text/html; charset=iso-8859-1"), "fail"),
        (encoded(BIG, "text/html; charset=utf-16be"), "fail"),
        (encoded(BIG, "text/html; charset=utf-16"), "unknown"),
        (encoded(BIG), "unknown"),
        (encoded(LITTLE), "unknown"),
        (encoded("fehl\u00e9r".encode("latin-1")), "unknown"),
        (encoded(b"\x1f\x8b\x08\0\0"), "unknown"),
        (encoded(b"x", "text/html; charset=klingon"), "unknown"),
        (encoded(b"x", "text/html; charset=base64"), "unknown"),
        (encoded(b"", code=61), "unknown"),
        (encoded(b"all is well"), "pass"),
        (encoded("all is well".encode("utf-16-be"), "text/html; charset=utf-16be; x=y"), "pass"),
        (encoded(b"", ""), "pass"),
    ],
)
def test_a_body_is_searched_as_the_text_that_it_is(answer: ProgramResult, verdict: str) -> None:
    """By its byte order mark or its charset; what cannot be read may hold anything."""
    assert judged(get(lacks="error"), answer).verdict == verdict


@pytest.mark.parametrize("raw", [MARKED, BIG, TEXT.encode("cp500"), b"x"])
def test_a_text_that_cannot_be_looked_for_is_not_missing(raw: bytes) -> None:
    charset = "klingon" if raw == b"x" else "utf-16"
    found = judged(get(contains="error"), encoded(raw, f"text/html; charset={charset}"))
    assert found.verdict == ("pass" if raw == MARKED else "unknown")


def test_curl_undoes_an_encoding_and_asks_for_none() -> None:
    """The request is the same as without; an Accept-Encoding of the author's stays."""
    _, plain = conversation(get(), curl(""))
    assert isinstance(plain[0], RunProgram)
    assert "--compressed" not in plain[0].argv
    for keys, asks in ({}, True), ({"headers": {"accept-encoding": "gzip"}}, False):
        _, probes = conversation(get(lacks="x", **keys), curl(""))
        assert isinstance(probes[0], RunProgram)
        assert "--compressed" in probes[0].argv
        assert ("Accept-Encoding:" in probes[0].argv) is asks


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (b'{"a": 1}', "pass"),
        (b'\xef\xbb\xbf{"a": 1}', "pass"),
        (b'{"a": 1, "b": NaN}', "fail"),
        (b'{"a": 1, "b": -Infinity}', "fail"),
        ('{"a": 1}'.encode("utf-16"), "fail"),
        (b'{"a": 1, "b": "\xe9"}', "fail"),
        (b'{"a": 1, "b": ' + b"[" * 100_000, "fail"),
    ],
)
def test_json_is_utf_8_and_knows_no_nan(raw: bytes, verdict: str) -> None:
    """Whatever the header says (RFC 8259, sections 6 and 8.1); a byte order mark may be there."""
    for content_type in ("application/json", "application/json; charset=utf-16", "application/json; charset=latin1"):
        assert judged(get(json={"a": 1}), encoded(raw, content_type)).verdict == verdict


def test_of_json_that_was_not_read_to_its_end_nothing_is_known() -> None:
    assert judged(get(json={"a": 1}), replace(curl('{"a": 1, "b'), cut=True)).verdict == "unknown"


@pytest.mark.parametrize(
    ("words", "verdict", "actual"),
    [
        (
            "Error while processing content unencoding: incorrect header check",
            "fail",
            "the body is not what its Content-Encoding says (incorrect header check)",
        ),
        (
            "Unrecognized content encoding type. libcurl understands deflate, gzip content encodings.",
            "unknown",
            "could not be asked: the body has a Content-Encoding that curl cannot decode",
        ),
    ],
)
def test_a_body_that_is_not_what_its_coding_says_is_wrong(words: str, verdict: str, actual: str) -> None:
    """That curl does not know the coding is another thing."""
    judgement = judged(get(contains="anvil"), ran("", f"curl: (61) {words}\n{json.dumps(FACTS)}\n", 61))
    assert (judgement.verdict, judgement.actual) == (verdict, actual)


def test_json_may_hold_more_than_is_declared() -> None:
    assert judged(get(json={"a": {"b": [1]}}), curl('{"a": {"b": [1], "c": 0}, "d": 1}')).verdict == "pass"


def test_what_is_sent_is_filled_in() -> None:
    one = get(method="POST", send={"name": "${random}"}, status=201)
    found, probes = conversation(one, curl("", 201))
    assert found.verdict == "pass"
    assert isinstance(probes[0], RunProgram)
    argv = probes[0].argv
    assert argv[argv.index("--data-raw") + 1] == '{"name": "w0123456789"}'
    assert "Content-Type: application/json" in argv


def test_what_must_hold_before_is_asked_first_with_the_same_word() -> None:
    """The same word at each try. What the statement writes is rolled back, for psql ends the transaction by ending."""
    one = get(
        contains="${random}",
        first=[{"name": "Write", "from": "db", "sql": "insert into items values ('${random}')"}],
    )
    found, probes = conversation(one, rows(), curl("w0123456789"))
    assert found.verdict == "pass"
    assert [question.node for question in probes] == ["db", "client"]
    assert isinstance(probes[0], RunProgram)
    assert "insert into items values ('w0123456789')" in probes[0].argv
    assert "AUTOCOMMIT=off" in probes[0].argv


def test_where_the_step_before_does_not_hold_the_check_does_not_either() -> None:
    one = get(first=[{"name": "Write", "from": "db", "sql": "insert"}])
    found = judged(one, refused("42601", "syntax error"))
    assert (found.verdict, found.actual) == ("fail", "before it, 'Write': ERROR:  syntax error")
    assert judged(one, Unavailable("the node db is paused")).verdict == "unknown"


def sql(**keys: object) -> BaseCheck:
    return check(**{"from_": "app", "sql": "select name from items", **keys})


def test_rows_as_declared_pass() -> None:
    found, probes = conversation(sql(rows=[["anvil", 1, True, None]]), rows("anvil,1,t,␀\n"))
    assert (found.verdict, found.actual) == ("pass", "1 row")
    assert found.evidence == ("psql at app, database db", "row: anvil, 1, t, null")
    assert isinstance(probes[0], RunProgram)
    assert "db.shop.lab." in probes[0].argv


def test_the_database_itself_is_asked_without_the_network() -> None:
    _, probes = conversation(sql(from_="db"), rows())
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[0] == "psql"
    assert "-h" not in probes[0].argv


def test_nothing_is_not_the_empty_text_and_a_line_may_be_empty() -> None:
    assert judged(sql(rows=[[None], [""]]), rows("␀\n\n")).verdict == "pass"
    assert judged(sql(rows=[["", 1]]), rows("␀,1\n")).verdict == "fail"
    assert judged(sql(rows=[[None, 1]]), rows(",1\n")).verdict == "fail"
    assert judged(sql(rows=[["a\nb"]]), rows('"a\nb"\n')).verdict == "pass"


CONNECTED = """\
You are connected to database "app" as user "app" on host "db.shop.lab." (address "{}") at port "5432".
wirelab: here the rows begin
1
"""


def test_the_rows_of_another_database_than_the_one_that_is_meant_fail() -> None:
    found = judged(sql(rows=[[1]]), rows(CONNECTED.format("192.168.7.11")))
    assert (found.verdict, found.evidence[0]) == ("pass", "psql at app, database db at 192.168.7.11")
    found = judged(sql(rows=[[1]]), rows(CONNECTED.format("192.168.7.14")))
    assert (found.verdict, found.actual) == ("fail", "192.168.7.14 answered, which is web and not db")


def test_each_database_has_its_own_password() -> None:
    lab = SHOP.replace("  client: {role: client, uses: [app]}", "  client: {role: client, uses: [db, more]}")
    lab += "  more: {role: database}\n"
    for database, file in (("db", "/wirelab/password"), ("more", "/wirelab/password-more")):
        _, probes = conversation(check(from_="client", sql="select 1", database=database), rows("1\n"), lab=lab)
        assert isinstance(probes[0], RunProgram)
        assert file in probes[0].argv


def test_other_rows_and_errors_fail() -> None:
    assert judged(sql(rows=[["anvil"]]), rows("rocket\n")).verdict == "fail"
    assert judged(sql(rows=[]), rows("rocket\n")).verdict == "fail"
    found = judged(sql(), refused("42P01", 'relation "items" does not exist', "LINE 1: ...\n"))
    assert (found.verdict, found.actual) == ("fail", 'ERROR:  relation "items" does not exist')


REFUSAL = 'psql: error: connection to server at "db.shop.lab." (192.168.7.11), port 5432 failed: FATAL:  password authentication failed for user "app"\n'  # noqa: E501
DOWN = 'psql: error: connection to server at "db.shop.lab." (192.168.7.11), port 5432 failed: Connection refused\n'


def test_an_expected_failure_is_the_servers_own_word() -> None:
    """That no server was reached proves nothing about what it would say."""
    one = sql(password="wrong", fails="password authentication failed")
    assert judged(one, ran("", REFUSAL, 2)).verdict == "pass"
    other = judged(one, ran("", REFUSAL.replace("7.11", "7.14"), 2))
    assert (other.verdict, other.actual) == ("fail", "192.168.7.14 answered, which is web and not db")
    assert judged(one, rows("1\n")).verdict == "fail"
    assert judged(one, refused("22012", "division by zero")).verdict == "fail"
    assert judged(one, ran("", DOWN, 2)).verdict == "unknown"
    assert judged(one, Unavailable("the node app is stopped")).verdict == "unknown"


def test_the_password_and_the_error_of_a_statement_are_filled_in() -> None:
    found, asked = conversation(
        sql(password="${random}", fails="for user ${random}"), ran("", REFUSAL.replace('"app"', WORD), 2)
    )
    assert "PGPASSWORD=w0123456789" in asked[0].argv
    assert (found.verdict, found.expected) == ("pass", f"select name from items fails with 'for user {WORD}'")


def test_a_server_that_is_down_is_not_the_expected_failure() -> None:
    """Even where the expected text stands in psql's own words."""
    assert judged(sql(fails="refused"), ran("", DOWN, 2)).verdict == "unknown"


ECHO = "LINE 1: delete from nothere where name = 'violates foreign key'\n  ^\nHINT:  violates foreign key\n"


@pytest.mark.parametrize(
    ("fails", "message", "verdict"),
    [
        ("violates foreign key", 'relation "nothere" does not exist', "fail"),
        ("HINT", 'relation "nothere" does not exist', "fail"),
        ("does not exist", 'relation "nothere" does not exist', "pass"),
        ("42P01", 'relation "nothere" does not exist', "pass"),
        ("42P02", 'relation "nothere" does not exist', "fail"),
        ("42", 'relation "nothere" does not exist', "fail"),
        ("the second line", "the first line\nthe second line", "pass"),
        ("wirelab: the end", "wirelab: here the error begins\nwirelab: the end false 00000", "pass"),
    ],
)
def test_an_expected_failure_is_judged_by_the_fields_of_the_error(fails: str, message: str, verdict: str) -> None:
    """Not by the text of the statement, which psql shows with it, nor by notices and hints."""
    found = judged(sql(fails=fails), refused("42P01", message, ECHO))
    assert found.verdict == verdict
    assert found.evidence[1].startswith("SQLSTATE 42P01: ERROR:  ")


def test_a_notice_is_no_error() -> None:
    notice = replace(rows("1\n"), err="NOTICE:  x\nERROR:  violates foreign key\nFATAL:  violates foreign key\n")
    assert judged(sql(fails="violates foreign key"), notice).verdict == "fail"
    assert judged(sql(rows=[[1]]), notice).verdict == "pass"


def test_rows_may_look_like_what_comes_after_them() -> None:
    table = "wirelab: here the error begins\n\nwirelab: the end true 42P01\n"
    assert judged(sql(rows=[[line] for line in table.splitlines()]), rows(table)).verdict == "pass"


def test_a_constraint_that_is_looked_at_late_counts() -> None:
    """A check takes its statement back; a program that keeps it meets the constraint at the end of its transaction."""
    message = 'insert or update on table "orders" violates foreign key constraint "orders_item"'
    failed = ran(f"{psql_outcome()}{psql_outcome('23503', message)}", f"ERROR:  {message}\n")
    judgement = judged(sql(), failed)
    assert (judgement.verdict, judgement.actual) == ("fail", f"ERROR:  {message}")
    assert judged(sql(fails="23503"), failed).verdict == "pass"


def test_of_constraints_that_were_not_looked_at_nothing_is_known() -> None:
    """The statement has ended, and the time of psql was over before that."""
    assert judged(sql(), ran(psql_outcome(), "", 124)).verdict == "fail"
    assert judged(sql(fails="23503"), ran(psql_outcome(), "", 124)).verdict == "unknown"


def test_constraints_are_looked_at_after_the_statement() -> None:
    _, probes = conversation(sql(), rows())
    assert isinstance(probes[0], RunProgram)
    words = probes[0].argv
    assert words.index("select name from items") < words.index("set constraints all immediate")


@pytest.mark.parametrize(
    ("declared", "printed", "verdict"),
    [
        (19.9, "19.90", "pass"),
        (3, "3.00", "pass"),
        (-0.5, "-0.5", "pass"),
        (1e20, "1e+20", "pass"),
        (19.9, "19.91", "fail"),
        (7, "007", "fail"),
        ("19.9", "19.90", "fail"),
        (True, "1", "fail"),
        (1, "t", "fail"),
        (True, "t", "pass"),
        (None, "", "fail"),
        (0, "", "fail"),
    ],
)
def test_a_number_is_one_by_its_value(declared: object, printed: str, verdict: str) -> None:
    assert judged(sql(rows=[[declared]]), rows(f"{printed}\n")).verdict == verdict


def test_psql_is_asked_for_no_tags_of_commands() -> None:
    """INSERT 0 1 would be taken for a row."""
    _, probes = conversation(sql(rows=[[1]]), rows("1\n"))
    assert isinstance(probes[0], RunProgram)
    assert "-q" in probes[0].argv


def test_of_a_result_that_was_not_read_to_its_end_nothing_is_known() -> None:
    cut = replace(ran("1\n" * 1000), cut=True)
    assert judged(sql(rows=[[1]] * 1000), cut).verdict == "unknown"
    assert judged(sql(fails="violates"), cut).verdict == "unknown"


@pytest.mark.parametrize(
    ("keys", "most"),
    [
        ({}, "4"),
        ({"within": 2}, "4"),
        ({"within": 40}, "40"),
        ({"takes": {"at_least": 5}}, "6"),
        ({"takes": {"at_most": 9, "at_least": 5}}, "10"),
    ],
)
def test_a_request_may_take_as_long_as_the_check_says(keys: dict[str, object], most: str) -> None:
    """Otherwise `within: 40` and `takes: {at_least: 5}` could never hold."""
    one = check(from_="client", http="http://app.shop.lab/slow", **keys)
    assert isinstance(one, Http)
    argv = curl_argv(one, CheckContext(shop(), "w", 20000, 0.0), "http://app.shop.lab/slow")
    assert argv[argv.index("--max-time") + 1] == most


def by_way(address: str, table: str = "1\n") -> ProgramResult:
    """What psql prints of a session with the server at an address."""
    about = f'You are connected to database "app" as user "app" on host "x" (address "{address}") at port "6432".\n'
    return replace(rows(table), out=f"{about}wirelab: here the rows begin\n{rows(table).out}")


def test_a_database_is_asked_through_another_name_or_a_proxy() -> None:
    """The machine that is meant is then the one that the host names."""
    found, probes = conversation(sql(host="proxy.shop.lab:6432", rows=[[1]]), by_way("192.168.7.15"))
    assert (found.verdict, found.evidence[0]) == (
        "pass",
        "psql at app, database db through proxy.shop.lab:6432 at 192.168.7.15",
    )
    assert isinstance(probes[0], RunProgram)
    argv = probes[0].argv
    assert argv[argv.index("-h") :][:4] == ("-h", "proxy.shop.lab", "-p", "6432")
    found = judged(sql(host="proxy.shop.lab:6432", rows=[[1]]), by_way("192.168.7.11"))
    assert (found.verdict, found.actual) == ("fail", "192.168.7.11 answered, which is db and not proxy")
    _, probes = conversation(check(from_="db", sql="select 1", host="${loopback}:5432"), by_way("127.0.0.1"))
    assert isinstance(probes[0], RunProgram)
    assert "127.0.0.1" in probes[0].argv
