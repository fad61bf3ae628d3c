"""Removes network links and nftables tables by asking the kernel (rtnetlink(7), nfnetlink), without `ip` or `nft`.

A machine that has only the engine's package need not have these programs.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

_ROUTE, _NETFILTER = 0, 12  # NETLINK_ROUTE, NETLINK_NETFILTER
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_DELLINK = 17
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NFTABLES = 10 << 8
_GETTABLE, _DELTABLE = _NFTABLES | 1, _NFTABLES | 2
_TABLE_NAME = 1  # NFTA_TABLE_NAME
_FAMILIES = {"ip": 2, "inet": 1, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}


def delete_link(name: str) -> None:
    """Remove a network link (a bridge, one end of a veth pair). Nothing happens if it is gone."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, 0, 0)
    with _open(_ROUTE) as link:
        link.send(_message(_DELLINK, _REQUEST | _ACK, body))
        _raise_errors(link, name)


def tables() -> frozenset[tuple[str, str]]:
    """Every nftables table of this network namespace as (family, name); none where the kernel has no nftables."""
    names = {number: name for name, number in _FAMILIES.items()}
    tables: set[tuple[str, str]] = set()
    try:
        with _open(_NETFILTER) as link:
            link.send(_message(_GETTABLE, _REQUEST | _DUMP, _generic(0)))
            for kind, body in _answers(link):
                if kind == (_NFTABLES | 0) and body[0] in names:
                    tables.add((names[body[0]], _attributes(body[4:])[_TABLE_NAME].rstrip(b"\0").decode()))
    except OSError:
        return frozenset()
    return frozenset(tables)


def delete_table(family: str, name: str) -> None:
    """Remove an nftables table with all that is in it."""
    raw = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(raw), _TABLE_NAME) + raw + b"\0" * (-len(raw) % 4)
    subsystem = struct.pack("!BBH", 0, 0, 10)
    batch = (
        _message(_BATCH_BEGIN, _REQUEST, subsystem)
        + _message(_DELTABLE, _REQUEST | _ACK, _generic(_FAMILIES[family]) + attribute)
        + _message(_BATCH_END, _REQUEST, subsystem)
    )
    with _open(_NETFILTER) as link:
        link.send(batch)
        _raise_errors(link, f"{family} {name}")


def _open(protocol: int) -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    link.settimeout(10)
    link.bind((0, 0))
    return link


def _generic(family: int) -> bytes:
    return struct.pack("!BBH", family, 0, 0)


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def _answers(link: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Messages of a dump until its end; an error of the kernel becomes OSError."""
    while True:
        got = link.recv(1 << 16)
        while len(got) >= 16:
            length, kind = struct.unpack_from("=IH", got)
            body, got = got[16:length], got[(length + 3) & ~3 :]
            if kind == _DONE:
                return
            if kind == _ERROR:
                _raise(body, "nftables")
                return
            yield kind, body


def _raise_errors(link: socket.socket, what: str) -> None:
    got = link.recv(1 << 16)
    if struct.unpack_from("=H", got, 4)[0] == _ERROR:
        _raise(got[16:], what)


def _raise(body: bytes, what: str) -> None:
    number = -struct.unpack_from("=i", body)[0]
    if number:
        raise OSError(number, os.strerror(number), what)


def _attributes(rest: bytes) -> dict[int, bytes]:
    attributes = {}
    while len(rest) >= 4:
        length, kind = struct.unpack_from("=HH", rest)
        attributes[kind & 0x3FFF] = rest[4:length]
        rest = rest[(length + 3) & ~3 :]
    return attributes
