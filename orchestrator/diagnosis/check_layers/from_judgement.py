"""Layers where nothing is asked anew: what the check itself found there is what counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.tls import BROKEN_OFF, CLOSES, GOES_ON, NOT_SENT, SHAKE_SECONDS
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, LayerProbe, LayerReading, LayerReadings
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.filter_rules import explained_by_rules
from orchestrator.diagnosis.layers.listen import LISTEN
from orchestrator.diagnosis.layers.tcp import TCP, by_hand, connected
from orchestrator.diagnosis.layers.tls import TLS
from orchestrator.model.tls import ServerTls
from orchestrator.model.values import is_address

# How the judgement of a handshake begins in which no certificate came.
NONE = "no certificate"
# And of one in which nothing came.
NO_ANSWER = f"{NONE} in "
# What openssl says of an answer that is no TLS.
NO_TLS = ("wrong version number", "packet length too long", "record layer failure")
# What is said of a connection that the server closed after the handshake: by curl, and by the check `tls`.
CLOSED_WORDS = ("unexpected eof", "Broken pipe", "reset by peer", CLOSES)

# How the judgement of a handshake ends that finds another certificate than a good one.
NOT_GOOD = re.compile(r"(?P<faults>.*?): the certificate of (?P<subject>.*), from (?P<issuer>.*); that is not 'ok'")

MakeCause = Callable[[ConnectionAttempt, Answers], Cause]


def answer_layer(judgement: Judgement) -> LayerProbe:
    """The last layer: what the check asks for beyond a connection."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        sentence = f"What is below it holds, but the check itself does not: {judgement.actual.rstrip('.')}."
        node = attempt.target or attempt.asker
        # Who has a port already stands in no log.
        taken = "EADDRINUSE" in judgement.actual
        return Cause(sentence, attempt.commands.run(node, "ss", "-tulnp") if taken else attempt.commands.logs(node))

    return replace(by_judgement(ANSWER, judgement, says), title="what the check says")


def program_layer(judgement: Judgement, argv: Sequence[str]) -> LayerProbe:
    """The same of a program that the check runs. What it wrote is in no log, so it is to be run again."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        sentence = f"What is below it holds, but the check itself does not: {judgement.actual.rstrip('.')}."
        words = tuple(attempt.context.fill(word, attempt.asker) for word in argv)
        return Cause(sentence, attempt.commands.run_again(attempt.asker, *words))

    return replace(by_judgement(ANSWER, judgement, says), title="what the check says")


def forbidden_tcp_layer(judgement: Judgement) -> LayerProbe:
    """TCP, where the check says that no connection is made; that one was made is explained by nothing below."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        number = attempt.port.number if attempt.port else 0
        sentence = (
            f"{attempt.asker} can connect to port {number} of {attempt.target_name}, but the check says that it cannot."
        )
        return Cause(sentence, by_hand(attempt))

    return replace(by_judgement(TCP, judgement, says), repeats_check=False)


def led_elsewhere_layer(judgement: Judgement) -> LayerProbe:
    """TCP, where a rule of the asker's packet filter has led the connection of the check to another machine."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        sentence = f"{judgement.actual[judgement.actual.rfind('; ') + 1 :].strip()}."
        return Cause(sentence, attempt.commands.start_anew(attempt.asker))

    return replace(by_judgement(TCP, judgement, says), repeats_check=False)


def tls_layer(judgement: Judgement, name: str, *, presented: bool) -> LayerProbe:
    """TLS, as the check's own handshake found it, by this server name, with a client certificate or without."""

    def says(attempt: ConnectionAttempt, results: Answers) -> Cause:
        place = f"{attempt.address}:{attempt.port.number if attempt.port else 443}"
        command = attempt.commands.run(attempt.asker, "openssl", "s_client", "-connect", place, *server_name(name))
        if judgement.actual.startswith(NO_ANSWER) and connected(attempt, results):
            late = f"does not answer the TLS handshake within {SHAKE_SECONDS:g} seconds"
            return Cause(f"{attempt.target_name} accepts the connection, but {late}.", command)
        if judgement.actual == BROKEN_OFF:
            return Cause(f"{attempt.target_name} accepts the connection, but breaks it off with an RST.", command)
        if judgement.actual.endswith(NO_TLS):
            number = attempt.port.number if attempt.port else 443
            return Cause(f"{attempt.target_name} does not speak TLS on port {number}.", command)
        if judgement.actual.startswith(NONE):
            return Cause(
                f"{attempt.asker} is shown no certificate by {attempt.target_name}: {judgement.actual}.", command
            )
        if refusal := client_refusal(attempt, judgement.actual, presented=presented):
            return Cause(refusal, command)
        if judgement.actual.startswith(GOES_ON):
            sentence = f"The check says that {attempt.target_name} refuses {attempt.asker}, but it does not."
            return Cause(sentence, command)
        if NOT_SENT in judgement.actual:
            return Cause(missing_intermediate(attempt, judgement.actual), command)
        if mistrust := _mistrust(attempt, name, judgement.actual):
            return Cause(mistrust, command)
        other = f"{attempt.asker} finds another certificate at {attempt.target_name}"
        sentence = f"{other} than the check says: {judgement.actual}."
        return Cause(sentence, command)

    lost = True if judgement.actual.startswith(NO_ANSWER) else False if judgement.actual == BROKEN_OFF else None
    return explained_by_rules(by_judgement(TLS, judgement, says), lambda _attempt, _results: lost)


