"""What a DNS node gets: its zones, its way to what it does not know, and whom the others ask."""

from __future__ import annotations

import re

import dns.zone
import pytest
from observed_labs import nothing, planned

from orchestrator.model.roles.dns.files import files
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import resolver_text
from orchestrator.reading.scenario import read_scenario

HEAD = "name: shop\ntitle: t\ndomain: shop.lab\nnetworks: {lab: {subnet: 192.168.7.0/24}}\n"
RECORDS = """\
records:
  www: {CNAME: app}
  "@": {MX: ["10 mail", "20 mx.example.org"], TXT: 'say "hi", ü'}
  mail: {A: "${app}"}
  _http._tcp: {SRV: ["0 5 80 app", "9 0 80 ."]}
  many: {A: ["${a}", "${app}", 192.168.7.99], ttl: 5}
  "*": {A: "${a}"}
  six: {AAAA: fd00::1}
"""
TREE = """\
nodes:
  root:     {role: dns, zones: {".": {delegates: {lab: tld}}}}
  tld:      {role: dns, zones: {lab: {delegates: {shop: auth}, ttl: 9}}}
  auth:     {role: dns, zones: {shop.lab: {ttl: 4, negative_ttl: 3, delegates: {eu: [third, other]}}}}
  other:    {role: dns, zones: {eu.shop.lab: {records: {www: {A: "${client}"}}}, example.org: }}
  resolver: {role: dns, hints: [root]}
  second:   {role: dns, forward: [resolver]}
  client:   {role: client, resolvers: [second, resolver]}
  plain:    {role: client}
  third:    {role: dns, zones: {eu.shop.lab: }}
"""
PER_NETWORK = """\
nodes: {dns: {role: dns}, app: {role: app}}
records:
  www:  {A: "${app}", TXT: hello, per_network: {back: {A: 192.0.2.1, ttl: 5}}}
  wiki: {CNAME: app, per_network: {third: null}}
  vpn:  {per_network: {lab: {CNAME: app}}}
"""


def places(text: str) -> Topology:
    scenario = read_scenario(HEAD + text, file="f", read_companion=dict[str, str]().get).scenario
    return assign_addresses("shop", scenario, nothing(), {})


def zone(topology_: Topology, node: str, file: str, name: str) -> list[str]:
    """The zone without its SOA, as BIND would read it."""
    found = dns.zone.from_text(files(topology_, node)[file], origin=name, relativize=False)
    return sorted(
        f"{owner} {ttl} {data.rdtype.name} {data}"
        for owner, ttl, data in found.iterate_rdatas()
        if data.rdtype.name != "SOA"
    )


@pytest.mark.slow
def test_records_stand_beside_the_nodes_own() -> None:
    """Names without a dot are in the zone, others are whole; ${NODE} is the node's address; a ttl is of its name."""
    lab = places(RECORDS + "nodes: {dns: {role: dns}, a: {role: app}, app: {role: app}}\n")
    assert zone(lab, "dns", "shop.lab.zone", "shop.lab") == [
        "*.shop.lab. 60 A 192.168.7.11",
        "_http._tcp.shop.lab. 60 SRV 0 5 80 app.shop.lab.",
        "_http._tcp.shop.lab. 60 SRV 9 0 80 .",
        "a.shop.lab. 60 A 192.168.7.11",
        "app.shop.lab. 60 A 192.168.7.12",
        "dns.shop.lab. 60 A 192.168.7.10",
        "mail.shop.lab. 60 A 192.168.7.12",
        "many.shop.lab. 5 A 192.168.7.11",
        "many.shop.lab. 5 A 192.168.7.12",
        "many.shop.lab. 5 A 192.168.7.99",
        "shop.lab. 60 MX 10 mail.shop.lab.",
        "shop.lab. 60 MX 20 mx.example.org.",
        "shop.lab. 60 NS dns.shop.lab.",
        'shop.lab. 60 TXT "say \\"hi\\", \\195\\188"',
        "six.shop.lab. 60 AAAA fd00::1",
        "www.shop.lab. 60 CNAME app.shop.lab.",
    ]


