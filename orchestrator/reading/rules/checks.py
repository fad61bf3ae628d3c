"""Rules about checks: what they name, ask and expect can be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.values import ADDRESS, is_address, is_name
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed, short
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.reading import Path
from orchestrator.reading.rules.references import several_text
from orchestrator.reading.spelling import Hints, did_you_mean
from orchestrator.reading.zones import covers, full_names

# `$$` is a `$` of the author's own, so `$${HOME}` is no placeholder
PLACEHOLDER = re.compile(r"\$\$|\$\{([^}]*)\}?")
# of a URL or of host:port; another text is reported elsewhere
HOST = re.compile(r"(?:https?://)?(\[[^\]]*\]|[^\s:/?#@\[\]]+)(?::[0-9]+)?(?:[/?#]\S*)?")
RANDOM = "random"
# kind of check, two keys that exclude each other, and why
APART = (
    ("http", "body", "send", "a request has one body"),
    ("sql", "rows", "fails", "a statement that fails gives no rows"),
    ("udp", "contains", "answered", "a datagram that is refused has no reply"),
    ("udp", "answered_from", "answered", "a datagram that is refused has no reply"),
)


def names_once(raw: RawScenario) -> Iterator[Violation]:
    """No two checks bear one name, for reports speak of checks by name; those that belong to another one may repeat."""
    lines: dict[str, int] = {}
    for path, check in raw.checks:
        name = check.get("name")
        if len(path) > 2 or not isinstance(name, str):
            continue
        if name in lines:
            yield Violation((*path, "name"), f"another check has this name (line {lines[name]}); say what differs")
        else:
            lines[name] = raw.line_of((*path, "name"))


def one_fault_at_a_time(raw: RawScenario) -> Iterator[Violation]:
    """A check is judged during a fault or after it; those that belong to another one are put as the lab then is."""
    for path, check in raw.checks:
        faults = [key for key in ("during", "after") if check.get(key) is not None]
        if len(path) > 2:
            for key in faults:
                where = f"under {path[-2]!r}" if isinstance(path[-1], int) else "in a list of faults"
                message = f"a check {where} puts no fault in; write {key!r} at the check that it belongs to"
                yield Violation((*path, key), message, at_key=True)
        elif len(faults) > 1:
            message = "a check is judged during a fault, or after it; make a check of each"
            yield Violation((*path, "after"), message, at_key=True)


def placeholders_name_something(raw: RawScenario) -> Iterator[Violation]:
    """`${…}` is a random word, a node's address, also on one network, a node's name, or a loopback address."""
    known = frozenset((RANDOM, *known_places(raw), *(f"{node}.name" for node in raw.node_names)))
    hints = Hints((*raw.node_names, RANDOM, "loopback"))
    for path, check in raw.checks:
        own = {key: value for key, value in check.items() if key not in ("before", "first")}
        for at, text in _texts(own, path):
            for wrong in _wrong_placeholders(text, known):
                yield Violation(at, f"{short(wrong)!r}{wrong_with(wrong, raw, hints)}")


def known_places(raw: RawScenario) -> frozenset[str]:
    """The words inside of `${…}` that stand for an address."""
    places = {"loopback", "loopback.ipv6", *raw.node_names}
    for node in raw.node_names:
        networks = raw.attachments(raw.machines.get(node, node))
        places |= {f"{node}.{network}" for network in networks}
        with_ipv6 = [network for network in networks if raw.networks.get(network, {}).get("ipv6") is True]
        places |= {f"{node}.{network}.ipv6" for network in with_ipv6}
        places |= {f"{node}.ipv6"} if with_ipv6 else set()
    return frozenset(places)


def wrong_with(placeholder: str, raw: RawScenario, hints: Hints) -> str:
    """Why a placeholder stands for nothing, and what is allowed."""
    allowed = (
        "allowed are ${random}, ${loopback}, ${NODE}, ${NODE.NETWORK}, ${NODE.name} and, on a network with ipv6, "
        f"${{NODE.ipv6}}, where NODE is one of {listed(raw.node_names)}"
    )
    if not placeholder.endswith("}"):
        return f" is not closed with '}}'; {allowed}"
    word = placeholder[2:-1]
    name, _, rest = word.removesuffix(".name").removesuffix(".ipv6").partition(".")
    if name in raw.groups:
        return f": {several_text(raw, name)}"
    if not rest and name in raw.machines and word.endswith(".ipv6"):
        return f": {name!r} stands on no network with ipv6; write ${{{name}}}, or give its network ipv6: true"
    if rest and name in raw.machines:
        networks = raw.attachments(raw.machines[name])
        more = "has no ipv6;" if rest in networks else f"is no network of {name!r}{did_you_mean(rest, networks) or ';'}"
        return f": {short(rest)!r} {more} it stands on {listed(networks)}"
    return f" names nothing{hints.of(name)} {allowed}; for a shell's own, write $${{"


def _wrong_placeholders(text: str, known: frozenset[str]) -> list[str]:
    """The placeholders that name nothing, each once, in their order."""
    wrong: dict[str, None] = {}
    for match in PLACEHOLDER.finditer(text) if "${" in text else ():
        word = match[1]
        if word is not None and not (match[0].endswith("}") and word in known):
            wrong[match[0]] = None
    return list(wrong)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, part in value.items():
                yield from _texts(part, (*path, key))
        case list():
            for index, part in enumerate(value):
                yield from _texts(part, (*path, index))


def hosts_are_there(raw: RawScenario) -> Iterator[Violation]:
    """A host inside the lab's domain is a node's name; a check that asks another one could never hold."""
    names = full_names(raw)
    hints = Hints(names, ending=f".{raw.domain}")
    for raw_value in raw.hosts:
        host = host_of(raw_value.value)
        if _is_looked_up_otherwise(raw, raw_value.path, host):
            continue
        host = f"{host}.{raw.domain}" if host and "." not in host and host != "localhost" else host
        if (
            not raw.nodes
            or not raw.domain
            or not is_name(host)
            or not f".{host}".endswith(f".{raw.domain}")
            or "${" in host
        ):
            continue
        if not covers(names, host):
            message = f"no node has the name {short(host)!r}{hints.of(host)} the names are {listed(names)}"
            yield Violation(raw_value.path, message)


def _is_looked_up_otherwise(raw: RawScenario, path: Path, host: str) -> bool:
    """Whether the asker's hosts file has the name, or its own search list completes it."""
    asker = raw.values_of(str(dict(raw.checks).get(path[:-1], {}).get("from")))
    hosts = asker.get("hosts")
    written = isinstance(hosts, dict) and host in (str(name).lower() for name in hosts)
    return written or ("search" in asker and "." not in host)


