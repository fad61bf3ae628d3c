"""TLS and the HTTP answer: both from one request of curl(1) to the very address, so that no name is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from orchestrator.checks.findings import Judgement
from orchestrator.checks.http_answer import HttpAnswer, read_answer, wrong_with
from orchestrator.checks.http_request import curl, facts_of, seconds
from orchestrator.checks.kinds.http import BAD_CONTENT_ENCODING
from orchestrator.checks.probes import ProgramResult, ResultUnavailable, RunProgram
from orchestrator.diagnosis.check_layers.from_judgement import (
    asks_for_certificate,
    client_refusal,
    missing_intermediate,
)
from orchestrator.diagnosis.check_layers.sql import MISSING_TABLE
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.filter_rules import explained_by_nat, explained_by_rules
from orchestrator.diagnosis.layers.tcp import connected
from orchestrator.diagnosis.layers.tls import TLS
from orchestrator.model.checks import Http
from orchestrator.planning.certificates import intermediate_of_lab

# curl's exit codes for a handshake or a certificate that it does not accept (libcurl-errors(3)).
TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98})
# Refused; its time was over; the connection was closed without an answer, or lost before it was whole.
NOT_CONNECTED, TOO_LATE, EMPTY, CUT = 7, 28, 52, 56
SERVER_ERROR = 500
# $0 is the address with its port, $1 the name that is asked for.
CERTIFICATE = (
    'openssl s_client -connect "$0" -servername "$1" </dev/null 2>/dev/null'
    " | openssl x509 -noout -subject -issuer -enddate -ext subjectAltName"
)


@dataclass(frozen=True)
class Request:
    """The request of a check, put to one address. `failed` is what the check had seen, where one request cannot show
    what is wrong: which servers answered, or how many requests did."""

    check: Http
    failed: str = ""

    def url(self, attempt: ConnectionAttempt) -> str:
        return attempt.context.fill(self.check.http, self.check.asker)

    def by_check(self, attempt: ConnectionAttempt) -> RunProgram:
        """The request as the check itself sends it."""
        argv = curl(self.check, attempt.context, self.url(attempt))
        return RunProgram(self.check.asker, argv, frozenset({"curl"}), seconds=seconds(self.check) + 1)

    def run(self, attempt: ConnectionAttempt) -> RunProgram:
        """The question; curl's --resolve takes the place of the DNS server."""
        argv = curl(self.check, attempt.context, self.url(attempt))
        host, port = _host(self.url(attempt)), attempt.port.number if attempt.port else 0
        known = ("--resolve", f"{host}:{port}:{attempt.address}") if attempt.address and attempt.claim else ()
        return RunProgram(
            attempt.asker, (argv[0], *known, *argv[1:]), frozenset({"curl"}), seconds=seconds(self.check) + 1
        )

    def certificate(self, attempt: ConnectionAttempt) -> RunProgram:
        place = _place(attempt)
        argv = ("bash", "-c", CERTIFICATE, place, _host(self.url(attempt)))
        return RunProgram(attempt.asker, argv, frozenset({"openssl"}))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def http_layers(check: Http, url: str, judgement: Judgement | None = None) -> tuple[LayerProbe, ...]:
    """The layers above TCP: TLS where the URL asks for it, then the answer."""
    several = bool(check.servers) or check.requests > 1
    request = Request(check, judgement.actual if several and judgement and judgement.verdict == "fail" else "")
    answer = replace(
        ANSWER,
        title="HTTP answer",
        probes=lambda attempt: (request.run(attempt),),
        reads=lambda attempt, results: _answer(request, attempt, results),
        seen=lambda attempt, results: _seen(request, attempt, results),
    )

    def is_lost(attempt: ConnectionAttempt, results: Answers) -> bool | None:
        return _is_lost(request, attempt, results)

    answer = explained_by_nat(explained_by_rules(answer, is_lost))
    if urlsplit(url).scheme != "https":
        return (answer,)
    tls = replace(
        TLS,
        probes=lambda attempt: _tls_asks(request, attempt),
        reads=lambda attempt, results: _tls(request, attempt, results),
    )
    return (explained_by_rules(tls, is_lost), answer)


