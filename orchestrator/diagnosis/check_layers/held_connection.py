"""What became of a connection that was held open, as the check found it: `why` asks nothing anew."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.findings import Judgement
from orchestrator.checks.walk import Cause
from orchestrator.diagnosis.check_layers.from_judgement import by_judgement
from orchestrator.diagnosis.layer_probe import Answers, ConnectionAttempt, LayerProbe
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.filter_rules import explained_by_rules

# How the judgement says that the server has forgotten a connection; then it is half-open (RFC 9293, section 3.5.1).
FORGOTTEN = "does not have the connection any more"


def held_layer(judgement: Judgement) -> LayerProbe:
    """The last layer: the connection that was opened before. That a new one is accepted says nothing about it."""

    def says(attempt: ConnectionAttempt, _results: Answers) -> Cause:
        sockets = attempt.commands.run(attempt.asker, "ss", "-tno")
        return Cause(_sentence(judgement.actual, attempt), sockets if _is_silent(judgement) else _logs(attempt))

    lost = True if _is_silent(judgement) else False if judgement.actual.startswith("reset") else None
    layer = replace(by_judgement(ANSWER, judgement, says), title="held connection")
    return explained_by_rules(layer, lambda _attempt, _results: lost)


def _is_silent(judgement: Judgement) -> bool:
    return judgement.actual.startswith("silent")


def _logs(attempt: ConnectionAttempt) -> str:
    return attempt.commands.logs(attempt.target or attempt.asker)


def _sentence(actual: str, attempt: ConnectionAttempt) -> str:
    server, asker = attempt.target_name, attempt.asker
    match actual.partition(":")[0]:
        case "closed":
            what = f"{server} has closed a connection that {asker} still wanted to use"
            return f"{what}; {asker} has to open a new one and send the text again ({_short(actual)})."
        case "reset":
            return f"{server}, or something before it, does not know the connection of {asker} and answers with an RST."
        case "silent" if FORGOTTEN in actual:
            what = f"The connection is half-open: {server} does not have it any more, and {asker} was not told"
            return f"{what}; what {asker} sends on it is lost."
        case "silent":
            what = f"What {asker} sends on the connection is lost on the way, although a new one is accepted"
            return f"{what}: a filter on the way has forgotten it, or drops its packets."
        case "unanswered":
            return f"The kernel of {server} acknowledges what {asker} sends, but the program there does not answer."
        case _:
            return f"The connection of {asker} is not as the check says: {actual.rstrip('.')}."


def _short(actual: str) -> str:
    return actual.partition(": ")[2].partition(";")[0]
