"""The small typed values of the scenario language, each with the rule that makes it valid."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Annotated, Any, Literal

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.language import AfterValidator, BeforeValidator, Field, WithJsonSchema
from orchestrator.quick_dataclass import dataclass

# Patterns, each for a whole text: for `fullmatch`, or as a part of another one.
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"{LABEL}(\.{LABEL})*"
OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
ADDRESS = rf"{OCTET}(\.{OCTET}){{3}}"
_PREFIX = "(3[0-2]|[12]?[0-9])"
PRIVATE = tuple(IPv4Network(range_) for range_ in ("192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8"))  # RFC 1918
SUBNET = rf"(10\.{OCTET}|172\.(1[6-9]|2[0-9]|3[01])|192\.168)\.{OCTET}\.{OCTET}/(1[6-9]|2[0-9])"
PORT = "(0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = r"(\[[0-9a-fA-F:.]+\]|\[\$\{[a-z0-9-]+(\.[a-z0-9-]+)?\.ipv6\}\]|[^\s:/@\[\]]+)"
HOST_PORT = f"{_HOST}:{PORT}"
PLACE = rf"\$\{{{LABEL}(\.{LABEL})?"
PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
BIND = rf"({ADDRESS}|\[[0-9a-fA-F:.]+\]|{PLACE}\}}|\[{PLACE}\.ipv6\}}\]):{PORT}"
REPLYPLACE = BIND.removesuffix(f":{PORT}") + f"(:{PORT})?"
SOURCE = rf"({ADDRESS}|[0-9a-f]*:[0-9a-f:]*|{PLACE}(\.ipv6)?\}})"
BOUND = f"({LABEL}|{ADDRESS}|::1)"
URL = rf"https?://{_HOST}(:{PORT})?([/?#][^\s]*)?"


@dataclass(frozen=True)
class Reference:
    """Marks a text that names something declared elsewhere in the file; reading checks that it is there.

    `serves`: the role of the node must serve this protocol.
    `several`: the name may also be that of a group, which then stands for all of its replicas.
    """

    to: Literal["node", "network"]
    serves: ApplicationProtocol | None = None
    several: bool = False


@dataclass(frozen=True)
class DisplayName:
    """What an author calls a value of this type; the reference says it."""

    words: str


@dataclass(frozen=True)
class VariantNames:
    """Marks mappings of several kinds, told by which key is there: what one of them is called, and what it says."""

    noun: str
    says: str
    written: str


@dataclass(frozen=True)
class HostText:
    """Marks a text that holds a host: an address, or a name that the lab's DNS must know."""


def _label(text: str) -> str:
    if not re.fullmatch(LABEL, text):
        rule = "a name is 1 to 63 of the letters a-z, the digits and '-', and neither begins nor ends with '-'"
        raise ValueError(rule + _meant(text.replace(".", "-"), LABEL))
    return text


def _meant(text: str, pattern: str) -> str:
    """The nearest text of the form."""
    meant = re.sub("[ _]+", "-", text.strip(" .-_").lower())
    return f"; write {meant!r}" if re.fullmatch(pattern, meant) else ""


def _domain(text: str) -> str:
    for part in text.split("."):
        if not re.fullmatch(LABEL, part):
            what = f"{part!r} is no domain label" if part else "a label is empty, before, between or after the dots"
            raise ValueError(
                f"{what}; one is 1 to 63 of the letters a-z, the digits and '-', "
                f"and it neither begins nor ends with '-'{_meant(text, DOMAIN)}"
            )
    if len(text) > 200:
        raise ValueError("a domain name may have 200 characters here, so that names below it still fit in 253")
    return text