@pytest.mark.slow
def test_a_tree_of_servers_points_down_with_glue() -> None:
    """Each zone has its own NS, and for each part below NS and the address of a server whose name lies below."""
    lab = places(TREE)
    assert zone(lab, "root", "root.zone", ".") == [
        ". 60 NS root.shop.lab.",
        "7.168.192.in-addr.arpa. 60 NS auth.shop.lab.",
        "auth.shop.lab. 60 A 192.168.7.12",
        "lab. 60 NS tld.shop.lab.",
        "root.shop.lab. 60 A 192.168.7.10",
        "tld.shop.lab. 60 A 192.168.7.11",
    ]
    assert zone(lab, "tld", "lab.zone", "lab") == [
        "auth.shop.lab. 9 A 192.168.7.12",
        "lab. 9 NS tld.shop.lab.",
        "shop.lab. 9 NS auth.shop.lab.",
        "tld.shop.lab. 9 A 192.168.7.11",
    ]
    ours = zone(lab, "auth", "shop.lab.zone", "shop.lab")
    assert {"eu.shop.lab. 4 NS third.shop.lab.", "eu.shop.lab. 4 NS other.shop.lab."} <= set(ours)
    assert "resolver.shop.lab. 4 A 192.168.7.14" in ours
    assert zone(lab, "other", "example.org.zone", "example.org") == ["example.org. 60 NS other.shop.lab."]
    assert zone(lab, "other", "eu.shop.lab.zone", "eu.shop.lab") == [
        "eu.shop.lab. 60 NS other.shop.lab.",
        "eu.shop.lab. 60 NS third.shop.lab.",
        "www.eu.shop.lab. 60 A 192.168.7.16",
    ]


def test_how_long_no_such_name_may_be_kept_is_the_zones_own() -> None:
    """The last number of the SOA (RFC 2308, section 4)."""
    text = files(places(TREE), "auth")["shop.lab.zone"]
    (soa,) = [line for line in text.splitlines() if " SOA " in line]
    assert soa.split()[1] == "4"
    assert soa.split()[-1] == "3"


@pytest.mark.parametrize(
    ("node", "holds", "lacks"),
    [
        ("root", ["recursion no;", 'zone "." { type primary;'], ["recursion yes", "hint"]),
        (
            "resolver",
            ["recursion yes;", 'zone "." { type hint; file "/wirelab/root.hints"; };'],
            ["primary", "forward"],
        ),
        ("second", ["recursion yes;", "forward only;", "forwarders { 192.168.7.14; };"], ["primary", "hint"]),
        ("auth", ['zone "shop.lab"', 'zone "7.168.192.in-addr.arpa"', "recursion no;"], ['zone "."']),
        ("other", ['zone "example.org"'], ["in-addr.arpa", 'zone "shop.lab"']),
    ],
)
def test_what_a_server_answers_and_how_it_finds_the_rest(node: str, holds: list[str], lacks: list[str]) -> None:
    """Authoritative ones find nothing for others; a resolver has hints or forwarders, and no zone of its own."""
    conf = files(places(TREE), node)["named.conf"]
    assert [text for text in holds if text not in conf] == []
    assert [text for text in lacks if text in conf] == []


def test_the_hints_name_the_root_and_its_address() -> None:
    """RFC 9609."""
    assert files(places(TREE), "resolver")["root.hints"] == (
        ". 60 IN NS root.shop.lab.\nroot.shop.lab. 60 IN A 192.168.7.10\n"
    )


def test_a_node_asks_its_resolvers_in_their_order_or_those_that_resolve_for_others() -> None:
    """resolv.conf(5): one nameserver a line, the first is asked first."""
    lab = places(TREE)
    asked = [line for line in resolver_text(lab, "client").splitlines() if line.startswith("nameserver")]
    assert asked == ["nameserver 192.168.7.15", "nameserver 192.168.7.14"]
    assert lab.resolvers_of("plain") == ("resolver", "second")
    assert places("nodes: {c: {role: client, resolvers: []}, d: {role: dns}}").resolvers_of("c") == ()


TWO = """\
networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24}}
nodes:
  auth:     {role: dns, networks: [back]}
  cache:    {role: dns, forward: [auth]}
  app:      {role: app}
  client:   {role: client, networks: [front], resolvers: [cache]}
  both:     {role: client, resolvers: [cache]}
"""


def test_a_name_leads_to_the_address_on_the_network_from_which_the_last_resolver_asks() -> None:
    """The client asks the cache on front; the cache asks on back, and so learns the address there."""
    head = HEAD.replace("networks: {lab: {subnet: 192.168.7.0/24}}\n", "")
    scenario = read_scenario(head + TWO, file="f", read_companion=dict[str, str]().get).scenario
    lab = assign_addresses("shop", scenario, nothing(), {})
    assert [str(one) for one in lab.answers("client", "app")] == ["192.168.8.12"]
    assert lab.asked_from("both", "cache") == ("back", "front")
    views = files(lab, "auth")
    assert "app.shop.lab. 60 IN A 192.168.8.12" in views["shop.lab.back.zone"]
    assert "app.shop.lab. 60 IN A 192.168.7.11" in views["shop.lab.front.zone"]
    assert 'view "front"' in views["named.conf"]
    assert "view" not in files(lab, "cache")["named.conf"]


