"""One HTTP request by curl(1): its arguments, and what curl tells of the answer."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.checks.http_body import HttpBody, read_body
from orchestrator.checks.probes import CheckContext, ProgramResult
from orchestrator.model.checks import Http

# For one request, where the check allows no more: a deadline leaves room for two tries.
LEAST_SECONDS, DEFAULT_WITHIN = 4, 5


def seconds(check: Http) -> float:
    """How long one request may take: as long as the check may, and as the answer is declared to take."""
    if check.timeout is not None:
        return check.timeout
    within = check.within if check.within > DEFAULT_WITHIN else 0
    declared = (check.takes.at_least, check.takes.at_most) if check.takes else ()
    return max(LEAST_SECONDS, within, *(1 + value for value in declared if value is not None))


def curl(check: Http, context: CheckContext, url: str) -> tuple[str, ...]:
    """The program and its arguments."""
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
        "%{stderr}%{header_json}\n%{json}\n" if check.response_headers else "%{stderr}%{json}\n",
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
    if check.client_certificate:
        argv += ["--cert", "/wirelab/client.pem", "--key", "/wirelab/client.key"]
    if check.method == "HEAD":
        # The answer has no body; curl would print its headers instead (RFC 9110, section 9.3.2).
        argv += ["-I", "-o", "/dev/null"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {context.fill(value, check.asker)}"]
    return (*argv, url)


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


def headers_of(result: ProgramResult) -> dict[str, list[str]] | None:
    """The headers of the answer, names in small letters, by curl's account before the last line; None if unknown."""
    begin = result.err.find("{")
    try:
        headers, _ = json.JSONDecoder().raw_decode(result.err[begin:]) if begin >= 0 else (None, 0)
    except ValueError:
        return None
    if not isinstance(headers, dict) or not all(isinstance(values, list) for values in headers.values()):
        return None
    return {name.lower(): [str(value) for value in values] for name, values in headers.items()}


def error_of(result: ProgramResult) -> str:
    """Why curl got no answer, in its own words."""
    errors = [line for line in result.err.strip().splitlines() if not line.startswith(("{", '"', "}"))]
    return errors[0] if errors else f"curl ended with {result.exit_code}"
