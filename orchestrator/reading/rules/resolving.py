"""Rules about who asks whom for names, and about checks that look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from orchestrator.model.faults.record import Change
from orchestrator.model.name_lookup import MOST_RESOLVERS
from orchestrator.model.records import IN_NODE
from orchestrator.model.values import is_address, is_name
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.rules.checks import known_places, wrong_with
from orchestrator.reading.rules.records import resolvable_names
from orchestrator.reading.spelling import Hints
from orchestrator.reading.zones import covers, enumerate_at, full_names, is_plain, served

# What cannot be said of an answer that does not come, or that is none.
OF_AN_ANSWER = ("to", "answered_by", "authoritative", "rcode", "count", "ttl", "order", "refers_to", "through")
# The types whose owner is no address turned round.
OF_NAMES = ("A", "AAAA", "CNAME", "MX", "SRV")
ADDRESS_OF_NODE = re.compile(r"\$\{[a-z0-9-]+(\.(?!name\})[a-z0-9-]+){0,2}\}")
OF_VALUES = ("to", "order")
OF_RECORDS = ("to", "authoritative", "rcode", "count", "ttl", "order")


def hints_name_the_root(raw: RawScenario) -> Iterator[Violation]:
    """A resolver begins at servers of the root."""
    known = served(raw)
    roots = [node for node, zones in known.items() if "." in zones]
    for node in raw.nodes:
        for path, name in enumerate_at(("nodes", node, "hints"), raw.nodes[node].get("hints")):
            if raw.machines.get(name, name) in known and raw.machines.get(name, name) not in roots:
                message = f"{name!r} does not answer for the root; those that do: {listed(roots)}"
                yield Violation(path, f"{message}; give it zones: {{'.': {{delegates: …}}}}")


def a_resolver_has_one_way(raw: RawScenario) -> Iterator[Violation]:
    """A DNS server finds other names from the root or by asking others, not both; without either it finds none."""
    for node, values in raw.nodes.items():
        if values.get("hints") and values.get("forward"):
            message = "hints and forward stand together; a server walks from the root, or asks others: take one away"
            yield Violation(("nodes", node, "forward"), message, at_key=True)
        lost = values.get("recursion") is True and not is_plain(values)
        if lost and not (values.get("hints") or values.get("forward")):
            message = f"{node!r} has zones only, and no way to find other names; add hints: [ROOT] or forward: [DNS]"
            yield Violation(("nodes", node, "recursion"), message)


def three_resolvers_are_asked(raw: RawScenario) -> Iterator[Violation]:
    """A node names no more resolvers than its C library asks."""
    for node, values in raw.nodes.items():
        for path, name in enumerate_at(("nodes", node, "resolvers"), values.get("resolvers"))[MOST_RESOLVERS:]:
            why = "the C library reads three nameserver lines of resolv.conf and drops the rest (MAXNS, resolv.conf(5))"
            yield Violation(path, f"{node!r} would never ask {name!r}: {why}; name three, or fewer")


def hosts_name_addresses(raw: RawScenario) -> Iterator[Violation]:
    """What stands in `hosts` is an address, or a node's, also on one network."""
    known = known_places(raw)
    hints = Hints(raw.node_names)
    for at, text in _hosts_addresses(raw):
        if text.startswith("${") and text[2:-1] not in known:
            yield Violation(at, f"{short(text)!r}{wrong_with(text, raw, hints)}")
        elif ":" in text and not is_address(text):
            yield Violation(at, f"{short(text)!r} is no IPv6 address, such as fd00::20")


def _hosts_addresses(raw: RawScenario) -> Iterator[tuple[Path, str]]:
    for node, values in raw.nodes.items():
        hosts = values.get("hosts")
        for name, written in hosts.items() if isinstance(hosts, dict) else ():
            path = ("nodes", node, "hosts", name)
            yield from [(path, written)] if isinstance(written, str) else enumerate_at(path, written)


def forwarding_ends(raw: RawScenario) -> Iterator[Violation]:
    """A server does not come back to itself by those that it asks: the question would go round for ever."""
    forwarding = _Forwarding(raw)
    for node in raw.nodes:
        for path, name, domain in forwarding.places(node):
            if name == node or node in forwarding.reached(name, domain):
                what = "a question" if domain is None else f"a question for {domain!r}"
                message = f"{what} would go round: {node!r} asks {name!r}, which "
                message += "is itself" if name == node else f"comes back to {node!r}"
                yield Violation(path, message)


