"""Suggestions for misspelled names: the nearest allowed word, and the words that Compose uses instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

# With more names than this only those with the same beginning are compared: a wrong file must not become slow.
MANY = 200
# Words of Compose and of habit, and the word of this language where it knows one.
HABITS = {
    "depends_on": "uses",
    "ports": "listens",
    "expose": "listens",
    "ip": "address",
    "ipv4_address": "address",
    "env": "environment",
    "envs": "environment",
    "links": "uses",
    "scale": "replicas",
    "count": "replicas",
    "dns": "resolvers",
    "nameservers": "resolvers",
    "mem_limit": "limits",
    "resources": "limits",
    "machines": "nodes",
    "hosts": "nodes",
    "containers": "nodes",
    "servers": "nodes",
    "tests": "checks",
    "assertions": "checks",
    "kind": "role",
    "type": "role",
    "cmd": "command",
    "entrypoint": "command",
    "services": "nodes",
    "url": "http",
    "timeout": "within",
    "description": "title",
    "code": "status",
    "ping": "connects",
    "curl": "http",
    "dig": "resolves",
    "exec": "runs",
    "command": "runs",
    "psql": "sql",
    "kill": "stop",
    "freeze": "pause",
    "partition": "cut",
    # roles
    "db": "database",
    "postgres": "database",
    "postgresql": "database",
    "nginx": "proxy",
    "loadbalancer": "proxy",
    "web": "app",
    "server": "app",
    "api": "app",
    "bind": "dns",
    "nameserver": "dns",
    "resolver": "dns",
    "host": "client",
    "gateway": "router",
    "round_robin": "in_turn",
}
# Words of Compose for what is not said here: no key means it, whatever it looks like.
FOREIGN = frozenset({"volumes", "privileged", "user", "restart", "secrets"})


def near(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that is nearest to this one, if any is near."""
    names = sorted(allowed)
    if (habit := HABITS.get(word.lower())) in names:
        return habit
    if len(names) > MANY:
        names = [name for name in names if name[:2] == word[:2]][:MANY]
    lowered = {name.lower(): name for name in reversed(names)}
    matches = get_close_matches(word.lower()[:64], lowered, n=1, cutoff=0.6 if len(word) > 3 else 0.5)
    return lowered[matches[0]] if matches else None


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'uses'?`, or nothing."""
    suggestion = near(word, allowed)
    return f"; did you mean {suggestion!r}?" if suggestion else ""


def without_space(text: Any) -> str:
    """A hint for `role:dns`: YAML ends a key with a ':' and a space, which may not be one that does not break."""
    key = re.match(r"([a-z_]+):\u00a0*[^\s/]", text) if isinstance(text, str) else None
    return f"; write '{key[1]}: ', with a space after the ':'" if key else ""


class Hints:
    """Hints for names of one kind; only the first wrong words of a file get one, so that no file becomes slow.

    `ending` is what they end with, such as a domain: what all have in common makes no two of them near.
    """

    def __init__(self, allowed: Iterable[str], ending: str = "", most: int = 100) -> None:
        self._allowed = {name.removesuffix(ending): name for name in allowed}
        self._ending = ending
        self._left = most

    def of(self, word: str) -> str:
        """`; did you mean 'uses'?`, or `;`, for a sentence that goes on."""
        self._left -= 1
        suggestion = near(word.removesuffix(self._ending), self._allowed) if self._left >= 0 else None
        return f"; did you mean {self._allowed[suggestion]!r}?" if suggestion else ";"
