"""What a node's network is like, as the helper `look` prints it (images/client): addresses, routes, rules. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.quick_dataclass import dataclass

# With this line the helper says that it has looked at all.
END = "wirelab: ready"
# The table of the helper `cut`.
OWN_TABLE = "inet wirelab"
# The engine's own rules lead questions for this address to its DNS server; no node of a lab asks it.
ENGINE_DNS = "127.0.0.11"
# What keeps or changes a packet, or sends it elsewhere. The rest of what a rule can say (nft(8)) lets it pass.
TELLING = re.compile(
    r"\b(drop|reject|queue|dnat|snat|redirect|masquerade|tproxy|synproxy|notrack|dup|fwd|limit|quota|vmap)\b"
    r"|\bset (?!@)|\bxt target\b"
)
# The tables of routing rules that every machine has (ip-rule(8)).
OWN_RULES = {(0, "local"), (32766, "main"), (32767, "default")}
RULE_WORDS = ("priority", "src", "dst", "fwmark", "iif", "oif", "ipproto", "sport", "dport", "table", "action")
SIMPLE = r"(?:\d+|[0-9a-f.:]+)"


@dataclass(frozen=True)
class FilterRule:
    """A rule of the node's packet filter that can keep a packet from its way; `table` with its family, as `ip filter`.

    `text` is the rule in the words of nft(8), or the policy of the chain where that drops what no rule accepts.
    """

    table: str
    chain: str
    text: str

    def __str__(self) -> str:
        return f"table {self.table}, chain {self.chain}: {self.text}"

    def may_meet(self, protocol: str, port: int, addresses: frozenset[str]) -> bool:
        """Whether a packet of this connection, between these addresses, can be meant, as far as its words say."""
        for at in re.finditer(rf"\b(tcp|udp) [sd]port (!= )?({SIMPLE})(?=\s|$)", self.text):
            if at[1] != protocol or (not at[2] and at[3].isdecimal() and int(at[3]) != port):
                return False
        spoken = re.search(r"\b(?:l4proto|ip protocol|nexthdr) (tcp|udp|icmp|ipv6-icmp)\b", self.text)
        if spoken and spoken[1] != protocol:
            return False
        named = re.findall(rf"\bip6? [sd]addr ({SIMPLE})(?=\s|$)", self.text)
        return set(named) <= addresses and not re.match(r"icmp", self.text)

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it sends packets to another address or port than they were meant for."""
        return re.search(r"\b(dnat|redirect|tproxy)\b", self.text) is not None

    def may_meet_discovery(self, *, six: bool) -> bool:
        """Whether it can keep a machine from being found by its address: by ARP, or by neighbour discovery of IPv6."""
        families = ("netdev", "inet", "ip6") if six else ("netdev", "arp")
        return self.table.split()[0] in families and not re.search(r"\b(tcp|udp|icmp|ct)\b", self.text)


@dataclass(frozen=True)
class SeenConnection:
    """A TCP connection of the node that its kernel tracks, by the addresses and ports of who opened it."""

    source: str
    source_port: int
    to: str
    port: int


