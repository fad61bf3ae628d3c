"""named.conf, the zones and the root hints of a DNS node, written from the topology (BIND 9 reference manual)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from orchestrator.model.roles.dns.servers import forward_zones, recursive, zones_of
from orchestrator.model.roles.dns.zones import View, Writer, hints
from orchestrator.model.roles.role import FILES_AT

if TYPE_CHECKING:
    from orchestrator.model.attachment import Version
    from orchestrator.model.topology_view import TopologyView

HINTS_FILE = "root.hints"

# controls, pid-file and session-keyfile would need a writable disk; the default cache of 90 % of the host's memory
# would break the node's limit; empty-zones would answer for 192.168.x.y before our own zones do. A resolver sends its
# whole question to each server on the way, so that their logs tell it, and does not ask again before a ttl ends. Where
# nobody answers it, it says SERVFAIL before its clients give up: after 1500 ms, and not after ten seconds.
OPTIONS = """\
options {
    directory "/run/named";
    pid-file none;
    session-keyfile none;
    managed-keys-directory "/run/named";
    listen-on port 53 { any; };
    listen-on-v6 { %(on_ipv6)s; };
%(finds)s    allow-query { any; };
    dnssec-validation no;
    empty-zones-enable no;
    max-cache-size 16m;
    notify no;
    minimal-responses no-auth-recursive;
    rrset-order { order cyclic; };
    querylog yes;
};
controls {};
logging {
    channel lab { stderr; severity info; print-time iso8601-utc; print-category yes; };
    category default { lab; };
    category queries { lab; };
};
"""
FINDS = """\
    recursion yes;
    allow-recursion { any; };
    qname-minimization off;
    prefetch 0;
    resolver-query-timeout 1500;
"""


def files(topology: TopologyView, node: str) -> Mapping[str, str]:
    """File name below /wirelab -> text, for one DNS node.

    With several networks each has a view of its own (BIND 9 reference manual, "view"): a name leads to the address
    on the network from which the question came. So has who asks from there and stands on further networks, where that
    changes what it should learn. A server without zones has one view, and so one cache.
    """
    on_ipv6 = "any" if any(attachment.address6 for attachment in topology.attachments_of(node)) else "none"
    options = OPTIONS % {"finds": _finds(topology, node), "on_ipv6": on_ipv6}
    if views_of(topology, node) == ((),):
        entries, texts = _entries(topology, node, ())
        return {"named.conf": options + entries, **texts}
    conf, all_texts, first = [options], {}, ""
    for view in views_of(topology, node):
        entries, texts = _entries(topology, node, view)
        first = first or (entries if len(view) == 1 else "")
        clients = "".join(f" {client};" for client in _clients(topology, view))
        conf.append(f'view "{"+".join(view)}" {{\nmatch-clients {{{clients} }};\n{entries}}};\n')
        all_texts.update(texts)
    # Whoever asks from elsewhere, such as the node itself on loopback, has the view of the first network.
    conf.append(f'view "elsewhere" {{\nmatch-clients {{ any; }};\n{first}}};\n')
    return {"named.conf": "".join(conf), **all_texts}


def views_of(topology: TopologyView, node: str) -> tuple[View, ...]:
    """The views of a server, in the order in which BIND compares them; () stands for the only one."""
    if len(topology.subnets) == 1 or not zones_of(topology.scenario, node):
        return ((),)
    return tuple(view for network in topology.subnets for view in (*_asker_views(topology, node, network), (network,)))


def _asker_views(topology: TopologyView, server: str, network: str) -> tuple[View, ...]:
    """The networks of those who stand on this one and on others, where they should learn other addresses."""
    askers = (name for name in topology.scenario.nodes if name != server)
    views = dict.fromkeys(view for asker in askers if (view := _networks_from(topology, asker, network)))
    return tuple(view for view in views if len(view) > 1 and _learns_others(topology, view))


def _networks_from(topology: TopologyView, asker: str, network: str) -> View:
    """The networks of an asker, that from which it asks first; empty where it does not stand there."""
    own = tuple(attachment.network for attachment in topology.attachments_of(asker))
    return (network, *(other for other in own if other != network)) if network in own else ()


def _learns_others(topology: TopologyView, view: View) -> bool:
    versions: tuple[Version, ...] = (4, 6)
    return any(
        topology.addresses_from(view, name, version) != topology.addresses_from(view[:1], name, version)
        for name in topology.names
        for version in versions
    )


def _clients(topology: TopologyView, view: View) -> Iterator[object]:
    """Who has a view: the ranges of its network, or the addresses there of those who stand on all of its networks."""
    network = view[0]
    if len(view) == 1:
        yield from (range_ for range_ in (topology.subnets[network], topology.subnets6.get(network)) if range_)
        return
    for asker in topology.scenario.nodes:
        if _networks_from(topology, asker, network) == view:
            ends = (end for end in topology.attachments_of(asker) if end.network == network)
            yield from (address for end in ends for address in (*end.addresses(4), *end.addresses(6)))


def file_of(zone: str, view: View) -> str:
    """The file of a zone in a view."""
    return (zone.strip(".") or "root") + (f".{'+'.join(view)}.zone" if view else ".zone")


def _finds(topology: TopologyView, node: str) -> str:
    """How the server finds what it does not know: from the root, by asking others, or not at all."""
    declared = topology.scenario.nodes[node]
    if not recursive(declared):
        return "    recursion no;\n"
    if not declared.forward:
        return FINDS
    return f"{FINDS}    forward only;\n    forwarders {{ {_listed(topology, node, declared.forward)} }};\n"


def _listed(topology: TopologyView, node: str, servers: Iterable[str]) -> str:
    """The addresses of servers as a list of named.conf."""
    return " ".join(f"{topology.address_for(node, server)};" for server in servers)


def _entries(topology: TopologyView, node: str, view: View) -> tuple[str, dict[str, str]]:
    """The zone statements of named.conf, and the texts of the files that they name."""
    entries, texts = "", {}
    roots = topology.scenario.nodes[node].hints
    if roots:
        texts[HINTS_FILE] = hints(topology, node, roots)
        entries += f'zone "." {{ type hint; file "{FILES_AT}/{HINTS_FILE}"; }};\n'
    for domain, servers in forward_zones(topology.scenario.nodes[node]).items():
        if recursive(topology.scenario.nodes[node]):
            addresses = _listed(topology, node, servers)
            entries += f'zone "{domain}" {{ type forward; forward only; forwarders {{ {addresses} }}; }};\n'
    for name, zone in Writer(topology, node, view).zones().items():
        file = file_of(name, view)
        entries += f'zone "{name}" {{ type primary; file "{FILES_AT}/{file}"; }};\n'
        texts[file] = zone.text()
    return entries, texts