def _seen(request: Request, attempt: ConnectionAttempt, results: Answers) -> Answers:
    """What the check met at this very address, where the server may have failed for want of another one."""
    result = results.get(request.by_check(attempt))
    if not isinstance(result, ProgramResult):
        return {}
    facts = facts_of(result)
    failed = result.exit_code == TOO_LATE or int(facts.get("http_code") or 0) >= SERVER_ERROR
    return {request.run(attempt): result} if failed and facts.get("remote_ip") == attempt.address else {}


def _tls_asks(request: Request, attempt: ConnectionAttempt) -> tuple[RunProgram, ...]:
    if not attempt.address:
        return (request.run(attempt),)
    between = (_intermediate(attempt),) if intermediate_of_lab(attempt.context.topology.credentials) else ()
    return (request.run(attempt), request.certificate(attempt), *between)


def _intermediate(attempt: ConnectionAttempt) -> RunProgram:
    """The question: whom does the certificate of the lab's intermediate authority name?"""
    argv = ("openssl", "x509", "-noout", "-subject", "-in", "/wirelab/intermediate.pem")
    return RunProgram(attempt.asker, argv, frozenset({"openssl"}))


def _lacks_intermediate(attempt: ConnectionAttempt, results: Answers, certificate: Sequence[str]) -> bool:
    """Whether the certificate is signed by the lab's intermediate authority, which is then all that is lacking."""
    named = ran_or_reason(results.get(_intermediate(attempt)))
    subject = "" if isinstance(named, str) else named.out.strip().removeprefix("subject=")
    return bool(subject) and f"issuer={subject}" in certificate


