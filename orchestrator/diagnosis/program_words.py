"""The nodes that the words of a program name: by whole names, and by short ones that it is sure to look up."""

from __future__ import annotations

import re

from orchestrator.model.topology import Topology

# Programs that complete a short name by the search list (resolv.conf(5)), as patterns. dig(1) does not.
LOOKS_UP = (r"getent\s+a?hosts(?:v[46])?", "curl", "wget", "nc", "ncat", "ping", "psql", "ssh", "openssl", "host")
# Functions of Python and other languages that take a host as their first argument.
CALLS = ("connect", "create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex", "HTTPConnection")


def name_in_words(words: str, node: str, asker: str, topology: Topology) -> str:
    """How the words of a program name a node; empty where they do not."""
    name = topology.name_of(node)
    if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words):
        return name
    short = name.removesuffix(f".{topology.scenario.domain}")
    completed = topology.absolute_name(asker, short) == name
    return short if completed and _looks_up(words, short) else ""


def _looks_up(words: str, short: str) -> bool:
    """Whether a program looks up this name. A word alone may mean anything: `grep app` looks nothing up."""
    host = re.escape(short)
    as_argument = rf"(?<![\w.-])(?:{'|'.join(LOOKS_UP)})\s(?:[^|;&\n]*\s)?(?:\w+=)?{host}(?=[\s:]|$)"
    in_code = rf"\b(?:{'|'.join(CALLS)})\(+\s*['\"]{host}['\"]"
    return bool(re.search(as_argument, words) or re.search(in_code, words))


def port_in_words(words: str, name: str) -> int | None:
    """The port that stands behind a name: a word of its own, after a colon, or the next argument of a call."""
    given = re.search(rf"(?<![\w.-]){re.escape(name)}\.?(?:[ :]|['\"],\s*)([0-9]{{1,5}})(?![\w.:])", words)
    return int(given[1]) if given else None