class _Forwarding:
    """Who hands questions on to whom; those for a domain may go another way than all others."""

    def __init__(self, raw: RawScenario) -> None:
        self._raw = raw
        self._zones = served(raw)

    def places(self, node: str) -> Iterator[tuple[Path, str, str | None]]:
        """Where each server stands that a node hands on to, its name, and the domain, None for everything."""
        values = self._raw.nodes.get(node, {})
        for path, name in enumerate_at(("nodes", node, "forward"), values.get("forward")):
            yield path, self._raw.machines.get(name, name), None
        domains = values.get("forward_zones")
        for domain, named in domains.items() if isinstance(domains, dict) else ():
            at = ("nodes", node, "forward_zones", domain)
            for path, name in [(at, named)] if isinstance(named, str) else enumerate_at(at, named):
                yield path, self._raw.machines.get(name, name), domain

    def reached(self, start: str, domain: str | None) -> set[str]:
        """The servers to which a question for a domain, or for anything else, comes from this one on."""
        seen: set[str] = set()
        todo = [start]
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                todo += self._next_servers(current, domain)
        return seen

    def _next_servers(self, node: str, domain: str | None) -> list[str]:
        places = list(self.places(node))
        if domain is not None:
            if any(_inside(domain, zone) for zone in self._zones.get(node, ())):
                return []
            nearest = max((own for _, _, own in places if own and _inside(domain, own)), key=len, default=None)
            return [name for _, name, own in places if own == nearest]
        return [name for _, name, own in places if own is None]


def _inside(name: str, zone: str) -> bool:
    return f".{name}".endswith(f".{zone}")


def forwarded_domains_are_of_others(raw: RawScenario) -> Iterator[Violation]:
    """A domain that is forwarded is a part, and none that the server answers for itself; and it finds answers."""
    for node, values in raw.nodes.items():
        domains = values.get("forward_zones")
        for domain in domains if isinstance(domains, dict) else ():
            path, own = ("nodes", node, "forward_zones", domain), served(raw).get(node, [])
            if domain == ".":
                yield Violation(path, "this is every name; write forward: for that", at_key=True)
            elif domain in own or (domain.endswith(".arpa") and raw.domain in own):
                message = f"{node!r} answers for {domain!r} itself, and would ask nobody; take one away"
                yield Violation(path, message, at_key=True)
        if domains and values.get("recursion") is False:
            message = "with recursion: false nothing is forwarded; take this or forward_zones away"
            yield Violation(("nodes", node, "recursion"), message)


def answers_make_sense(raw: RawScenario) -> Iterator[Violation]:
    """What a `resolves` check says of an answer fits together."""
    for path, check in raw.checks:
        if "resolves" not in check:
            continue
        if check.get("answered") is False:
            yield from _too_much(check, path, OF_AN_ANSWER, "where nobody may answer (answered: false)")
        elif check.get("rcode") not in (None, "NOERROR"):
            yield from _too_much(
                check, path, OF_VALUES, f"where the answer is {check['rcode']}, which holds no records"
            )
        elif check.get("refers_to") is not None:
            yield from _too_much(check, path, OF_RECORDS, "where the server only leads on (refers_to)")
        elif check.get("count") == 0 and check.get("to") is not None:
            yield from _too_much(check, path, ("to",), "where the name has no record (count: 0)")
        if check.get("order") is not None and check.get("type", "A") not in ("A", "AAAA"):
            yield Violation((*path, "order"), "only addresses (type A or AAAA) come in an order that is looked at")
        own = check.get("asks") or check.get("answered_by")
        for at, name in enumerate_at((*path, "through"), check.get("through")):
            if name == own:
                yield Violation(at, f"{name!r} is the one that answers; `through` names those that it asks")


def _too_much(check: dict[str, Any], path: Any, keys: tuple[str, ...], where: str) -> Iterator[Violation]:
    for key in keys:
        if check.get(key) is not None:
            yield Violation((*path, key), f"{key!r} says nothing {where}; take one away", at_key=True)


def names_can_be_asked(raw: RawScenario) -> Iterator[Violation]:
    """What is asked for is a whole name; the name of an address is asked for with the type PTR."""
    for path, check in raw.checks:
        name, kind = check.get("resolves"), check.get("type", "A")
        if not isinstance(name, str) or not name or not isinstance(kind, str):
            continue
        if kind in OF_NAMES and (ADDRESS_OF_NODE.fullmatch(name) or is_address(name)):
            message = f"{short(name)!r} is an address; write type: PTR to ask for its name, or ask for a name"
            yield Violation((*path, "resolves"), message)
        elif not is_name(name) and not is_address(name):
            message = f"expected a whole name, such as app.shop.lab; found the text {short(name)!r}"
            yield Violation((*path, "resolves"), message)


