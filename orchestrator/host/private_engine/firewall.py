"""What an engine left in iptables: from the rules before and the rules now, the lines that take it out again.

Text in, text out; both are the output of `iptables-save`, and the result is for `iptables-restore --noflush`. Only what
is Docker's and was not there before is removed: rules that somebody else added since then stay as they are.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

_ENGINE_CHAIN = re.compile(r"DOCKER($|-)")
# a published port that a container asks for at its own address: `-s A/32 -d A/32 ... -j MASQUERADE`
_HAIRPIN = re.compile(r"-A POSTROUTING -s (?P<address>\S+) -d (?P=address) .*-j MASQUERADE$")


@dataclass
class _Table:
    policies: dict[str, str] = field(default_factory=dict)  # chain -> ACCEPT, DROP, or - for a chain of somebody's own
    rules: list[str] = field(default_factory=list)


def undo(before: str, now: str, bridges: frozenset[str]) -> str:
    """The restore file that takes out the engine's chains, its rules, and its policy for FORWARD; '' if nothing."""
    old, new = _parse(before), _parse(now)
    parts = [_undo_table(name, old.get(name, _Table()), table, bridges) for name, table in new.items()]
    return "".join(part for part in parts if part)


def unused(now: str) -> frozenset[str]:
    """The tables that hold nothing: built-in chains only, no rule, every policy ACCEPT."""
    return frozenset(
        name for name, table in _parse(now).items() if not table.rules and set(table.policies.values()) <= {"ACCEPT"}
    )


def _undo_table(name: str, old: _Table, new: _Table, bridges: frozenset[str]) -> str:
    ours = [chain for chain in new.policies if _ENGINE_CHAIN.match(chain) and chain not in old.policies]
    added = list((Counter(new.rules) - Counter(old.rules)).elements())
    outside = [rule for rule in added if rule.split()[1] not in ours and _is_engine_rule(rule, ours, bridges)]
    lines = [f"-D {rule.removeprefix('-A ')}" for rule in outside]
    lines += [f"-F {chain}" for chain in ours] + [f"-X {chain}" for chain in ours]
    policy = old.policies.get("FORWARD", "ACCEPT")
    if new.policies.get("FORWARD", policy) != policy:
        lines.insert(0, f":FORWARD {policy} [0:0]")
    return "\n".join((f"*{name}", *lines, "COMMIT", "")) if lines else ""


def _is_engine_rule(rule: str, ours: list[str], bridges: frozenset[str]) -> bool:
    words = rule.split()
    pairs = set(itertools.pairwise(words))
    jumps = any((flag, chain) in pairs for flag in ("-j", "-g") for chain in ours)
    crosses = any((flag, bridge) in pairs for flag in ("-i", "-o") for bridge in bridges)
    return jumps or crosses or _HAIRPIN.match(rule) is not None


def _parse(text: str) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    table = _Table()
    for line in text.splitlines():
        if line.startswith("*"):
            table = tables.setdefault(line[1:].strip(), _Table())
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            table.policies[chain] = policy
        elif line.startswith("-A "):
            table.rules.append(line.strip())
    return tables