@dataclass(frozen=True)
class SeenNetwork:
    """The parts by their names: those that `ip` and `tc` print as JSON, and the others as text."""

    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    texts: Mapping[str, str]

    def rows(self, *names: str) -> tuple[Mapping[str, Any], ...]:
        """The rows of these tables; none of one that could not be read."""
        return tuple(row for name in names for row in self.tables.get(name, ()))

    @property
    def can_see(self) -> bool:
        """Whether anything could be read at all: each node has a loopback interface."""
        return bool(self.rows("addresses"))

    @property
    def has_own_table(self) -> bool:
        """Whether the table of the helper `cut` is there."""
        return f"table {OWN_TABLE} {{" in self.texts.get("filter", "")

    @property
    def connections(self) -> tuple[SeenConnection, ...]:
        """The TCP connections of the last two minutes, without those that were refused at once; none where the kernel
        tracks none."""
        ends = re.findall(r"^ipv\d\s+\d+ tcp .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)", self._conntrack, re.M)
        return tuple(SeenConnection(source, int(sport), to, int(port)) for source, to, sport, port in ends)

    @property
    def _conntrack(self) -> str:
        return self.texts.get("connections", "")

    @property
    def filter_rules(self) -> tuple[FilterRule, ...]:
        """The rules that neither wirelab nor the engine made, and that can keep a packet from its way."""
        rules = [*_rules(self.texts.get("filter", "")), *_legacy(self.texts.get("legacy", ""))]
        return tuple(rule for rule in rules if rule.table != OWN_TABLE)

    @property
    def routing_rules(self) -> tuple[str, ...]:
        """The routing rules that a person has set (ip-rule(8))."""
        rows = self.rows("rules", "rules6")
        return tuple(
            _words(row, RULE_WORDS) for row in rows if (row.get("priority"), row.get("table")) not in OWN_RULES
        )

    @property
    def queues(self) -> tuple[tuple[str, str], ...]:
        """The queueing rules that a person has set (tc(8)), each with its interface; those that the kernel made have no
        handle of their own."""
        rows = (row for row in self.rows("queues") if row.get("handle") != "0:")
        return tuple((str(row.get("kind")), str(row.get("dev"))) for row in rows)


def read_network(text: str) -> SeenNetwork:
    """The parts of what `look` printed."""
    parts: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line == END:
            break
        if line.startswith("== "):
            name = line.removeprefix("== ")
        elif name:
            parts.setdefault(name, []).append(line)
    texts = {name: "\n".join(lines).strip() for name, lines in parts.items()}
    return SeenNetwork({name: _table(text) for name, text in texts.items()}, texts)


def _words(row: Mapping[str, Any], keys: Iterable[str]) -> str:
    return " ".join(f"{key} {row[key]}" for key in keys if row.get(key) is not None)


def _table(text: str) -> tuple[Mapping[str, Any], ...]:
    try:
        rows = json.loads(text) if text.startswith("[") else ()
    except ValueError:
        return ()
    return tuple(row for row in rows if isinstance(row, dict) and row)


def _rules(ruleset: str) -> Iterator[FilterRule]:
    """The telling rules in what `nft list ruleset` prints: a table, in it its chains, in each its rules."""
    table, chain, pending = "", "", ""
    for line in ruleset.splitlines():
        depth, words = len(line) - len(line.lstrip("\t")), line.strip()
        if depth == 0 and words.startswith("table "):
            table, chain = words.removeprefix("table ").removesuffix(" {"), ""
        elif depth == 1:
            chain = words.removeprefix("chain ").removesuffix(" {") if words.startswith("chain ") else ""
        elif chain and words:
            pending = f"{pending} {words}".strip()
            # The elements of a set in a rule may stand on several lines.
            if pending.count("{") == pending.count("}"):
                yield from _telling(table, chain, pending)
                pending = ""


def _telling(table: str, chain: str, words: str) -> Iterator[FilterRule]:
    if words.startswith("type "):
        if policy := re.search(r"\bpolicy drop\b", words):
            yield FilterRule(table, chain, policy[0])
    elif TELLING.search(words) and ENGINE_DNS not in words:
        yield FilterRule(table, chain, re.sub(r"\bcounter ", "", words))


def _legacy(counts: str) -> Iterator[FilterRule]:
    """Tables of the older iptables, whose rules nft does not show, as `ip filter 2`. The engine's own are in nat."""
    for version, table, count in (line.split() for line in counts.splitlines() if len(line.split()) == 3):
        if table != "nat" and count.isdecimal() and int(count):
            rules = "1 rule" if count == "1" else f"{count} rules"
            yield FilterRule(f"{version} {table}", "of iptables-legacy", f"{rules}, which nft cannot show")
