"""A lesson's solutions as a slow learner does them: by hand, in pieces; and what such a learner leaves half done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from other_programs import request_of

BY_HAND = ("python3", "-c", Path(__file__).with_name("slow_hand.py").read_text("utf-8"))


def slow_way(argv: Sequence[str]) -> list[str]:
    """The same by hand; the program itself where this test knows no slow way."""
    match list(argv):
        case ["dig", *words]:
            return [*BY_HAND, "dig", *_question(words)]
        case ["curl", *words]:
            return [*BY_HAND, "curl", *request_of(words)]
        case ["nc", "-vz", host, port]:
            return [*BY_HAND, "connect", host, port]
        case ["ssh", *_]:
            return ["ssh", "-o", "ProxyCommand=sh -c 'sleep 1.8; exec nc %h %p'", *argv[1:]]
        case ["python3", "-m", "http.server", port, *words]:
            return [*BY_HAND, "serve", port, words[1] if words else "0.0.0.0"]
    return list(argv)


def half_done(argv: Sequence[str]) -> list[str]:
    """A connection to the same server that says almost nothing; empty where the server ends such a connection.

    Lessons give a time (-m) to a curl that no server takes: a second connection would be one attempt too many.
    """
    match list(argv):
        case ["dig", *words]:
            return [*BY_HAND, "half", _question(words)[2], "53"]
        case ["curl", *words] if not {"-4", "-m"} & set(words):
            url = urlsplit(request_of(words)[0])
            return [*BY_HAND, "half", url.hostname or "", str(url.port or (443 if url.scheme == "https" else 80))]
    return []


def _question(words: Sequence[str]) -> tuple[str, str, str]:
    """Name, type and server of what dig is to ask."""
    servers = [word[1:] for word in words if word.startswith("@")]
    name, *types = (word for word in words if word[0] not in "@+")
    return name, types[0] if types else "A", servers[0] if servers else ""
