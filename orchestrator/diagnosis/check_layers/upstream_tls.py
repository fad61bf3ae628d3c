"""TLS between a proxy and a server behind it: the proxy is the client, and verifies as it is told to."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.kinds.tls import Handshake, handshake_probe, read_acceptance, read_handshake
from orchestrator.checks.probes import ENDED_CODES, RunProgram
from orchestrator.diagnosis.check_layers.from_judgement import (
    client_refusal,
    missing_intermediate,
    server_name,
)
from orchestrator.diagnosis.layer_probe import (
    Answers,
    ConnectionAttempt,
    LayerProbe,
    LayerReading,
    LayerReadings,
    ran_or_reason,
)
from orchestrator.diagnosis.layers.filter_rules import explained_by_rules
from orchestrator.diagnosis.layers.tcp import connected
from orchestrator.diagnosis.layers.tls import TLS
from orchestrator.model.tls import UpstreamTls


def upstream_tls_layer(tls: UpstreamTls, name: str) -> LayerProbe:
    """The handshake of a proxy with one of its servers, by the name that nginx sends and looks for."""

    def probe(attempt: ConnectionAttempt) -> RunProgram:
        address, port = attempt.address or "", attempt.port.number if attempt.port else 443
        return handshake_probe(attempt.asker, address, port, name, "", "present" if tls.client_certificate else "look")

    def reads(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
        result, readings = ran_or_reason(results.get(probe(attempt))), LayerReadings()
        if isinstance(result, str):
            readings.not_probed.append(f"not asked: {result}")
            return readings.result()
        port = attempt.port.number if attempt.port else 443
        place = f"{attempt.address}:{port}"
        by_hand = attempt.commands.run(attempt.asker, "openssl", "s_client", "-connect", place, *server_name(name))
        shaken, (_, how) = read_handshake(result.out), read_acceptance(result.out)
        if refusal := client_refusal(attempt, how, presented=tls.client_certificate):
            readings.broken(f"the server refuses the client, by {how}", refusal, by_hand)
        elif shaken is None and not connected(attempt, results):
            readings.not_probed.append("not asked: there was no connection")
        elif shaken is None:
            late = result.exit_code in ENDED_CODES
            what = "does not answer the TLS handshake" if late else f"does not speak TLS on port {port}"
            readings.broken(
                "no certificate came", f"{attempt.target_name} accepts the connection, but {what}.", by_hand
            )
        elif tls.verify and (wrong := _wrong(attempt, shaken, name)):
            readings.broken(shaken.message, wrong, by_hand, evidence=shaken.chain)
        else:
            readings.evidence += shaken.chain
            verified = f"the certificate is good for {name}" if tls.verify else f"{attempt.asker} verifies nothing"
            readings.held.append(f"the handshake is complete, and {verified}")
        return readings.result()

    def is_lost(attempt: ConnectionAttempt, results: Answers) -> bool | None:
        result = ran_or_reason(results.get(probe(attempt)))
        return True if not isinstance(result, str) and result.exit_code in ENDED_CODES else None

    layer = replace(TLS, probes=lambda attempt: (probe(attempt),) if attempt.address else (), reads=reads)
    return explained_by_rules(layer, is_lost)


def _wrong(attempt: ConnectionAttempt, shaken: Handshake, name: str) -> str:
    """Why the proxy does not accept the certificate; empty where it does."""
    errors = shaken.errors - {""} or ({shaken.result} - {"ok"} if shaken.result else {shaken.message})
    target = attempt.target_name
    if "missing intermediate" in errors:
        return missing_intermediate(attempt, f"from {shaken.missing}, whose own certificate")
    if "unknown authority" in errors:
        return f"{attempt.asker} does not trust whoever signed the certificate of {target}: {shaken.issuer}."
    if "expired" in errors:
        return f"The certificate of {target} is not valid today: {shaken.message}."
    if "hostname mismatch" in errors:
        looks = f"the name that {attempt.asker} looks for"
        return f"The certificate of {target} is not for {name}, {looks}, but for {shaken.subject}."
    return f"{attempt.asker} does not accept the certificate of {target}: {', '.join(errors)}." if errors else ""
