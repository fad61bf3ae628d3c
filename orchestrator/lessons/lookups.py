"""Which DNS questions one run of a program asks for one name: they are one attempt of a learner."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestrator.traffic.exchanges.events import DnsExchange

# From one question of a program to its next one; who types a command again takes longer.
NEXT_QUESTION_SECONDS = 0.2


@dataclass(frozen=True)
class Lookup:
    """Questions for one name, each another one; `until` is when the last of them was over.

    A program asks for both families of addresses, side by side or one after the other (getaddrinfo(3)). A resolver asks
    the next server, and completes a name with the lab's domain (resolv.conf(5), search).
    """

    node: str
    name: str
    questions: frozenset[tuple[str, ...]]
    until: float

    def joined_by(self, event: DnsExchange, domain: str) -> Lookup | None:
        """This lookup with one question more; None where the question is no part of it."""
        other = lookup_of(event, domain)
        is_new_question = self.questions.isdisjoint(other.questions)
        is_soon = event.started <= self.until + NEXT_QUESTION_SECONDS
        if (self.node, self.name) != (other.node, other.name) or not is_new_question or not is_soon:
            return None
        return replace(self, questions=self.questions | other.questions, until=max(self.until, other.until))


def lookup_of(event: DnsExchange, domain: str) -> Lookup:
    """The lookup that begins with this question."""
    name = event.name.lower().rstrip(".")
    question = (name, event.type, event.flow.server.address, event.flow.protocol)
    until = event.started if event.ended is None else event.ended
    return Lookup(event.flow.client.node, name.removesuffix(f".{domain}"), frozenset([question]), until)
