"""How the tests damage a scenario file: pieces that make YAML, or the scenario language, another one."""

from __future__ import annotations

_SIGNS = (
    "\t",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!int ",
    "<<: ",
    "---\n",
    "'",
    '"',
    "|\n",
    "#",
    "${",
    "\n",
    "  ",
)
_VALUES = (
    "010",
    "~",
    "address: 1.2.3.4",
    "\x00",
    "é",
    "999999",
    "null",
    "true",
    "\ud800",
    "\u2028",
    "[" * 300,
    "x" * 5000,
)
_KEYS = ("role: ", "uses: [app]", "networks: ", "first: ", "during: ", "heal: x", "limits: {memory: 1}", "command: []")

PIECES: tuple[str, ...] = (*_SIGNS, *_VALUES, *_KEYS, "checks:\n")
