"""Rules about names: keys, the domain, the lengths that DNS allows."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.raw_scenario import RawScenario

# A lab that answered for these would hide names that every machine needs (RFC 6761, RFC 6762, RFC 3172).
RESERVED = ("localhost", "arpa", "local", "invalid", "onion")
LONGEST_NAME = 253
LONGEST_LABEL = 63


def only_written_names(raw: RawScenario) -> Iterator[Violation]:
    """A key is written as the language has it, never by the name that the model's code uses (`asker` for `from`)."""
    for raw_value in raw.raw_values:
        record = raw_value.form.mapping or (
            raw_value.form.tagged_union.variant_of(raw_value.value) if raw_value.form.tagged_union else None
        )
        if record is None or not isinstance(raw_value.value, dict):
            continue
        for key in raw_value.value:
            if key in record.model.fields and key not in record.fields:
                alias = record.model.fields[key].alias
                yield Violation((*raw_value.path, key), f"unknown key {key!r}; did you mean {alias!r}?", at_key=True)


def domain_is_free(raw: RawScenario) -> Iterator[Violation]:
    """The lab's domain is none that machines use for themselves, and cannot be taken for an address."""
    last = raw.domain.rpartition(".")[2] if raw.domain else ""
    if last in RESERVED:
        yield Violation(
            ("domain",), f"{raw.domain!r} is reserved ({listed(RESERVED)} are); take another, such as shop.lab"
        )
    elif last.isdigit():
        yield Violation(("domain",), f"{raw.domain!r} ends with a number, like an address; take a word, such as lab")


def nodes_have_free_names(raw: RawScenario) -> Iterator[Violation]:
    """No node is called `random`, in checks ${random} is a random word; or `localhost`, each machine's own name."""
    if "random" in raw.nodes:
        message = "a node cannot be called 'random': ${random} is a random word in the texts of checks"
        yield Violation(("nodes", "random"), message, at_key=True)
    if "localhost" in raw.nodes:
        message = "a node cannot be called 'localhost': on every machine that is the machine itself"
        yield Violation(("nodes", "localhost"), message, at_key=True)


def names_fit(raw: RawScenario) -> Iterator[Violation]:
    """A node's full name has at most 253 characters and a label 63 (RFC 1035, section 2.3.4)."""
    for name in raw.nodes:
        longest = raw.groups.get(name, (name,))[-1]
        length = len(longest) + 1 + len(raw.domain or "")
        if len(longest) > LONGEST_LABEL >= len(name):
            message = f"its last replica is {longest[:20]}…, of {len(longest)} characters; DNS allows {LONGEST_LABEL}"
            yield Violation(("nodes", name), message, at_key=True)
        elif length > LONGEST_NAME and len(name) <= LONGEST_LABEL:
            message = f"the name {longest[:20]}….<domain> has {length} characters; DNS allows {LONGEST_NAME}"
            yield Violation(("nodes", name), message, at_key=True)


def replicas_have_free_names(raw: RawScenario) -> Iterator[Violation]:
    """No node is declared under the name that a replica of another has."""
    for group, machines in raw.groups.items():
        for machine in machines:
            if machine in raw.nodes:
                line = raw.line_of(("nodes", group))
                message = f"this is the name of a replica of {group!r} (line {line}); take another"
                yield Violation(("nodes", machine), message, at_key=True)
