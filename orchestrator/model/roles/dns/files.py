"""named.conf, the zones and the root hints of a DNS node, written from the topology (BIND 9 reference manual)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.model.roles.dns.servers import recursive, zones_of
from orchestrator.model.roles.dns.zones import Writer, hints
from orchestrator.model.roles.role import FILES_AT

if TYPE_CHECKING:
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
    on the network from which the question came. A server without zones has one view, and so one cache.
    """
    on_ipv6 = "any" if any(attachment.address6 for attachment in topology.attachments_of(node)) else "none"
    options = OPTIONS % {"finds": _finds(topology, node), "on_ipv6": on_ipv6}
    if views_of(topology, node) == (None,):
        entries, texts = _entries(topology, node, None)
        return {"named.conf": options + entries, **texts}
    conf, all_texts, first = [options], {}, ""
    for network, subnet in topology.subnets.items():
        entries, texts = _entries(topology, node, network)
        first = first or entries
        clients = "".join(f" {range_};" for range_ in (subnet, topology.subnets6.get(network)) if range_)
        conf.append(f'view "{network}" {{\nmatch-clients {{{clients} }};\n{entries}}};\n')
        all_texts.update(texts)
    # Whoever asks from elsewhere, such as the node itself on loopback, has the view of the first network.
    conf.append(f'view "elsewhere" {{\nmatch-clients {{ any; }};\n{first}}};\n')
    return {"named.conf": "".join(conf), **all_texts}


def views_of(topology: TopologyView, node: str) -> tuple[str | None, ...]:
    """The networks that have a view of their own at a server; None stands for the only view."""
    if len(topology.subnets) == 1 or not zones_of(topology.scenario, node):
        return (None,)
    return tuple(topology.subnets)


def file_of(zone: str, network: str | None) -> str:
    """The file of a zone in the view of a network."""
    return (zone.strip(".") or "root") + (f".{network}.zone" if network else ".zone")


def _finds(topology: TopologyView, node: str) -> str:
    """How the server finds what it does not know: from the root, by asking others, or not at all."""
    declared = topology.scenario.nodes[node]
    if not recursive(declared):
        return "    recursion no;\n"
    if not declared.forward:
        return FINDS
    others = " ".join(f"{topology.address_for(node, other)};" for other in declared.forward)
    return f"{FINDS}    forward only;\n    forwarders {{ {others} }};\n"


def _entries(topology: TopologyView, node: str, network: str | None) -> tuple[str, dict[str, str]]:
    """The zone statements of named.conf, and the texts of the files that they name."""
    entries, texts = "", {}
    roots = topology.scenario.nodes[node].hints
    if roots:
        texts[HINTS_FILE] = hints(topology, node, roots)
        entries += f'zone "." {{ type hint; file "{FILES_AT}/{HINTS_FILE}"; }};\n'
    for name, zone in Writer(topology, node, network).zones().items():
        file = file_of(name, network)
        entries += f'zone "{name}" {{ type primary; file "{FILES_AT}/{file}"; }};\n'
        texts[file] = zone.text()
    return entries, texts
