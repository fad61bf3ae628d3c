"""What a slow learner does in a node: a solution by hand, in pieces, with pauses inside. A program of its own.

python3 -c SOURCE dig NAME TYPE SERVER    asks over TCP; SERVER is "" for the first of resolv.conf that answers
python3 -c SOURCE curl URL BODY           looks the name up, connects later, and sends the request in pieces
python3 -c SOURCE connect HOST PORT       looks the name up, connects later, and says nothing
python3 -c SOURCE serve PORT ADDRESS      takes the port, and listens later
python3 -c SOURCE half HOST PORT          connects, sends one byte, and waits for the other end; HOST as SERVER
"""

from __future__ import annotations

import http.server
import socket
import ssl
import struct
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

# Longer than the time after which a lesson says that no answer came so far.
PAUSE = 1.8
WAIT = 5.0  # for a server
DNS_PORT = 53
TYPES = {"A": 1, "AAAA": 28}
RECURSION_DESIRED = 0x0100


def connected(host: str, port: int) -> socket.socket:
    """Look the name up, and connect to its IPv4 address later."""
    address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
    time.sleep(PAUSE)
    return socket.create_connection((str(address[0]), port), timeout=WAIT)


def send(connection: socket.socket, data: bytes) -> None:
    """Send in two pieces."""
    middle = len(data) // 2
    connection.sendall(data[:middle])
    time.sleep(PAUSE)
    connection.sendall(data[middle:])


def servers() -> list[str]:
    """The DNS servers of this node (resolv.conf(5))."""
    lines = Path("/etc/resolv.conf").read_text("utf-8").splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver")]


def ask(name: str, kind: str, server: str) -> None:
    """Ask the first server that can be reached, over TCP (RFC 7766)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    header = struct.pack(">6H", 1, RECURSION_DESIRED, 1, 0, 0, 0)
    question = header + labels + b"\0" + struct.pack(">2H", TYPES[kind], 1)
    for address in [server] if server else servers():
        try:
            connection = socket.create_connection((address, DNS_PORT), timeout=WAIT)
        except OSError as error:
            print(error)
            continue
        send(connection, struct.pack(">H", len(question)) + question)
        print(connection.recv(4096))
        return


def shake_hands(connection: socket.socket, host: str) -> tuple[ssl.SSLObject, ssl.MemoryBIO]:
    """A TLS handshake whose ClientHello comes in two segments; what encrypts, and where it puts the result."""
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(came, goes, server_hostname=host)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            send(connection, goes.read())
            came.write(connection.recv(65536))
        else:
            send(connection, goes.read())
            return tls, goes


def fetch(url: str, body: str) -> None:
    """Request a page."""
    parts = urlsplit(url)
    connection = connected(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    about_body = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    method, host = "POST" if body else "GET", parts.netloc
    request = f"{method} {parts.path or '/'} HTTP/1.1\r\nHost: {host}\r\n{about_body}\r\n{body}".encode()
    if parts.scheme == "https":
        tls, goes = shake_hands(connection, parts.hostname or "")
        tls.write(request)
        request = goes.read()
    send(connection, request)
    print(connection.recv(65536))


def serve(port: int, address: str) -> None:
    server = http.server.ThreadingHTTPServer((address, port), http.server.SimpleHTTPRequestHandler, False)
    server.server_bind()
    time.sleep(PAUSE)
    server.server_activate()
    server.serve_forever()


def leave_half_done(host: str, port: int) -> None:
    """Connect, and say nothing more than one byte."""
    with socket.create_connection((host or servers()[0], port), timeout=WAIT) as connection:
        connection.sendall(b"\0" if port == DNS_PORT else b"G")
        connection.settimeout(None)
        connection.recv(1)


def main(verb: str, *words: str) -> None:
    try:
        if verb == "dig":
            ask(*words)
        elif verb == "curl":
            fetch(*words)
        elif verb == "connect":
            connected(words[0], int(words[1])).close()
        elif verb == "serve":
            serve(int(words[0]), words[1])
        else:
            leave_half_done(words[0], int(words[1]))
    except OSError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
