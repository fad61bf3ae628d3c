"""What became of a datagram, as the check found it: `why` sends no other one."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.udp import NO_REPLY, NOBODY_ANSWERS, REFUSALS
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.check_layers.from_judgement import answer_layer, by_judgement
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, LayerProbe
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.filter_rules import (
    ends_of,
    explained_by_rules,
    found_discovery_rules,
    rule_probes,
)


def ip_version(judgement: Judgement) -> str | None:
    """The version of IP that is followed: of a name, the datagram went to one address alone; None is IPv4."""
    return "ipv6" if any(" to [" in line for line in judgement.evidence) else None


def udp_layer(judgement: Judgement) -> LayerProbe:
    """The last layer: the reply. A rule on the way may have dropped the datagram or the reply, or refused it."""
    if NOBODY_ANSWERS in judgement.actual:
        return _not_found_layer(judgement)
    silent = judgement.actual == NO_REPLY
    refused = any(judgement.actual.startswith(words) for words in REFUSALS.values())
    if not silent and not refused:
        return replace(answer_layer(judgement), title="reply")

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        place = f"UDP port {attempt.port.number if attempt.port else 0} of {attempt.target_name}"
        outcome = f"{NO_REPLY.replace('no reply', 'No reply comes', 1)} from {place}"
        met = judgement.actual if judgement.actual.startswith("refused") else f"refused: {judgement.actual}"
        sentence = f"The datagram to {place} is {met}." if refused else f"{outcome}."
        return Cause(sentence, attempt.commands.logs(attempt.target or attempt.asker))

    layer = replace(by_judgement(ANSWER, judgement, says), title="reply")
    return explained_by_rules(layer, lambda _attempt, _results: silent)


def _not_found_layer(judgement: Judgement) -> LayerProbe:
    """No machine answered for the address, so nothing was sent."""

    def says(attempt: ConnectionAttempt, results: Answers) -> Cause:
        rules = found_discovery_rules(attempt, results)
        clause = f": {rules.clause}" if rules else "."
        sentence = f"{attempt.target_name} does not answer for its address {attempt.address}{clause}"
        neighbours = attempt.commands.run(attempt.asker, "ip", "neigh")
        return Cause(sentence, attempt.commands.start_anew(rules.nodes[0]) if rules else neighbours)

    layer = replace(by_judgement(ANSWER, judgement, says), title="reply")
    return replace(layer, asks_further=lambda attempt, _results: rule_probes(attempt, ends_of(attempt)))
