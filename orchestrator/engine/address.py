"""Addresses of engines, such as unix:///var/run/docker.sock, and connections to what listens there."""

from __future__ import annotations

import socket

# The port of an engine that encrypts nothing (dockerd(8)).
USUAL_PORT = "2375"


def is_plain(url: str) -> bool:
    """Whether this is an address that `connect` knows: ssh and named pipes are none."""
    return url.partition("://")[0] in ("unix", "tcp", "http")


def connect(url: str, seconds: float) -> socket.socket:
    """Connect to `unix://PATH`, `tcp://HOST:PORT` or `http://HOST:PORT`. Raises OSError or ValueError.

    `seconds` bounds the wait, and each later wait on the connection.
    """
    scheme, _, rest = url.partition("://")
    if not is_plain(url):
        raise ValueError(f"wirelab does not speak {scheme}://")
    if scheme != "unix":
        link = socket.create_connection(host_and_port(rest), timeout=seconds)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(seconds)
        link.connect(rest)
    except BaseException:
        link.close()
        raise
    return link


def host_and_port(rest: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `host`."""
    place = rest.partition("/")[0]
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, USUAL_PORT
    return host.strip("[]") or "127.0.0.1", int(port)