def hosts_have_a_form(raw: RawScenario) -> Iterator[Violation]:
    """A host is a name or an address, in brackets where it is one of IPv6."""
    for raw_value in raw.hosts:
        host = host_of(raw_value.value)
        inner = host[1:-1]
        if host.startswith("["):
            if "${" not in inner and not (":" in inner and is_address(inner)):
                yield Violation(raw_value.path, f"{short(inner)!r} is no IPv6 address, such as fd00::20")
        elif host and re.fullmatch("[0-9.]+", host):
            if not re.fullmatch(ADDRESS, host):
                message = f"{short(host)!r} is no address; one is four numbers from 0 to 255, such as 192.168.7.20"
                yield Violation(raw_value.path, message)
        elif host.endswith(".ipv6}") and "://" in raw_value.value:
            message = f"an IPv6 address stands in brackets in a URL (RFC 3986, section 3.2.2); write [{host}]"
            yield Violation(raw_value.path, message)
        elif host and not is_name(host) and "${" not in host:
            message = f"{short(host)!r} is neither a name, such as app.shop.lab, nor an address, nor ${{NODE}}"
            yield Violation(raw_value.path, message)


def host_of(text: str) -> str:
    """The host of a URL or of host:port; empty where the text is neither."""
    matched = HOST.fullmatch(text)
    return matched[1].lower().rstrip(".") if matched else ""


def one_thing_is_expected(raw: RawScenario) -> Iterator[Violation]:
    """What a check says fits together."""
    for path, check in raw.checks:
        for kind, key, other, why in APART:
            if kind in check and check.get(key) is not None and check.get(other) not in (None, True):
                yield Violation((*path, other), f"{key} and {other} stand together; {why}", at_key=True)


def programs_have_names(raw: RawScenario) -> Iterator[Violation]:
    """The first word of a program and its arguments is its name."""
    places = [((*path, "runs"), check.get("runs")) for path, check in raw.checks]
    places += [(("nodes", name, "command"), node.get("command")) for name, node in raw.nodes.items()]
    for path, words in places:
        if isinstance(words, list) and words and isinstance(words[0], str) and not words[0].strip():
            yield Violation((*path, 0), "the first word is the program's name; it must not be empty")


def somebody_resolves(raw: RawScenario) -> Iterator[Violation]:
    """Where names are resolved, a node has the role dns."""
    if raw.servers_of(ApplicationProtocol.DNS) or not raw.nodes:
        return
    for path, check in raw.checks:
        if "resolves" in check:
            message = "no node has the role dns, so nobody in this lab can answer; add one: dns: {role: dns}"
            yield Violation((*path, "resolves"), message)


def sql_has_a_database(raw: RawScenario) -> Iterator[Violation]:
    """It is clear which database an SQL check speaks to: the asker itself, the only one that it uses, or `database`."""
    databases = raw.servers_of(ApplicationProtocol.POSTGRESQL)
    for path, check in raw.checks:
        asker = check.get("from")
        if "sql" not in check or check.get("database") is not None or not isinstance(asker, str):
            continue
        if asker not in raw.machines or asker in databases:
            continue
        used = [name for name in raw.used_machines(asker) if name in databases]
        if not used:
            way = (
                f"let it use one of {listed(databases)}"
                if databases
                else "the scenario has no node of the role database"
            )
            yield Violation((*path, "sql"), f"{asker!r} uses no database, so it has no password; {way}")
        elif len(used) > 1:
            yield Violation(
                (*path, "sql"), f"{asker!r} uses several databases; write database: with one of {listed(used)}"
            )