def _address(text: Any) -> IPv4Address:
    if isinstance(text, IPv4Address):
        return text
    if not isinstance(text, str):
        raise ValueError("an address is four numbers from 0 to 255, such as 192.168.7.20")
    parts = text.split(".")
    for part in parts:
        if part.isdigit() and int(part) > 255:
            raise ValueError(f"an address is four numbers from 0 to 255; {part} is too large")
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError("an address is four numbers from 0 to 255, such as 192.168.7.20") from None


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or an IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether DNS can be asked for a text: labels of 63 octets, 253 in all (RFC 1035, section 2.3.4)."""
    filled = PLACEHOLDER.sub("x", text).removesuffix(".")
    labels = filled.split(".") if text != "." else []
    return len(filled) <= 253 and all(re.fullmatch("[A-Za-z0-9_*-]{1,63}", label) for label in labels)


def _subnet(text: Any) -> IPv4Network:
    if isinstance(text, IPv4Network):
        return text
    if not isinstance(text, str) or not re.fullmatch(rf"{ADDRESS}/{_PREFIX}", text):
        raise ValueError("a subnet is an address and a prefix length, such as 192.168.7.0/24")
    subnet = IPv4Network(text, strict=False)
    if text != str(subnet):
        raise ValueError(f"this is no subnet ({text} has host bits set); write {subnet}")
    if not any(subnet.subnet_of(private) for private in PRIVATE):
        raise ValueError("a lab's network is private: a part of 192.168.0.0/16, 172.16.0.0/12 or 10.0.0.0/8 (RFC 1918)")
    if not 16 <= subnet.prefixlen <= 29:
        raise ValueError("the prefix length of a lab's network is 16 to 29, so that it holds a gateway and some nodes")
    return subnet


PORT_RANGES = "0 to 65535 (0-1023 well-known, 1024-49151 registered, 49152-65535 dynamic)"


def _port(number: int) -> int:
    if not 0 <= number <= 65535:
        raise ValueError(f"a port is a number from {PORT_RANGES}")
    return number


def _bound(text: str) -> str:
    if not re.fullmatch(BOUND, text):
        raise ValueError("expected all, loopback, one address, or the name of a network of the node")
    return text


def _fits(pattern: str, form: str) -> Any:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"expected {form}")
        return text

    return check


def formed(pattern: str, form: str) -> tuple[Any, ...]:
    """The marks of a text of one form; `form` names it to a person and shows one."""
    return AfterValidator(_fits(pattern, form)), _written(f"({pattern})"), DisplayName(form)


def _written(pattern: str, **more: Any) -> Any:
    """The schema of a text that is of this form from its beginning to its end."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", **more})


def _target(pattern: str, form: str) -> Any:
    def check(text: str) -> str:
        port = re.search(r"^(?:https?://)?[^/?#]*:([0-9]+)(?:[/?#]|$)", text)
        if port and not re.fullmatch(PORT, port[1]):
            raise ValueError(f"{port[1]} is no port; a port is a number from {PORT_RANGES}")
        if not re.fullmatch(pattern, text):
            raise ValueError(f"expected {form}")
        return text

    return check


Label = Annotated[str, AfterValidator(_label), _written(LABEL), DisplayName("a name (a-z, 0-9, '-')")]
Domain = Annotated[
    str,
    AfterValidator(_domain),
    _written(DOMAIN, maxLength=200),
    DisplayName("a domain"),
]
Address = Annotated[IPv4Address, BeforeValidator(_address), _written(ADDRESS)]
Subnet = Annotated[IPv4Network, BeforeValidator(_subnet), _written(SUBNET)]
Port = Annotated[
    int,
    AfterValidator(_port),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 65535}),
    DisplayName("a port, 0 to 65535"),
]
Labels = Annotated[tuple[Label, ...], Field(strict=False)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Seconds = Annotated[float, Field(gt=0, le=600)]
NodeName = Annotated[Label, Reference("node")]
Machines = Annotated[Label, Reference("node", several=True)]
NodeNames = Annotated[tuple[Machines, ...], Field(strict=False)]
DnsName = Annotated[Label, Reference("node", serves=ApplicationProtocol.DNS)]
DnsNames = Annotated[tuple[DnsName, ...], Field(strict=False)]
NetworkName = Annotated[Label, Reference("network")]
NetworkNames = Annotated[tuple[NetworkName, ...], Field(strict=False)]
HostPort = Annotated[
    str,
    AfterValidator(_target(HOST_PORT, "host:port, such as app.shop.lab:80")),
    _written(HOST_PORT),
    HostText(),
    DisplayName("host:port"),
]
BindPlace = Annotated[
    str,
    AfterValidator(_target(BIND, "address:port, such as 0.0.0.0:80, 127.0.0.1:0 or ${app}:80")),
    _written(BIND),
    DisplayName("address:port"),
]
ReplyPlace = Annotated[
    str,
    AfterValidator(_target(REPLYPLACE, "an address, with or without a port, such as ${app} or 192.168.7.20:53")),
    _written(REPLYPLACE),
    DisplayName("an address, with or without a port"),
]
SourceAddress = Annotated[
    str,
    AfterValidator(_target(SOURCE, "an address without a port, such as ${client.front} or 192.168.7.20")),
    _written(SOURCE),
    DisplayName("an address of the node that asks"),
]
Bound = Annotated[
    str,
    AfterValidator(_bound),
    _written(BOUND),
    DisplayName("all, loopback, an address, or a network of the node"),
]
Url = Annotated[
    str,
    AfterValidator(_target(URL, "a URL such as http://app.shop.lab/items")),
    _written(URL),
    HostText(),
    DisplayName("a URL"),
]
# RFC 9110, section 15
StatusCode = Annotated[int, Field(ge=100, le=599)]
StatusClass = Annotated[str, *formed("[1-5]xx", "a class of status such as 2xx")]
# RFC 9110, sections 5.1 and 5.5
HeaderName = Annotated[str, *formed("[A-Za-z0-9!#$%&'*+.^_`|~-]+", "the name of a header, such as Accept")]
HeaderValue = Annotated[str, *formed("[^\\r\\n]*", "one line of text")]