def _mistrust(attempt: ConnectionAttempt, name: str, text: str) -> str:
    """The sentence on a certificate that should be good; empty if the text says something else of it.

    Of several faults it names the first that a client looks for (RFC 5280, section 6; RFC 9525).
    """
    verified = NOT_GOOD.fullmatch(text)
    faults = verified["faults"].split(", ") if verified else []
    if not verified or not faults:
        return ""
    port = f", port {attempt.port.number}," if attempt.port else ""
    certificate = f"The certificate of {attempt.target_name}{port}"
    if "unknown authority" in faults:
        issuer = _common_name(verified["issuer"])
        return f"{certificate} is signed by {issuer!r}, an authority that {attempt.asker} does not trust."
    if "expired" in faults:
        return f"{certificate} is not valid today: it has expired."
    if "hostname mismatch" in faults:
        return f"{certificate} is not for {name}, but for {_common_name(verified['subject'])}."
    return ""


def _common_name(subject: str) -> str:
    """The name of whom a certificate speaks of, for a person; the whole subject where it has no common name."""
    return subject.rpartition("CN=")[2] or subject


def missing_intermediate(attempt: ConnectionAttempt, text: str) -> str:
    """The sentence on a chain that ends before an authority that the asker trusts; the text names the issuer."""
    issuer = re.search(r"(?:from |issuer=)(.*?)(?:, whose own certificate|$)", text, re.M)
    named = issuer[1].strip() if issuer else "an intermediate authority"
    sentence = f"{attempt.target_name} does not send the certificate of {named}, which has signed its own"
    return f"{sentence}; so {attempt.asker} cannot follow the chain to the authority that it trusts."


def asks_for_certificate(attempt: ConnectionAttempt) -> str:
    """The beginning of a sentence on a server that wants a certificate of its clients."""
    return f"{attempt.target_name} asks for a certificate of the client (mutual TLS), and"


def client_refusal(attempt: ConnectionAttempt, text: str, *, presented: bool) -> str:
    """The sentence on a server that refuses a client without a valid certificate; empty if it does not refuse it.

    The text holds the server's alert (RFC 8446, section 6.2), or says that the server closed the connection. In the
    second case, the scenario file says whether the server wants a certificate, and whether the client has a valid one.
    """
    alert = re.search(r"alert '?(unknown ca|certificate \w+|(?:bad|no|unsupported) certificate)", text)
    closed = any(word in text for word in CLOSED_WORDS) and _wants_certificate(attempt)
    if (alert and "required" in alert[1]) or (closed and not presented):
        return f"{asks_for_certificate(attempt)} {attempt.asker} presents none."
    if alert or (closed and attempt.context.topology.node(attempt.asker).client_certificate == "unknown"):
        why = "no authority that it trusts has signed it, or it is expired"
        return f"{asks_for_certificate(attempt)} does not accept the one of {attempt.asker}: {why}."
    return ""


def _wants_certificate(attempt: ConnectionAttempt) -> bool:
    """Whether the file says that the server at this port wants a certificate of its clients."""
    listeners = attempt.context.topology.listeners_of(attempt.target) if attempt.target else ()
    declared = (listener.tls for listener in listeners if attempt.port and listener.port == attempt.port.number)
    return any(isinstance(tls, ServerTls) and tls.client_certificate for tls in declared)


def server_name(name: str) -> tuple[str, ...]:
    """The option for the server name; none for an address, which is no server name (RFC 6066, section 3)."""
    return () if is_address(name) else ("-servername", name.rstrip("."))


def listen_layer(judgement: Judgement) -> LayerProbe:
    """What a node listens on, as the check found it in its socket table."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        sentence = f"{attempt.asker} does not listen as the check says: {judgement.actual}."
        return Cause(sentence, attempt.commands.run(attempt.asker, "ss", "-tulnp"))

    return by_judgement(LISTEN, judgement, says)


def by_judgement(layer: LayerProbe, judgement: Judgement, says: MakeCause) -> LayerProbe:
    def reads(attempt: ConnectionAttempt, results: Answers) -> LayerReading:
        readings = LayerReadings()
        if judgement.verdict == "pass":
            readings.held.append(judgement.actual)
            readings.evidence += judgement.evidence
        elif judgement.verdict == "unknown":
            readings.not_probed.append(judgement.actual)
        else:
            cause = says(attempt, results)
            readings.broken(judgement.actual, cause.sentence, cause.command, evidence=judgement.evidence)
        return readings.result()

    return replace(layer, probes=lambda _attempt: (), reads=reads, repeats_check=True)
