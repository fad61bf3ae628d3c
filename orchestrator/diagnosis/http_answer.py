"""TLS and the HTTP answer: both from one request of curl(1) to the very address, so that no name is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from orchestrator.checks.kinds.http import SECONDS, curl, facts_of, wrong_with
from orchestrator.checks.probes import ProgramResult, RunProgram
from orchestrator.diagnosis.sql_answer import MISSING_TABLE
from orchestrator.diagnosis.stage import Answers, Leg, Readings, Seen, Stage, ran_or_reason
from orchestrator.diagnosis.tcp_connection import connected
from orchestrator.model.checks import Http

# curl's exit codes for a handshake or a certificate that it does not accept (libcurl-errors(3)).
TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98})
# Its time was over; the connection was closed without an answer, or lost before it was whole.
TOO_LATE, EMPTY, CUT = 28, 52, 56
SERVER_ERROR = 500
# $0 is the address with its port, $1 the name that is asked for.
CERTIFICATE = (
    'openssl s_client -connect "$0" -servername "$1" </dev/null 2>/dev/null'
    " | openssl x509 -noout -subject -issuer -enddate -ext subjectAltName"
)


@dataclass(frozen=True)
class Request:
    """The request of a check, put to one address."""

    check: Http

    def url(self, leg: Leg) -> str:
        return leg.context.fill(self.check.http, self.check.asker)

    def run(self, leg: Leg) -> RunProgram:
        """The question; curl's --resolve takes the place of the DNS server."""
        argv = curl(self.check, leg.context, self.url(leg))
        host, port = _host(self.url(leg)), leg.port.number if leg.port else 0
        known = ("--resolve", f"{host}:{port}:{leg.address}") if leg.address and leg.claim else ()
        return RunProgram(leg.asker, (argv[0], *known, *argv[1:]), frozenset({"curl"}), seconds=SECONDS + 1)

    def certificate(self, leg: Leg) -> RunProgram:
        place = f"{leg.address}:{leg.port.number if leg.port else 443}"
        argv = ("bash", "-c", CERTIFICATE, place, _host(self.url(leg)))
        return RunProgram(leg.asker, argv, frozenset({"openssl"}))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def http_stages(check: Http, url: str) -> tuple[Stage, ...]:
    """The layers above TCP: TLS where the URL asks for it, then the answer."""
    request = Request(check)
    answer = Stage(
        "answer", lambda leg: (request.run(leg),), lambda leg, results: _answer(request, leg, results), "HTTP answer"
    )
    if urlsplit(url).scheme != "https":
        return (answer,)
    tls = Stage("tls", lambda leg: _tls_asks(request, leg), lambda leg, results: _tls(request, leg, results))
    return (tls, answer)


def _tls_asks(request: Request, leg: Leg) -> tuple[RunProgram, ...]:
    return (request.run(leg), request.certificate(leg)) if leg.address else (request.run(leg),)


def _tls(request: Request, leg: Leg, results: Answers) -> Seen:
    found, readings = ran_or_reason(results.get(request.run(leg))), Readings()
    if isinstance(found, str):
        readings.unasked.append(f"not asked: {found}")
        return readings.seen()
    shown = ran_or_reason(results.get(request.certificate(leg)))
    certificate = [] if isinstance(shown, str) else [one.strip() for one in shown.out.splitlines() if one.strip()]
    facts = facts_of(found)
    if found.exit_code in TLS_CODES:
        said = _said(found)
        sentence = _mistrust(leg, _host(request.url(leg)), said, certificate)
        by_hand = _by_hand(leg, _host(request.url(leg)))
        readings.broken(said, sentence, by_hand, "answer", evidence=certificate)
    elif found.exit_code == TOO_LATE and not facts.get("time_appconnect") and connected(leg, results):
        # curl counts the handshake as a part of the connection, which for the kernel is made.
        sentence = f"{leg.to} accepts the connection, but does not answer the TLS handshake within {SECONDS} seconds."
        readings.broken(_said(found), sentence, _log(leg), "answer")
    elif facts.get("time_appconnect", 0) > 0:
        readings.evidence += certificate
        readings.held.append("the handshake is complete and the certificate is trusted for this name")
    else:
        readings.unasked.append("not asked: there was no connection")
    return readings.seen()