THREE = """\
networks: {edge: {subnet: 192.168.7.0/24}, mid: {subnet: 192.168.8.0/24}, back: {subnet: 192.168.9.0/24}}
nodes:
  dns:   {role: dns}
  app:   {role: app, networks: [mid, back]}
  gate:  {role: client, networks: [edge, mid], uses: [app]}
  guest: {role: client, networks: [edge]}
"""


def test_who_stands_on_further_networks_learns_the_addresses_on_those() -> None:
    """Otherwise a program would take the address to which no way leads, whenever that one comes first."""
    head = HEAD.replace("networks: {lab: {subnet: 192.168.7.0/24}}\n", "")
    scenario = read_scenario(head + THREE, file="f", read_companion=dict[str, str]().get).scenario
    lab = assign_addresses("shop", scenario, nothing(), {})
    assert [str(address) for address in lab.answers("gate", "app")] == ["192.168.8.11"]
    assert [str(address) for address in lab.answers("guest", "app")] == ["192.168.8.11", "192.168.9.11"]
    texts = files(lab, "dns")
    views = re.findall(r'view "(\S+)" \{\nmatch-clients \{ (.*); \};', texts["named.conf"])
    assert views == [
        ("edge+mid", "192.168.7.11"),
        ("edge", "192.168.7.0/24"),
        ("mid", "192.168.8.0/24"),
        ("back+mid", "192.168.9.11"),  # the app, which reaches the gate on mid alone
        ("back", "192.168.9.0/24"),
        ("elsewhere", "any"),
    ]
    own, others = (
        [line for line in texts[f"shop.lab.{view}.zone"].splitlines() if line.startswith("app.shop.lab.")]
        for view in ("edge+mid", "edge")
    )
    assert own == ["app.shop.lab. 60 IN A 192.168.8.11"]
    assert len(others) == 2


def test_dns_servers_do_not_wait_for_one_another() -> None:
    """Each becomes ready by itself, and the others after the servers that they ask."""
    text = "name: shop\ntitle: t\nnodes: {d1: {role: dns}, d2: {role: dns}, c: {role: client, resolvers: [d2]}}\n"
    order = {step.id: step.needs for step in planned(text, nothing())[1].steps}
    assert order["ready:d1"] == ("node:d1",)
    assert order["ready:d2"] == ("node:d2",)
    assert order["ready:c"] == ("node:c", "ready:d2")


SIX = """\
name: shop
title: t
domain: shop.lab
networks: {front: {subnet: 192.168.7.0/24, ipv6: true}, back: {subnet: 192.168.8.0/24}}
records: {www: {A: "${app}", AAAA: "${app}"}}
nodes: {dns: {role: dns}, app: {role: app}, inner: {role: app, networks: [back]}}
"""


def test_where_a_network_has_ipv6_names_lead_to_aaaa_and_its_addresses_lead_back() -> None:
    """RFC 3596: AAAA beside A, PTR below ip6.arpa; a node without IPv6 has no AAAA."""
    scenario = read_scenario(SIX, file="f", read_companion=dict[str, str]().get).scenario
    lab = assign_addresses("shop", scenario, nothing(), {})
    six = lab.subnets6["front"]
    reverse = six.network_address.reverse_pointer.split(".", 16)[-1]
    ours = zone(lab, "dns", "shop.lab.front.zone", "shop.lab")
    assert f"app.shop.lab. 60 AAAA {six[0x11]}" in ours
    assert f"www.shop.lab. 60 AAAA {six[0x11]}" in ours
    assert [line for line in ours if line.startswith("inner")] == ["inner.shop.lab. 60 A 192.168.8.12"]
    pointers = zone(lab, "dns", f"{reverse}.front.zone", reverse)
    assert f"{six[0x11].reverse_pointer}. 60 PTR app.shop.lab." in pointers
    conf = files(lab, "dns")["named.conf"]
    assert "listen-on-v6 { any; };" in conf
    assert f"match-clients {{ 192.168.7.0/24; {six}; }};" in conf
    assert "AAAA" not in files(lab, "dns")["shop.lab.back.zone"]


def test_a_lame_delegation_is_told_as_every_other() -> None:
    """The server to which the part is given stands in the zone, and has no zone for that part itself."""
    lab = places(
        "nodes:\n  tld: {role: dns, zones: {lab: {delegates: {shop: old}, lame: [shop]}}}\n"
        "  old: {role: dns, zones: {example.org: }}\n"
    )
    assert "shop.lab. 60 NS old.shop.lab." in zone(lab, "tld", "lab.zone", "lab")
    assert list(files(lab, "old")) == ["named.conf", "example.org.zone"]


