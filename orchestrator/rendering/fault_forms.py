"""The forms in which a page asks for the words of a fault, read from how the kind is used on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.records import TYPES

FieldType = Literal["node", "nodes", "network", "text", "texts", "number", "choice"]


@dataclass(frozen=True)
class FormField:
    """One word of a fault: its name, what can stand there, and whether it may be left out."""

    name: str
    type: FieldType
    label: str
    choices: tuple[str, ...] = ()
    optional: bool = False


def fields_of(fault: type[BaseFault]) -> tuple[FormField, ...]:
    """One field for each word after the kind, in the order of the command line."""
    fields: list[FormField] = []
    for word in fault.usage.split():
        field = _field(word, len(fields) + 1)
        again = any(field.label == other.label for other in fields)
        label = f"the other {field.label}" if again else field.label
        fields.append(FormField(field.name, field.type, label, field.choices, field.optional))
    return tuple(fields)


def _field(word: str, number: int) -> FormField:
    """As `NODE`, `NODE,...`, `[NETWORK]`, `[ipv4|ipv6]`, `[one-way]`, `TYPE` or `[VALUE...]`."""
    optional = word.startswith("[")
    bare = word.strip("[]")
    label = bare.removesuffix(",...").removesuffix("...").lower().replace("-", " ").replace("|", " or ")
    label = label.replace("dns", "DNS").replace("ipv", "IPv").replace("tcp or udp", "TCP or UDP")
    name = f"word{number}"
    if "|" in bare or bare.islower():
        return FormField(name, "choice", label, tuple(bare.split("|")), optional)
    if bare == "TYPE":
        return FormField(name, "choice", "type of record", tuple(TYPES), optional)
    if bare.endswith("NODE,..."):
        return FormField(name, "nodes", "nodes", (), optional)
    if bare.endswith("NODE"):
        return FormField(name, "node", label, (), optional)
    if bare == "PORT":
        return FormField(name, "number", label, (), optional)
    if bare == "NETWORK":
        return FormField(name, "network", label, (), optional)
    if bare.endswith("..."):
        return FormField(name, "texts", f"{label}s", (), optional)
    return FormField(name, "text", label, (), optional)