def sql_has_a_password(raw: RawScenario) -> Iterator[Violation]:
    """Who asks a database is it or uses it, and so has its password; or the check says one."""
    databases = raw.servers_of(ApplicationProtocol.POSTGRESQL)
    for path, check in raw.checks:
        asker, database = check.get("from"), check.get("database")
        if "sql" not in check or check.get("password") is not None or database not in databases or asker == database:
            continue
        if isinstance(asker, str) and asker in raw.machines and database not in raw.used_machines(asker):
            message = f"{asker!r} does not use {database!r}, so it has not its password; add it to uses of {asker!r}"
            yield Violation((*path, "database"), message)


def server_listens(raw: RawScenario) -> Iterator[Violation]:
    """A server that is asked whom it saw, or that is said to be one, listens somewhere: by its role or its own word."""
    for path, check in raw.checks:
        servers: list[tuple[Path, Any]] = [((*path, "node"), check.get("node"))] if "sees" in check else []
        named = check.get("servers") if "http" in check else None
        servers += [((*path, "servers", at), name) for at, name in enumerate(named if isinstance(named, list) else ())]
        for at, server in (*servers, *_servers_of_parts(path, check)):
            role = raw.role(server) if isinstance(server, str) else None
            if role is None or role.listeners or raw.values_of(str(server)).get("listens"):
                continue
            message = f"{server!r} is no server as far as the file says; give the node listens: [{{port: …}}]"
            yield Violation(at, message)


def _servers_of_parts(path: Path, check: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The nodes that a check `roles` calls servers, each with its place."""
    for node, part in _parts(check):
        if part.get("server_to"):
            yield (*path, "roles", node, "server_to"), node
        used = part.get("client_of")
        for index, server in enumerate(used if isinstance(used, list) else ()):
            yield (*path, "roles", node, "client_of", index), server


def _parts(check: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    parts = check.get("roles")
    for node, part in parts.items() if isinstance(parts, dict) else ():
        if isinstance(part, dict):
            yield node, part


def part_says_something(raw: RawScenario) -> Iterator[Violation]:
    """A check `roles` says of each of its nodes whose server or whose client it is."""
    for path, check in raw.checks:
        for node, part in _parts(check):
            if set(part) <= {"server_to", "client_of"} and not any(part.values()):
                message = f"say what {node!r} is: server_to: [NODE] or client_of: [NODE]"
                yield Violation((*path, "roles", node), message, at_key=True)


def takes_says_a_range(raw: RawScenario) -> Iterator[Violation]:
    """`takes` has a lower bound, an upper bound, or both in their order."""
    for path, check in raw.checks:
        takes = check.get("takes")
        if not isinstance(takes, dict) or not set(takes) <= {"at_least", "at_most"}:
            continue
        low, high = takes.get("at_least"), takes.get("at_most")
        if low is None and high is None:
            yield Violation((*path, "takes"), "say how long it takes: at_least: SECONDS, at_most: SECONDS, or both")
        elif isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            message = f"at_least is {low:g} and at_most is {high:g}, so no time fits; at_most is the larger one"
            yield Violation((*path, "takes", "at_most"), message)


def several_requests_fit(raw: RawScenario) -> Iterator[Violation]:
    """What an `http` check says of several requests, and of their time, can hold."""
    for path, check in raw.checks:
        if "http" in check:
            yield from _success_fits(path, check)
            yield from _timeout_fits(path, check)


def _success_fits(path: Path, check: dict[str, Any]) -> Iterator[Violation]:
    requests, succeed = check.get("requests", 1), check.get("succeed")
    bounds = {"succeed": succeed} if not isinstance(succeed, dict) else succeed
    at = (*path, "succeed")
    if isinstance(succeed, dict) and set(succeed) <= {"at_least", "at_most"}:
        low, high = succeed.get("at_least"), succeed.get("at_most")
        if low is None and high is None:
            yield Violation(at, "say how many: at_least: NUMBER, at_most: NUMBER, or both")
        elif isinstance(low, int) and isinstance(high, int) and low > high:
            message = f"at_least is {low} and at_most is {high}, so no number fits; at_most is the larger one"
            yield Violation((*at, "at_most"), message)
            return
    for key, number in bounds.items():
        if isinstance(number, int) and isinstance(requests, int) and number > requests:
            sent = "one request is sent" if requests == 1 else f"{requests} requests are sent"
            place = at if key == "succeed" else (*at, key)
            yield Violation(place, f"{number} cannot succeed, for {sent}; write requests: {number} or more")
            return


def _timeout_fits(path: Path, check: dict[str, Any]) -> Iterator[Violation]:
    timeout, takes = check.get("timeout"), check.get("takes")
    least = takes.get("at_least") if isinstance(takes, dict) else None
    if isinstance(timeout, int | float) and isinstance(least, int | float) and least >= timeout:
        message = (
            f"the client gives up after {timeout:g} s, so no answer takes {least:g} s; make timeout the larger one"
        )
        yield Violation((*path, "timeout"), message)