@pytest.mark.parametrize(
    ("dns", "above"),
    [
        ("forward_zones: {corp.lab: corp}", "root.zone"),
        ("zones: {shop.lab: }, forward_zones: {corp.lab: corp}", "root.zone"),
        ("zones: {lab: }, forward_zones: {corp.lab: [corp]}", "lab.zone"),
    ],
)
def test_a_forwarded_domain_is_given_away_by_the_zone_above_it(dns: str, above: str) -> None:
    """BIND looks into its own zones before it asks others; every other name stays one of its own."""
    lab = places(f"nodes: {{dns: {{role: dns, {dns}}}, corp: {{role: dns, zones: {{corp.lab: }}}}}}\n")
    conf = files(lab, "dns")["named.conf"]
    assert 'zone "corp.lab" { type forward; forward only; forwarders { 192.168.7.11; }; };' in conf
    assert "recursion yes;" in conf
    assert "corp.lab. 60 NS corp.shop.lab." in zone(lab, "dns", above, "." if above == "root.zone" else "lab")
    assert 'zone "." { type primary;' in conf  # what is not known is NXDOMAIN, and nobody outside is asked


def test_a_server_with_another_way_to_all_names_needs_no_root_beside_its_forward_zones() -> None:
    lab = places(
        "nodes:\n  dns: {role: dns, forward: [all], forward_zones: {corp.lab: corp}}\n"
        "  all: {role: dns}\n  corp: {role: dns, zones: {corp.lab: }}\n"
    )
    conf = files(lab, "dns")["named.conf"]
    assert [line for line in conf.splitlines() if "forwarders" in line] == [
        "    forwarders { 192.168.7.11; };",
        'zone "corp.lab" { type forward; forward only; forwarders { 192.168.7.12; }; };',
    ]
    assert "primary" not in conf


def test_views_forward_alike() -> None:
    """BIND takes no zone outside of views where there are some."""
    two = HEAD.replace("}}", "}, back: {subnet: 192.168.8.0/24}}")
    text = (
        two + "nodes:\n  dns: {role: dns, forward_zones: {corp.lab: corp}}\n  corp: {role: dns, zones: {corp.lab: }}\n"
    )
    scenario = read_scenario(text, file="f", read_companion=dict[str, str]().get).scenario
    conf = files(assign_addresses("shop", scenario, nothing(), {}), "dns")["named.conf"]
    assert conf.count("type forward;") == conf.count("match-clients")


def test_those_of_each_network_are_told_other_records_of_a_name() -> None:
    """In place of all records of the name, with a ttl of their own; null: there is no such name."""
    three = HEAD.replace("}}", "}, back: {subnet: 192.168.8.0/24}, third: {subnet: 192.168.9.0/24}}")
    scenario = read_scenario(three + PER_NETWORK, file="f", read_companion=dict[str, str]().get).scenario
    lab = assign_addresses("shop", scenario, nothing(), {})
    told = {network: zone(lab, "dns", f"shop.lab.{network}.zone", "shop.lab") for network in ("lab", "back", "third")}
    written = {
        network: [record for record in records if record.startswith(("www.", "vpn.", "wiki."))]
        for network, records in told.items()
    }
    assert written == {
        "lab": [
            "vpn.shop.lab. 60 CNAME app.shop.lab.",
            "wiki.shop.lab. 60 CNAME app.shop.lab.",
            "www.shop.lab. 60 A 192.168.7.11",
            'www.shop.lab. 60 TXT "hello"',
        ],
        "back": ["wiki.shop.lab. 60 CNAME app.shop.lab.", "www.shop.lab. 5 A 192.0.2.1"],
        "third": ["www.shop.lab. 60 A 192.168.9.11", 'www.shop.lab. 60 TXT "hello"'],
    }


def test_in_a_lab_of_one_network_its_records_are_told_to_all() -> None:
    """Also where the only network is not declared."""
    text = (
        "name: shop\ntitle: t\ndomain: shop.lab\nrecords: {www: {A: 192.0.2.1, per_network: {lab: {A: 192.0.2.2}}}}\n"
    )
    text += "nodes: {dns: {role: dns}}\n"
    scenario = read_scenario(text, file="f", read_companion=dict[str, str]().get).scenario
    lab = assign_addresses("shop", scenario, nothing(), {})
    assert "www.shop.lab. 60 A 192.0.2.2" in zone(lab, "dns", "shop.lab.zone", "shop.lab")
