"""TLS handshakes (RFC 8446, RFC 5246): what is readable without keys, and more if tshark has the keys."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.traffic.exchanges import field_positions as at
from orchestrator.traffic.exchanges.context import TrafficContext
from orchestrator.traffic.exchanges.events import ExchangeStart, Flow, TlsHandshake, TrafficEvent
from orchestrator.traffic.packets.packet import Packet, parse_number

VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
# RFC 8446, section 6
ALERTS = {
    0: "close notify", 10: "unexpected message", 20: "bad record MAC", 21: "decryption failed", 22: "record overflow",
    40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate", 44: "certificate revoked",
    45: "certificate expired", 46: "certificate unknown", 47: "illegal parameter", 48: "unknown CA",
    49: "access denied", 50: "decode error", 51: "decrypt error", 70: "protocol version",
    71: "insufficient security", 80: "internal error", 86: "inappropriate fallback", 90: "user canceled",
    109: "missing extension", 110: "unsupported extension", 112: "unrecognized name",
    113: "bad certificate status response", 115: "unknown PSK identity", 116: "certificate required",
    120: "no application protocol",
}  # fmt: skip
CLIENT_HELLO, SERVER_HELLO = "1", "2"
CHANGE_CIPHER = 6  # bytes of a ChangeCipherSpec that comes alone (RFC 8446, appendix D.4)
# attributes of type DirectoryString (RFC 5280, appendix A); country is a type of its own
DIRECTORY = {"2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.7": "L", "2.5.4.8": "ST"}
COUNTRY = "2.5.4.6"
UTF8, PRINTABLE = "4", "1"


class TlsReader:
    """Follow one handshake, from ClientHello to the first message after ServerHello, or to an alert."""

    def __init__(self, context: TrafficContext, flow: Flow) -> None:
        self._context = context
        self._flow = flow
        self._exchange: int | None = None
        self._started = 0.0
        self._agreed: float | None = None
        self._name = self._version = self._subject = ""
        self._names: tuple[str, ...] = ()

    def read(self, packet: Packet, from_client: bool) -> Iterator[TrafficEvent]:
        kinds = packet.texts(at.TLS_TYPE)
        if CLIENT_HELLO in kinds and self._exchange is None:
            self._exchange, self._started = self._context.exchange_number(), packet.time
            self._agreed = None
            self._name = packet.text(at.TLS_NAME)
            client, server = self._flow.client, self._flow.server
            ports = server.port, client.port
            yield ExchangeStart(
                self._exchange,
                "tls",
                packet.time,
                client.node,
                server.node,
                self._flow.number,
                self._name,
                *ports,
                server.address,
            )
        if SERVER_HELLO in kinds:
            self._agreed = packet.time
            self._version = _version(packet)
        if packet.text(at.CERT_SUBJECT):
            self._subject = self._subject or subject(packet)
            self._names = self._names or tuple(packet.texts(at.CERT_NAMES))
        alert = packet.text(at.TLS_ALERT)
        if alert and self._exchange is not None and alert != "0":
            by = self._flow.client if from_client else self._flow.server
            yield self._ended(packet.time, "alert", ALERTS.get(parse_number(alert), f"alert {alert}"), by.node)

    def payload(self, when: float, packet: Packet) -> Iterator[TrafficEvent]:
        """The client sent something after ServerHello: unless it is an alert, the handshake went on.

        A server may ask for another hello (RFC 8446, section 4.1.4); what comes before that one decides nothing.
        """
        again = CLIENT_HELLO in packet.texts(at.TLS_TYPE) or packet.size <= CHANGE_CIPHER
        if self._agreed is not None and self._exchange is not None and not packet.text(at.TLS_ALERT) and not again:
            yield self._ended(when, "agreed")

    def _ended(self, ended: float | None, outcome: str, alert: str = "", by: str = "") -> TlsHandshake:
        exchange, self._exchange = self._exchange or 0, None
        return TlsHandshake(
            exchange,
            self._flow,
            self._started,
            ended,
            self._name,
            self._version,
            self._subject,
            self._names,
            alert,
            by,
            outcome,
        )

    def end(self, outcome: str) -> Iterator[TrafficEvent]:
        if self._exchange is not None:
            yield self._ended(None, outcome)


def _version(packet: Packet) -> str:
    """TLS 1.3 says its version in an extension (RFC 8446, section 4.2.1)."""
    text = packet.text(at.TLS_VERSIONS) or packet.text(at.TLS_VERSION)
    number = parse_number(text)
    return VERSIONS.get(number, text)


def subject(packet: Packet) -> str:
    """The subject of the first certificate, most specific part first, such as `CN=app.shop.lab, O=Shop`.

    tshark lists the attributes of issuer and subject of all certificates one after the other, and their values by
    type; the sizes of the names say where the first certificate's subject begins.
    """
    issuer = parse_number(packet.text(at.CERT_ISSUER))
    size = parse_number(packet.text(at.CERT_SUBJECT))
    choices = iter(packet.texts(at.CERT_CHOICE))
    texts = {UTF8: iter(packet.texts(at.CERT_UTF8)), PRINTABLE: iter(packet.texts(at.CERT_PRINTABLE))}
    countries = iter(packet.texts(at.CERT_COUNTRY))
    parts = []
    for oid in packet.texts(at.CERT_OID)[: issuer + size]:
        if oid == COUNTRY:
            parts.append(f"C={next(countries, '')}")
        elif oid in DIRECTORY:
            parts.append(f"{DIRECTORY[oid]}={next(texts.get(next(choices, ''), iter(())), '')}")
        else:
            parts.append("")
    return ", ".join(part for part in reversed(parts[issuer:]) if part)
