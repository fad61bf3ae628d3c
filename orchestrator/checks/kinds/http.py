"""`http`: one request by curl(1), its answer compared with what is declared (RFC 9110)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.http_body import HttpBody, read_body
from orchestrator.checks.kinds.connections import wrong_machine
from orchestrator.checks.probes import (
    TOO_LONG,
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_known_text,
    require_output,
)
from orchestrator.checks.steps import CheckSteps
from orchestrator.model.checks import Http

# For one request, where the check allows no more: a deadline leaves room for two tries.
LEAST_SECONDS, DEFAULT_WITHIN = 4, 5
# Of a body as evidence: a server says why it failed after what it was asked for.
LONGEST = 600
BAD_CONTENT_ENCODING = 61  # libcurl-errors(3)


def http(check: Http, context: CheckContext) -> CheckSteps:
    """Request, then compare status, text, JSON, and who answered."""
    url = context.fill(check.http, check.asker)
    expected = _expected(check, context, url)
    result = require_output(
        (yield (RunProgram(check.asker, curl(check, context, url), frozenset({"curl"}), seconds=seconds(check) + 1),))[
            0
        ]
    )
    facts = facts_of(result)
    if result.exit_code != 0 or not facts.get("http_code"):
        if result.exit_code == BAD_CONTENT_ENCODING:
            raise ResultUnavailable("the body has a Content-Encoding that curl cannot decode")
        errors = [line for line in result.err.strip().splitlines() if not line.startswith("{")]  # not curl's account
        return Judgement("fail", expected, errors[0] if errors else f"curl ended with {result.exit_code}")
    body = body_of(result)
    evidence = (_line(facts), f"body: {_short(body.text)}")
    if not _wrong_status(check, facts["http_code"]):
        require_known_text(check, context, (body.text,), TOO_LONG if result.cut else body.doubt)
        if result.cut and check.json_ is not None:
            raise ResultUnavailable(TOO_LONG)
    wrong = wrong_with(check, context, facts["http_code"], body) or _led_astray(check, context, url, facts)
    if not wrong and not facts.get("proxy_used"):
        wrong = yield from impostor(context, check.asker, facts["remote_ip"])
    actual = f"status {facts['http_code']} from {facts['remote_ip']}:{facts['remote_port']}"
    if wrong:
        return Judgement("fail", expected, f"{actual}; {wrong}", evidence)
    return Judgement("pass", expected, actual, evidence)


def seconds(check: Http) -> float:
    """How long one request may take: as long as the check may, and as the answer is declared to take."""
    within = check.within if check.within > DEFAULT_WITHIN else 0
    declared = (check.takes.at_least, check.takes.at_most) if check.takes else ()
    return max(LEAST_SECONDS, within, *(1 + value for value in declared if value is not None))


def curl(check: Http, context: CheckContext, url: str) -> tuple[str, ...]:
    # Braces and brackets in a URL are its own, not curl's: one check is one request.
    argv = [
        "curl",
        "-sS",
        "--globoff",
        "--max-time",
        f"{seconds(check):g}",
        "-X",
        check.method,
        "-w",
        "%{stderr}%{json}\n",
    ]
    headers = dict(check.headers)
    if check.contains is not None or check.lacks is not None or check.json_ is not None:
        # Undo a Content-Encoding, but ask for none: the request is the same whatever is looked for.
        argv += ["--compressed", *(() if "accept-encoding" in map(str.lower, headers) else ("-H", "Accept-Encoding:"))]
    body = context.fill(check.body, check.asker) if check.body is not None else None
    if check.send is not None:
        body = json.dumps(context.fill_all(check.send, check.asker))
        headers.setdefault("Content-Type", "application/json")
    if body is not None:
        argv += ["--data-raw", body]
    if check.method == "HEAD":
        # The answer has no body; curl would print its headers instead (RFC 9110, section 9.3.2).
        argv += ["-I", "-o", "/dev/null"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {context.fill(value, check.asker)}"]
    return (*argv, url)


def _led_astray(check: Http, context: CheckContext, url: str, facts: dict[str, Any]) -> str:
    """What is wrong where another machine than the URL's answered; whom a proxy asks, curl does not know."""
    if facts.get("proxy_used"):
        return ""
    return wrong_machine(context, check.asker, urlsplit(url).hostname or "", facts["remote_ip"])


def body_of(result: ProgramResult) -> HttpBody:
    """The body that curl printed, decoded as the answer's Content-Type says."""
    raw = result.raw or result.out.encode("utf-8", "surrogateescape")
    return read_body(raw, str(facts_of(result).get("content_type") or ""), cut=result.cut)


def facts_of(result: ProgramResult) -> dict[str, Any]:
    """curl's own account of the transfer: the last line that it wrote to standard error."""
    lines = result.err.strip().splitlines()
    try:
        facts = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _expected(check: Http, context: CheckContext, url: str) -> str:
    parts = [f"{check.method} {url} is answered", f"with {check.status}" if check.status else "with success"]
    if check.contains is not None:
        parts.append(f"and holds {context.fill(check.contains, check.asker)!r}")
    if check.lacks is not None:
        parts.append(f"and lacks {context.fill(check.lacks, check.asker)!r}")
    if check.json_ is not None:
        parts.append(f"and holds the JSON {_short(json.dumps(context.fill_all(check.json_, check.asker)))}")
    return " ".join(parts)


def _wrong_status(check: Http, status: int) -> str:
    if check.status is not None and status != check.status:
        return f"that is not {check.status}"
    if check.status is None and not 200 <= status <= 299:
        return "that is no success"
    return ""


def wrong_with(check: Http, context: CheckContext, status: int, body: HttpBody) -> str:
    """What is wrong with the answer, in words; empty where nothing is."""
    if wrong := _wrong_status(check, status):
        return wrong
    text = context.fill(check.contains, check.asker) if check.contains is not None else ""
    if text not in body.text:
        return f"the body does not hold {text!r}"
    if check.lacks is not None and (lacking := context.fill(check.lacks, check.asker)) in body.text:
        return f"the body holds {lacking!r}"
    return _wrong_json(context.fill_all(check.json_, check.asker), body) if check.json_ is not None else ""


def _wrong_json(wanted: object, body: HttpBody) -> str:
    try:
        value = body.json()
    except ValueError as error:
        return f"the body is no JSON: {error}"
    return differing(wanted, value, "the JSON")


def differing(wanted: object, actual: object, place: str) -> str:
    """Where `found` lacks what is wanted; objects may hold more keys, lists must be equal in length."""
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return f"{place} is no object"
        parts = (
            differing(value, actual[key], f"{place}.{key}") if key in actual else f"{place} has no {key!r}"
            for key, value in wanted.items()
        )
        return next((part for part in parts if part), "")
    if isinstance(wanted, list):
        if not isinstance(actual, list) or len(actual) != len(wanted):
            return f"{place} is not a list of {len(wanted)}"
        each = (differing(a, b, f"{place}[{at}]") for at, (a, b) in enumerate(zip(wanted, actual, strict=True)))
        return next((part for part in each if part), "")
    return "" if wanted == actual and type(wanted) is type(actual) else f"{place} is {actual!r}, not {wanted!r}"


def _line(facts: dict[str, Any]) -> str:
    ends = f"{facts['local_ip']}:{facts['local_port']} -> {facts['remote_ip']}:{facts['remote_port']}"
    return f"{ends}, status {facts['http_code']}, {facts['time_total'] * 1000:.1f} ms"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
