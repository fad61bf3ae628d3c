"""The tshark command: it prints a selection of fields, one line for each packet (its JSON output is ten times slower).

Fields are separated by a tab and the occurrences of one field by the ASCII unit separator. tshark writes a tab, a
line feed and a unit separator inside a text as an escape, so that neither can be taken for ours.
"""

from __future__ import annotations

from collections.abc import Iterable

FIELD_SEPARATOR = "\t"
OCCURRENCE_SEPARATOR = "\x1f"

# Every packet has these; a bare acknowledgement has no others.
FRAME_FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.len",
    "tcp.analysis.retransmission",
    "tcp.analysis.spurious_retransmission",
    "udp.stream",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "frame.interface_name",
    "eth.dst",
)

LAYER_FIELDS = (
    "icmp.type",
    "icmp.code",
    "icmpv6.type",
    "icmpv6.code",
    "icmpv6.nd.ns.target_address",
    "icmpv6.nd.na.target_address",
    "arp.opcode",
    "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4",
    "dns.id",
    "dns.flags",
    "dns.qry.name",
    "dns.qry.type",
    "dns.count.answers",
    "dns.resp.name",
    "dns.resp.type",
    "dns.resp.ext_rcode",
    "dns.a",
    "dns.aaaa",
    "dns.cname",
    "dns.ns",
    "dns.ptr.domain_name",
    "dns.mx.mail_exchange",
    "dns.srv.target",
    "dns.srv.port",
    "dns.soa.mname",
    "dns.txt",
    "http.request.method",
    "http.request.uri",
    "http.host",
    "http.response.code",
    "http.response.phrase",
    "http.content_length_header",
    "http.chunk_size",
    "tls.handshake.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.alert_message.desc",
    "x509if.rdnSequence",
    "x509af.rdnSequence",
    "x509if.oid",
    "x509sat.CountryName",
    "x509sat.DirectoryString",
    "x509sat.uTF8String",
    "x509sat.printableString",
    "x509ce.dNSName",
    "pgsql.type",
    "pgsql.parameter_name",
    "pgsql.parameter_value",
    "pgsql.query",
    "pgsql.statement",
    "pgsql.portal",
    "pgsql.authtype",
    "pgsql.tag",
    "pgsql.status",
    "pgsql.severity",
    "pgsql.code",
    "pgsql.message",
    "ssh.protocol",
)

# The fields that hold numbers, decimal or with 0x before them.
NUMBERS = (
    "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "arp.opcode", "dns.id", "dns.flags", "dns.qry.type",
    "dns.count.answers", "dns.resp.type", "dns.resp.ext_rcode", "dns.srv.port", "http.response.code",
    "http.chunk_size", "tls.handshake.type", "tls.handshake.version", "tls.handshake.extensions.supported_version",
    "tls.alert_message.desc", "x509if.rdnSequence", "x509af.rdnSequence", "pgsql.authtype", "pgsql.status",
)  # fmt: skip

# Field of a layer -> its index in Packet.layers.
AT = {name: place for place, name in enumerate(LAYER_FIELDS)}

# Out-of-order segments are put in order before a protocol reads them; checksums are left alone, for on a bridge of
# one machine they are not filled in yet (offload). The content decides the protocol before the port does: tshark
# assigns hundreds of ports, among them ephemeral ones, to protocols that no lab uses.
PREFERENCES = (
    "tcp.try_heuristic_first:TRUE",
    "tcp.reassemble_out_of_order:TRUE",
    "tcp.check_checksum:FALSE",
    "udp.check_checksum:FALSE",
    "ip.check_checksum:FALSE",
    "nameres.network_name:FALSE",
)


def decode_argv(
    source: str = "-",
    *,
    http: Iterable[int] = (),
    postgresql: Iterable[int] = (),
    dns: Iterable[int] = (),
    tls_keys: str | None = None,
    live: bool = False,
) -> tuple[str, ...]:
    """The tshark command that prints `source` (a pcapng file, `-` is standard input), one line a packet.

    `http`, `postgresql` and `dns` are ports beyond the usual ones, `tls_keys` a file of session keys in the format
    of SSLKEYLOGFILE. With `live`, each line is printed as soon as its packet is read.
    """
    ports = [f"tcp.port=={port},http" for port in sorted(http)]
    ports += [f"tcp.port=={port},pgsql" for port in sorted(postgresql)]
    ports += [f"{transport}.port=={port},dns" for port in sorted(dns) for transport in ("udp", "tcp")]
    preferences = [*PREFERENCES, *([f"tls.keylog_file:{tls_keys}"] if tls_keys else [])]
    argv = ["tshark", "-n", *(["-l"] if live else []), "-r", source, "-T", "fields"]
    argv += ["-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={OCCURRENCE_SEPARATOR}"]
    argv += ["-E", "quote=n"]
    argv += [part for preference in preferences for part in ("-o", preference)]
    argv += [part for port in ports for part in ("-d", port)]
    return (*argv, *(part for field in (*FRAME_FIELDS, *LAYER_FIELDS) for part in ("-e", field)))


DECODE_ARGV = decode_argv()


def decode_warning(stderr: str) -> str | None:
    """What tshark found wrong with the file, as a sentence; None if nothing."""
    if "cut short in the middle of a packet" in stderr:
        return "The capture is cut short in the middle of a packet; the story ends with the last whole one."
    if "isn't a capture file" in stderr or "not a capture file" in stderr or "unrecognized file format" in stderr:
        return "This file is no capture: neither pcapng nor pcap."
    if "appears to be damaged or corrupt" in stderr:
        return "The capture is damaged; the story ends where the damage begins."
    if "don't have permission to read" in stderr:
        return "The capture file may not be read."
    if "doesn't exist" in stderr or "No such file" in stderr:
        return "The capture file does not exist."
    return None