def _mistrust(leg: Leg, host: str, said: str, certificate: Sequence[str]) -> str:
    lower = said.lower()
    if "subject name" in lower or "host name" in lower or "hostname" in lower:
        names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", " ".join(certificate))
        other = f"but for {', '.join(names)}" if names else "but for another name"
        return f"The certificate of {leg.to} is not for {host}, {other}."
    if "expired" in lower or "not yet valid" in lower:
        return f"The certificate of {leg.to} is not valid today: {said}."
    if "self-signed" in lower or "self signed" in lower or "issuer" in lower:
        return f"{leg.asker} does not trust whoever signed the certificate of {leg.to}: {said}."
    if "wrong version number" in lower or "packet length" in lower or "record overflow" in lower:
        return f"{leg.to} does not speak TLS on port {leg.port.number if leg.port else 443}."
    if "certificate file" in lower or "verify locations" in lower:
        return f"{leg.asker} cannot read the certificates that it trusts: {said}."
    return f"{leg.asker} and {leg.to} do not agree on TLS: {said}."


def _by_hand(leg: Leg, host: str) -> str:
    place = f"{leg.address}:{leg.port.number if leg.port else 443}"
    return leg.commands.run(leg.asker, "openssl", "s_client", "-connect", place, "-servername", host)


def _said(found: ProgramResult) -> str:
    lines = [line for line in found.err.strip().splitlines() if line.startswith("curl:")]
    text = lines[0] if lines else f"curl ended with {found.exit_code}"
    return re.sub(r"^curl: \(\d+\) ", "", text)


def _answer(request: Request, leg: Leg, results: Answers) -> Seen:
    found, readings = ran_or_reason(results.get(request.run(leg))), Readings()
    if isinstance(found, str):
        readings.unasked.append(f"not asked: {found}")
        return readings.seen()
    facts = facts_of(found)
    if found.exit_code != 0 or not facts.get("http_code"):
        _no_answer(leg, found, facts, readings)
        return readings.seen()
    status = int(facts["http_code"])
    body = [f"body: {_short(found.out)}"]
    wrong = wrong_with(request.check, leg.context, status, found.out)
    readings.blames = status >= SERVER_ERROR
    if wrong:
        sentence, command = _wrong_answer(request, leg, status, found.out, wrong)
        readings.broken(f"status {status}; {wrong}", sentence, command, evidence=body)
    else:
        readings.evidence += body
        readings.held.append(f"status {status}")
    return readings.seen()


def _no_answer(leg: Leg, found: ProgramResult, facts: dict[str, Any], readings: Readings) -> None:
    said = _said(found)
    reset = "reset by peer" in said
    if found.exit_code in TLS_CODES:
        readings.unasked.append("not asked: there was no TLS")
    elif not facts.get("time_connect") and not reset:
        readings.unasked.append("not asked: there was no connection")
    else:
        readings.blames = found.exit_code == TOO_LATE
        instead = "breaks it off with an RST" if reset else _instead(found, int(facts.get("http_code", 0)))
        readings.broken(said, f"{leg.to} accepts the connection, but {instead}.", _log(leg), "answer")


def _instead(found: ProgramResult, status: int) -> str:
    """What a server does that accepts the connection and gives no whole answer."""
    if found.exit_code == TOO_LATE:
        begun = f"does not end its answer with status {status}" if status else "gives no answer"
        return f"{begun} within {SECONDS} seconds"
    if status:
        return f"ends it in the middle of its answer with status {status}: {_said(found)}"
    if found.exit_code in (EMPTY, CUT):
        return "closes it without an answer"
    return f"its answer is no HTTP: {_said(found)}"


def _log(leg: Leg) -> str:
    return leg.commands.logs(leg.target) if leg.target else leg.commands.ps()


def _wrong_answer(request: Request, leg: Leg, status: int, body: str, wrong: str) -> tuple[str, str]:
    url = request.url(leg)
    method = () if request.check.method == "GET" else ("-X", request.check.method)
    by_hand = leg.commands.run(leg.asker, "curl", "-si", *method, url)
    reason = reason_of(body)
    table = MISSING_TABLE.search(f"{body} {reason}")
    if table and leg.target:
        return f"{leg.to} answers with status {status}, for its database has no table {table[1]}.", by_hand
    if status >= SERVER_ERROR and reason:
        return f"{leg.to} answers with status {status} and says why: {reason}.", by_hand
    if status == 404:
        return f"{leg.to} answers, but it has nothing at {urlsplit(url).path or '/'} (status 404).", by_hand
    return f"{leg.to} answers with status {status}, but {wrong}.", by_hand


def reason_of(body: str) -> str:
    """What a JSON body gives as its reason, in one line; empty where it gives none."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    parts = [str(found[key]) for key in ("error", "reason") if key in found] if isinstance(found, dict) else []
    return _short(": ".join(part.splitlines()[0] for part in parts if part.strip())).rstrip(".")


def _short(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= 200 else one[:197] + "..."