def names_are_told(raw: RawScenario) -> Iterator[Violation]:
    """A name in the lab's domain that must be there is told by somebody; what nobody has is NXDOMAIN."""
    there = resolvable_names(raw)
    hints = Hints(full_names(raw), ending=f".{raw.domain}")
    changed = {str(change.get("name")) for _, change in _changes(raw)}
    for path, check in raw.checks:
        name = check.get("resolves")
        if not isinstance(name, str) or not _must_be_there(check) or not raw.domain or not is_name(name):
            continue
        name = name.lower().rstrip(".")
        if name in (*raw.machines, *raw.groups) and name not in there:
            message = f"a name is asked for as it stands; did you mean '{name}.{raw.domain}'?"
            yield Violation((*path, "resolves"), message)
        elif f".{name}".endswith(f".{raw.domain}") and not covers(there, name) and name not in changed:
            message = f"nobody has the name {short(name)!r}{hints.of(name)} the names are {listed(there)}"
            yield Violation((*path, "resolves"), f"{message}; where nobody shall have it, write rcode: NXDOMAIN")


def _must_be_there(check: dict[str, Any]) -> bool:
    """Whether a check says that a name of its own, without a placeholder in it, has records."""
    own = "${" not in str(check.get("resolves")) and check.get("type", "A") in OF_NAMES
    expects_records = (
        check.get("rcode") is None and check.get("answered", True) is True and check.get("refers_to") is None
    )
    return own and expects_records and check.get("count") != 0


def ttl_says_a_range(raw: RawScenario) -> Iterator[Violation]:
    """A range of seconds has an end, and its ends are in order."""
    for path, check in raw.checks:
        ttl = check.get("ttl") if "resolves" in check else None
        if not isinstance(ttl, dict):
            continue
        low, high = ttl.get("at_least"), ttl.get("at_most")
        if low is None and high is None:
            yield Violation((*path, "ttl"), "this says nothing; write at_least, at_most or both")
        elif isinstance(low, int) and isinstance(high, int) and low > high:
            yield Violation((*path, "ttl"), f"no number is at least {low} and at most {high}")


def before_has_a_fault(raw: RawScenario) -> Iterator[Violation]:
    """What must hold before a fault needs a fault."""
    for path, check in raw.checks:
        if check.get("before") and check.get("during") is None and check.get("after") is None:
            message = "there is no fault before which these must hold; add during: or after:, or write first:"
            yield Violation((*path, "before"), message, at_key=True)


def changed_records_have_a_zone(raw: RawScenario) -> Iterator[Violation]:
    """A fault changes a record in a zone that the server has."""
    known = served(raw)
    for place, change in _changes(raw):
        name, server = change.get("name"), change.get("server")
        own = known.get(raw.machines.get(server, server)) if isinstance(server, str) else None
        if own is None or not isinstance(name, str):
            continue
        # The lab's addresses lead back in zones of their own, beside its domain.
        arpa = name.endswith(".arpa") and raw.domain in own
        if not arpa and not any(zone == "." or f".{name}".endswith(f".{zone}") for zone in own):
            message = f"{server!r} has no zone for {name!r}; its zones are {listed(own)}"
            yield Violation((*place, "name"), message)


def changed_records_can_be_told(raw: RawScenario) -> Iterator[Violation]:
    """What a fault makes a server say is a record that the server can say."""
    known = served(raw)
    for place, written in _changes(raw):
        try:
            change = Change.model_validate(written)
        except ValidationError:  # it is reported elsewhere
            continue
        own = known.get(raw.machines.get(change.server, change.server), ())
        zone = max((name for name in own if f".{change.name}".endswith(f".{name}")), key=len, default=".")
        if refused := change.refused(zone):
            yield Violation((*place, refused[0]), refused[1])
        for value in change.values if change.type == "AAAA" else ():
            node = value[2:-1] if IN_NODE.fullmatch(value) else ""
            machines = raw.groups.get(node, (node,))
            if node and not any(raw.has_ipv6(name) for name in machines):
                yield Violation((*place, "value"), f"{node!r} has no IPv6 address; write ipv6: true for its network")


def _changes(raw: RawScenario) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every fault `record`: its path, and what it says."""
    for path, _, step in raw.fault_steps:
        change = step.get("record") if isinstance(step, dict) else None
        if isinstance(change, dict):
            yield (*path, "record"), change
