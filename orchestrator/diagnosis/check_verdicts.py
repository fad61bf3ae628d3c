"""Layers where nothing is asked anew: what the check itself found there is what counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.diagnosis.stage import Answers, Leg, Readings, Seen, Stage
from orchestrator.diagnosis.tcp_connection import by_hand
from orchestrator.diagnosis.walk import Break, LayerName

# How the judgement of a handshake begins in which no certificate came.
NONE = "no certificate"


def judged(judgement: Judgement) -> Stage:
    """The last layer: what the check asks for beyond a connection."""

    def says(leg: Leg) -> Break:
        sentence = f"What is below it holds, but the check itself does not: {judgement.actual.rstrip('.')}."
        return Break(sentence, leg.commands.logs(leg.target or leg.asker))

    return _by_judgement("answer", judgement, says, "what the check says")


def forbidden(judgement: Judgement) -> Stage:
    """TCP, where the check says that no connection is made; that one was made is explained by nothing below."""

    def says(leg: Leg) -> Break:
        number = leg.port.number if leg.port else 0
        sentence = f"{leg.asker} can connect to port {number} of {leg.to}, but the check says that it cannot."
        return Break(sentence, by_hand(leg))

    return replace(_by_judgement("tcp", judgement, says), echo=False)


def shaken(judgement: Judgement) -> Stage:
    """TLS, as the check's own handshake found it."""

    def says(leg: Leg) -> Break:
        place = f"{leg.address}:{leg.port.number if leg.port else 443}"
        command = leg.commands.run(leg.asker, "openssl", "s_client", "-connect", place)
        if judgement.actual.startswith(NONE):
            return Break(f"{leg.asker} is shown no certificate by {leg.to}: {judgement.actual}.", command)
        sentence = f"{leg.asker} finds another certificate at {leg.to} than the check says: {judgement.actual}."
        return Break(sentence, command)

    return _by_judgement("tls", judgement, says)


def bound(judgement: Judgement) -> Stage:
    """What a node listens on, as the check found it in its socket table."""

    def says(leg: Leg) -> Break:
        sentence = f"{leg.asker} does not listen as the check says: {judgement.actual}."
        return Break(sentence, leg.commands.run(leg.asker, "ss", "-tulnp"))

    return _by_judgement("listen", judgement, says)


def _by_judgement(name: LayerName, judgement: Judgement, says: Callable[[Leg], Break], called: str = "") -> Stage:
    def reads(leg: Leg, _answers: Answers) -> Seen:
        readings = Readings()
        if judgement.verdict == "pass":
            readings.held.append(judgement.actual)
            readings.evidence += judgement.evidence
        elif judgement.verdict == "unknown":
            readings.unasked.append(judgement.actual)
        else:
            one = says(leg)
            readings.broken(judgement.actual, one.sentence, one.command, evidence=judgement.evidence)
        return readings.seen()

    return Stage(name, lambda _leg: (), reads, called, echo=True)