def _tls(request: Request, attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    result, readings = ran_or_reason(results.get(request.run(attempt))), LayerReadings()
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return readings.result()
    certificate_output = ran_or_reason(results.get(request.certificate(attempt)))
    certificate = (
        []
        if isinstance(certificate_output, str)
        else [line.strip() for line in certificate_output.out.splitlines() if line.strip()]
    )
    facts, error = facts_of(result), _curl_error(result)
    refusal = client_refusal(attempt, error, presented=request.check.client_certificate) if result.exit_code else ""
    if refusal:
        # With TLS 1.3 it comes after the client's handshake has ended (RFC 8446, section 4.4.2.4).
        readings.broken(error, refusal, _by_hand(attempt, _host(request.url(attempt))))
    elif result.exit_code in TLS_CODES:
        sentence = _mistrust(attempt, _host(request.url(attempt)), error, certificate)
        if "local issuer" in error and _lacks_intermediate(attempt, results, certificate):
            sentence = missing_intermediate(attempt, "\n".join(certificate))
        by_hand = _by_hand(attempt, _host(request.url(attempt)))
        readings.broken(error, sentence, by_hand, evidence=certificate)
    elif result.exit_code == TOO_LATE and not facts.get("time_appconnect") and connected(attempt, results):
        # curl counts the handshake as a part of the connection, which for the kernel is made.
        late = f"does not answer the TLS handshake within {seconds(request.check):g} seconds"
        sentence = f"{attempt.target_name} accepts the connection, but {late}."
        readings.broken(error, sentence, _log(attempt))
    elif facts.get("time_appconnect", 0) > 0:
        readings.evidence += certificate
        readings.held.append("the handshake is complete and the certificate is trusted for this name")
    else:
        readings.not_probed.append("not asked: there was no connection")
    return readings.result()


def _mistrust(attempt: ConnectionAttempt, host: str, error: str, certificate: Sequence[str]) -> str:
    lower = error.lower()
    if "subject name" in lower or "host name" in lower or "hostname" in lower:
        names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", " ".join(certificate))
        other = f"but for {', '.join(names)}" if names else "but for another name"
        return f"The certificate of {attempt.target_name} is not for {host}, {other}."
    if "expired" in lower or "not yet valid" in lower:
        return f"The certificate of {attempt.target_name} is not valid today: {error}."
    if "self-signed" in lower or "self signed" in lower or "issuer" in lower:
        return f"{attempt.asker} does not trust whoever signed the certificate of {attempt.target_name}: {error}."
    if "wrong version number" in lower or "packet length" in lower or "record overflow" in lower:
        return f"{attempt.target_name} does not speak TLS on port {attempt.port.number if attempt.port else 443}."
    if "certificate file" in lower or "verify locations" in lower:
        return f"{attempt.asker} cannot read the certificates that it trusts: {error}."
    return f"{attempt.asker} and {attempt.target_name} do not agree on TLS: {error}."


def _by_hand(attempt: ConnectionAttempt, host: str) -> str:
    place = _place(attempt)
    return attempt.commands.run(attempt.asker, "openssl", "s_client", "-connect", place, "-servername", host)


def _place(attempt: ConnectionAttempt) -> str:
    host = f"[{attempt.address}]" if ":" in str(attempt.address) else attempt.address
    return f"{host}:{attempt.port.number if attempt.port else 443}"


def _curl_error(result: ProgramResult) -> str:
    lines = [line for line in result.err.strip().splitlines() if line.startswith("curl:")]
    text = lines[0] if lines else f"curl ended with {result.exit_code}"
    return re.sub(r"^curl: \(\d+\) ", "", text)


def _answer(request: Request, attempt: ConnectionAttempt, results: Answers) -> LayerReading:
    result, readings = ran_or_reason(results.get(request.run(attempt))), LayerReadings()
    if isinstance(result, str):
        readings.not_probed.append(f"not asked: {result}")
        return readings.result()
    facts = facts_of(result)
    if result.exit_code != 0 or not facts.get("http_code"):
        accepted = connected(attempt, results)
        _no_answer(attempt, request.check, result, facts, readings, accepted=accepted)
        return readings.result()
    answer = read_answer(request.check, result)
    status, body = answer.status, answer.body
    evidence = [f"body: {_short(body.text)}"]
    wrong = _wrong_with(request.check, attempt, answer)
    readings.look_further = status >= SERVER_ERROR
    if wrong:
        sentence, command = _wrong_answer(request, attempt, status, body.text, wrong)
        readings.broken(f"status {status}; {wrong}", sentence, command, evidence=evidence)
    elif request.failed:
        sentence, command = _wrong_servers(request, attempt)
        # A server behind that does not answer is left out by a proxy, without an error.
        readings.look_further = bool(request.check.servers)
        readings.broken(request.failed, sentence, command, evidence=evidence)
    else:
        readings.evidence += evidence
        readings.held.append(f"status {status}")
    return readings.result()


def _is_lost(request: Request, attempt: ConnectionAttempt, results: Answers) -> bool | None:
    """Whether rules in the nodes may keep the answer: of packets over a size, or of a connection that is open already;
    false where an RST came, None where there is an answer."""
    result = results.get(request.run(attempt))
    if not isinstance(result, ProgramResult):
        return None
    return True if result.exit_code == TOO_LATE else False if "reset by peer" in result.err else None


def _wrong_servers(request: Request, attempt: ConnectionAttempt) -> tuple[str, str]:
    """One request is answered as declared; the check asks for more than that."""
    host, sentence = _host(request.url(attempt)), f"A request is answered, but the check says more: {request.failed}."
    if host in attempt.context.topology.hosts_of(attempt.asker):
        sentence += f" Programs of {attempt.asker} find {host} in /etc/hosts, before they ask a DNS server."
        return sentence, attempt.commands.run(attempt.asker, "cat", "/etc/hosts")
    return sentence, _log(attempt)


def _wrong_with(check: Http, attempt: ConnectionAttempt, answer: HttpAnswer) -> str:
    try:
        return wrong_with(check, attempt.context, answer)
    except ResultUnavailable:
        return ""


def _no_answer(
    attempt: ConnectionAttempt,
    check: Http,
    result: ProgramResult,
    facts: dict[str, Any],
    readings: LayerReadings,
    *,
    accepted: bool,
) -> None:
    error = _curl_error(result)
    reset = "reset by peer" in error
    if result.exit_code in TLS_CODES or client_refusal(attempt, error, presented=check.client_certificate):
        readings.not_probed.append("not asked: there was no TLS")
    elif result.exit_code == NOT_CONNECTED and accepted:
        # The RST came before curl had looked at its socket again.
        sentence = f"{attempt.target_name} accepts a connection, but breaks the one of the request off at once."
        readings.broken(error, sentence, _log(attempt))
    elif not facts.get("time_connect") and not reset and not (result.exit_code == TOO_LATE and accepted):
        readings.not_probed.append("not asked: there was no connection")
    else:
        # A program that is frozen takes nothing from its queue: the kernel accepts until there is no room in it.
        readings.look_further = result.exit_code == TOO_LATE
        instead = (
            "breaks it off with an RST" if reset else _instead(result, int(facts.get("http_code", 0)), seconds(check))
        )
        readings.broken(error, f"{attempt.target_name} accepts the connection, but {instead}.", _log(attempt))


def _instead(result: ProgramResult, status: int, limit: float) -> str:
    """What a server does that accepts the connection and gives no whole answer."""
    if result.exit_code == TOO_LATE:
        begun = f"does not end its answer with status {status}" if status else "gives no answer"
        return f"{begun} within {limit:g} seconds"
    if result.exit_code == BAD_CONTENT_ENCODING:
        return (
            f"the body of its answer with status {status} is not what its Content-Encoding says: {_curl_error(result)}"
        )
    if status:
        return f"ends it in the middle of its answer with status {status}: {_curl_error(result)}"
    if result.exit_code in (EMPTY, CUT):
        return "closes it without an answer"
    return f"its answer is no HTTP: {_curl_error(result)}"


def _log(attempt: ConnectionAttempt) -> str:
    return attempt.commands.logs(attempt.target) if attempt.target else attempt.commands.ps()


def _wrong_answer(request: Request, attempt: ConnectionAttempt, status: int, body: str, wrong: str) -> tuple[str, str]:
    url = request.url(attempt)
    method = () if request.check.method == "GET" else ("-X", request.check.method)
    by_hand = attempt.commands.run(attempt.asker, "curl", "-si", *method, url)
    reason = reason_of(body)
    table = MISSING_TABLE.search(f"{body} {reason}")
    if table and attempt.target:
        return (
            f"{attempt.target_name} answers with status {status}, for its database has no table {table[1]}.",
            by_hand,
        )
    if sentence := _client_certificate(attempt, status, body):
        return sentence, by_hand
    if status >= SERVER_ERROR and reason:
        return f"{attempt.target_name} answers with status {status} and says why: {reason}.", by_hand
    if status == 404:
        return (
            f"{attempt.target_name} answers, but it has nothing at {urlsplit(url).path or '/'} (status 404).",
            by_hand,
        )
    return f"{attempt.target_name} answers with status {status}, but {wrong}.", by_hand


def _client_certificate(attempt: ConnectionAttempt, status: int, body: str) -> str:
    """What nginx says of the certificate of a client (status 400, with these texts); empty where it is not that."""
    wants = asks_for_certificate(attempt)
    if status == 400 and "No required SSL certificate was sent" in body:
        return f"{wants} {attempt.asker} presents none."
    if status == 400 and "The SSL certificate error" in body:
        why = "no authority that it trusts has signed it, or it is expired"
        return f"{wants} does not accept the one of {attempt.asker}: {why}."
    return ""


def reason_of(body: str) -> str:
    """What a JSON body gives as its reason, in one line; empty where it gives none."""
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    parts = [str(document[key]) for key in ("error", "reason") if key in document] if isinstance(document, dict) else []
    return _short(": ".join(part.splitlines()[0] for part in parts if part.strip())).rstrip(".")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197] + "..."
