"""Records of a zone, as an author writes them beside the nodes' own (RFC 1035, section 3.3; RFC 2782 for SRV).

A name without a dot stands in the zone; a name with a dot is whole, whether or not it ends with one. So `app` and
`app.shop.lab` are the same in the zone shop.lab, and nobody falls into the trap of the forgotten last dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import ADDRESS, LABEL, PORT, NetworkName, formed

_PART = f"_?{LABEL}"
_NAME = rf"{_PART}(\.{_PART})*\.?"
OWNER = rf"(@|\*|(\*\.)?{_PART}(\.{_PART})*)"
ZONE = rf"(\.|{LABEL}(\.{LABEL})*)"
_NODE = rf"\$\{{{LABEL}\}}"
_H = "[0-9a-f]{1,4}"
_IPV6 = "|".join(
    (
        rf"({_H}:){{7}}{_H}",
        rf"({_H}:){{1,7}}:",
        *(rf"({_H}:){{1,{7 - n}}}(:{_H}){{1,{n}}}" for n in range(1, 7)),
        rf":((:{_H}){{1,7}}|:)",
    )
)
IN_NODE = re.compile(_NODE)
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "PTR", "NS")
# The types whose value ends with a name, which must be there.
NAMING = ("CNAME", "MX", "SRV", "PTR", "NS")
LONGEST_TTL = 604_800  # a week: longer is no use in a lab (RFC 2181, section 8, allows 68 years)


def _typed(pattern: str, form: str) -> Any:
    return Annotated[str, *formed(pattern, form)]


def _some(kind: Any) -> Any:
    """One value, or a list of values."""
    return kind | Annotated[tuple[kind, ...], Field(strict=False, min_length=1)]


Ttl = Annotated[int, Field(ge=0, le=LONGEST_TTL)]
Owner = _typed(OWNER, "a name inside the zone, such as www, _http._tcp, @ for the zone itself, or * for any")
ZoneName = _typed(ZONE, "the name of a zone, such as shop.lab, or '.' for the root")
WholeName = _typed(rf"(\*\.)?{_PART}(\.{_PART})*", "a whole name, such as www.shop.lab")
IPv4Value = _typed(f"{_NODE}|{ADDRESS}", "an IPv4 address, such as 192.168.7.20, or ${NODE} for a node's own")
IPv6Value = _typed(
    f"{_NODE}|{_IPV6}", "an IPv6 address in small letters, such as fd00::20, or ${NODE} for a node's own"
)
NameValue = _typed(_NAME, "a name: app for app in this zone, or a whole one such as app.shop.lab")
MxValue = _typed(
    f"{PORT} {_NAME}", "a preference (0 to 65535, the lowest is tried first) and a name, such as '10 mail'"
)
SrvValue = _typed(
    rf"{PORT} {PORT} {PORT} ({_NAME}|\.)", "priority, weight, port and a name, such as '0 5 80 app' (RFC 2782)"
)
TextValue = Annotated[str, Field(min_length=1, max_length=1000)]


class RecordValues(ScenarioModel):
    """Records of one name, by type: a value or a list of values for each."""

    A: _some(IPv4Value) | None = Field(  # type: ignore[valid-type]
        None,
        description="IPv4 addresses; ${NODE} is a node's address as it is told on the asker's network.",
        examples=["${app}", ["192.168.7.20", "192.168.7.21"]],
    )
    AAAA: _some(IPv6Value) | None = Field(  # type: ignore[valid-type]
        None, description="IPv6 addresses; ${NODE} is a node's own.", examples=["${app}", "fd00::20"]
    )
    CNAME: NameValue | None = Field(  # type: ignore[valid-type]
        None, description="The name of which this one is an alias; it stands alone (RFC 1034, 3.6.2).", examples=["app"]
    )
    MX: _some(MxValue) | None = Field(  # type: ignore[valid-type]
        None, description="Mail servers: a preference and a name for each.", examples=["10 mail"]
    )
    TXT: _some(TextValue) | None = Field(  # type: ignore[valid-type]
        None, description="Any texts.", examples=["hello", ["one", "two"]]
    )
    SRV: _some(SrvValue) | None = Field(  # type: ignore[valid-type]
        None, description="Where a service is: priority, weight, port, name (RFC 2782).", examples=["0 5 80 app"]
    )
    PTR: _some(NameValue) | None = Field(  # type: ignore[valid-type]
        None, description="Names to which this one points back.", examples=["app"]
    )
    NS: _some(NameValue) | None = Field(  # type: ignore[valid-type]
        None,
        description="Name servers of a part of the zone, where `delegates` does not say them.",
        examples=["ns.example.lab"],
    )
    ttl: Ttl | None = Field(
        None, description="Seconds for which these records may be kept; the zone's own ttl when absent.", examples=[5]
    )

    def values(self) -> Iterator[tuple[str, str]]:
        """(type, value) of each record, in the order of TYPES."""
        for kind in TYPES:
            value = getattr(self, kind)
            for rdata in (value,) if isinstance(value, str) else value or ():
                yield kind, rdata


class RecordSet(RecordValues):
    """The records of one name, by type: a value or a list of values for each."""

    dangling: bool = Field(
        False,
        description="true: the name of which this one is an alias is missing on purpose.",
        examples=[True],
    )
    per_network: dict[NetworkName, RecordValues | None] = Field(
        default_factory=dict,
        description="Other records of the name for those who ask from a network, in place of all that are written "
        "beside this (split-horizon DNS). null: for them there is no such name.",
        examples=[{"inside": {"A": "${app}"}, "outside": {"A": "203.0.113.10"}}, {"outside": None}],
    )

    def seen_from(self, network: str) -> RecordValues | None:
        """The records for those who ask from a network; None where they are told of no such name."""
        return self.per_network.get(network, self)

    def all_values(self) -> Iterator[tuple[str, str]]:
        """(type, value) of each record, whoever is told of it."""
        for records in (self, *self.per_network.values()):
            yield from records.values() if records else ()


Records = dict[Owner, RecordSet]  # type: ignore[valid-type]


def absolute(name: str, zone: str) -> str:
    """A name as it stands in a value, whole, without the last dot: `app` in the zone shop.lab is app.shop.lab."""
    if "." in name.rstrip("."):
        return name.rstrip(".")
    return name[:-1] if name.endswith(".") else below(name, zone)


def below(owner: str, zone: str) -> str:
    """An owner's whole name without the last dot: `www` in shop.lab is www.shop.lab, `@` the zone itself."""
    if owner == "@":
        return zone.rstrip(".")
    return f"{owner}.{zone}".rstrip(".")


def address_of(text: str) -> IPv4Address | IPv6Address | str:
    """The address, or the name of the node in ${NODE}."""
    if text.startswith("${"):
        return text[2:-1]
    return IPv6Address(text) if ":" in text else IPv4Address(text)
