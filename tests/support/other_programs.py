"""Other programs that do what a lesson's solution does: a learner need not know the program of the author."""

from __future__ import annotations

from collections.abc import Sequence

FETCH = """
import sys, urllib.error, urllib.request
url, body = sys.argv[1:]
request = urllib.request.Request(url, body.encode() or None, {"Content-Type": "application/json"} if body else {})
try:
    print(urllib.request.urlopen(request, timeout=3).read())
except urllib.error.URLError as error:
    print(error)
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection(sys.argv[1:], timeout=3).close()
except OSError as error:
    print(error)
"""
# Options of curl with a value that does not change what crosses the wire.
WITH_A_VALUE = ("-m", "-o", "-w")


def another_way(argv: Sequence[str]) -> list[str]:
    """Another program with the same effect on the wire; the same one where this test knows no other."""
    match list(argv):
        case ["dig", *words] if not any(word.startswith("+") and word != "+norecurse" for word in words):
            return _host(words)
        case ["curl", *words] if "-4" not in words and "-6" not in words:
            return _fetch(words)
        case ["nc", "-vz", host, port]:
            return ["python3", "-c", CONNECT, host, port]
    return list(argv)


def _host(words: Sequence[str]) -> list[str]:
    """host(1): -r asks without recursion, -t for a type of records, and a last word names the server."""
    servers = [word[1:] for word in words if word.startswith("@")]
    names = [word for word in words if word[0] not in "@+"]
    types = ["-t", names[1]] if len(names) > 1 else ["-t", "A"]
    return ["host", *(["-r"] if "+norecurse" in words else []), *types, names[0], *servers]


def _fetch(words: Sequence[str]) -> list[str]:
    return ["python3", "-c", FETCH, *request_of(words)]


def request_of(words: Sequence[str]) -> tuple[str, str]:
    """URL and body of what curl is to send."""
    url, body, rest = "", "", list(words)
    while rest:
        word = rest.pop(0)
        if word == "--json":
            body = rest.pop(0)
        elif word in WITH_A_VALUE:
            rest.pop(0)
        elif not word.startswith("-"):
            url = word
    return url, body
