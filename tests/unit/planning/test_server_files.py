"""What the roles proxy, ssh and app are given: configuration, keys, certificates, and nothing that is not theirs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from cryptography import x509

from orchestrator.lab.credentials import credentials_of
from orchestrator.lab.secret_source import RANDOM_SECRETS
from orchestrator.model.secret import Secret
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import DesiredNode, desired
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

ALL_IMAGES = {name: f"wirelab/{name}:1" for name in ("dns", "database", "app", "client", "proxy", "ssh")}
TEXT = """\
name: shop
title: Servers
domain: shop.lab
networks: {front: {subnet: 192.168.7.0/24}, back: {subnet: 192.168.8.0/24}}
nodes:
  dns: {role: dns}
  app: {role: app, networks: [back], replicas: 2, listens: [{port: 8080, address: back}]}
  db: {role: database}
  proxy:
    role: proxy
    uses: [app, db]
    balance: least_connections
    listens: [{port: 80, address: front}, {port: 443, address: front, tls: true}, {port: 81, address: loopback}]
  web: {role: proxy, networks: [front]}
  shell: {role: ssh, networks: [front], listens: [{port: 2222}]}
  client: {role: client, networks: [front], uses: [proxy, shell]}
  other: {role: client, networks: [front], privileged_ports: true}
"""


def all_of(text: str = TEXT) -> dict[str, DesiredNode]:
    scenario = read_scenario(text, file="scenario.yaml", read_companion=dict[str, str]().get).scenario
    seen = Snapshot("/s", "r", ALL_IMAGES, secrets={"db": Secret("pass-word")})
    seen = replace(
        seen,
        credentials=credentials_of(assign_addresses("shop", scenario, seen, {}), "", 1_800_000_000.0, RANDOM_SECRETS)[
            0
        ],
    )
    topology = assign_addresses("shop", scenario, seen, {})
    return {node: desired(topology, seen, node) for node in scenario.nodes}


@pytest.mark.slow
def test_a_proxy_forwards_to_each_http_server_that_it_uses() -> None:
    """By name, on the port where it listens; a database is no HTTP server."""
    conf = all_of()["proxy"].texts["nginx.conf"]
    assert "    upstream servers {\n        least_conn;\n" in conf
    for machine in ("app-1", "app-2"):
        assert f"        server {machine}.shop.lab:8080 max_fails=1 fail_timeout=1s;\n" in conf
    assert "db.shop.lab" not in conf
    assert conf.count("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;") == 3


def test_a_proxy_listens_where_it_is_told() -> None:
    one = all_of()["proxy"]
    address = next(str(end.address) for end in one.spec.attachments if end.network == "front")
    listens = [line.strip() for line in one.texts["nginx.conf"].splitlines() if "listen " in line]
    assert listens == [f"listen {address}:80;", f"listen {address}:443 ssl;", "listen 127.0.0.1:81;"]
    assert "ssl_certificate_key /wirelab/tls-443.key;" in one.texts["nginx.conf"]
    assert one.probe == "tcp:80 tcp:443 tcp:81"


def test_without_servers_it_answers_by_itself_and_shows_nothing_of_its_folder() -> None:
    """The folder may hold private keys: no file of it can be had."""
    conf = all_of()["web"].texts["nginx.conf"]
    assert 'return 200 "web answers $remote_addr over $scheme\\n";' in conf
    assert "proxy_pass" not in conf
    assert "root" not in conf


@pytest.mark.slow
@pytest.mark.parametrize(("intermediate", "sent"), [("sent", 2), ("not_sent", 1), (None, 1)])
def test_a_server_sends_the_intermediate_certificate_or_keeps_it_back(intermediate: str | None, sent: int) -> None:
    """Each node has that of the lab, so that a client may know it; no key of an authority is anywhere."""
    tls = f"{{intermediate: {intermediate}}}" if intermediate else "true"
    nodes = all_of(TEXT.replace("tls: true", f"tls: {tls}"))
    assert nodes["proxy"].texts["tls-443.pem"].count("BEGIN CERTIFICATE") == sent
    assert ("intermediate.pem" in nodes["client"].texts) == (intermediate is not None)
    assert sum(text.count("PRIVATE KEY") for text in nodes["client"].texts.values() if "BEGIN PRIVATE" in text) == 0


@pytest.mark.slow
def test_a_server_may_ask_for_a_client_certificate_which_its_client_alone_has() -> None:
    text = TEXT.replace("tls: true", "tls: {client_certificate: true}")
    nodes = all_of(text.replace("client: {role: client,", "client: {role: client, client_certificate: lab,"))
    conf = nodes["proxy"].texts["nginx.conf"]
    assert "        ssl_client_certificate /wirelab/ca.pem;\n        ssl_verify_client on;\n" in conf
    assert {node for node in nodes if {"client.pem", "client.key"} & set(nodes[node].texts)} == {"client"}
    assert "ssl_verify_client" not in all_of()["proxy"].texts["nginx.conf"]


NAMED = """\
name: shop
title: Certificates by name, and TLS to the servers behind
domain: shop.lab
nodes:
  dns: {role: dns}
  api: {role: app, replicas: 2, listens: [{port: 8443, tls: {client_certificate: true}}]}
  both: {role: proxy, listens: [{port: 443, tls: true}, {port: 8080}]}
  edge:
    role: proxy
    uses: [api]
    client_certificate: lab
    upstream_tls: {client_certificate: true}
    listens: [{port: 443, tls: {server_names: {www.shop.lab: {}, half.shop.lab: {intermediate: not_sent}}}}]
  easy: {role: proxy, uses: [both], upstream_tls: {verify: false, name: other.lab}}
  plain: {role: proxy, uses: [both]}
"""


@pytest.mark.slow
def test_a_listener_has_a_certificate_for_each_server_name() -> None:
    """The first server has no name: it takes what no other is for (ngx_http_core_module, default_server)."""
    nodes = all_of(NAMED)
    conf = nodes["edge"].texts["nginx.conf"]
    servers = conf.split("    server {\n")[1:]
    assert [
        re.findall(r"^        (?:server_name (\S+)|ssl_certificate (\S+));", server, re.M) for server in servers
    ] == [
        [("", "/wirelab/tls-443.pem")],
        [("www.shop.lab", ""), ("", "/wirelab/tls-443-www.shop.lab.pem")],
        [("half.shop.lab", ""), ("", "/wirelab/tls-443-half.shop.lab.pem")],
    ]
    shown = x509.load_pem_x509_certificate(nodes["edge"].texts["tls-443-www.shop.lab.pem"].encode())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (names.get_values_for_type(x509.DNSName), list(names.get_values_for_type(x509.IPAddress))) == (
        ["www.shop.lab"],
        [],
    )
    assert nodes["edge"].texts["tls-443-half.shop.lab.pem"].count("BEGIN CERTIFICATE") == 1


@pytest.mark.slow
def test_a_proxy_verifies_the_servers_behind_it_by_the_name_of_their_group() -> None:
    nodes = all_of(NAMED)
    conf = nodes["edge"].texts["nginx.conf"]
    assert "        server api-1.shop.lab:8443 max_fails=1" in conf
    assert set(re.findall(r"(proxy_(?:pass|ssl)\S* .*);", conf)) == {
        "proxy_pass https://servers",
        "proxy_ssl_server_name on",
        "proxy_ssl_name api.shop.lab",
        "proxy_ssl_trusted_certificate /wirelab/ca.pem",
        "proxy_ssl_verify on",
        "proxy_ssl_verify_depth 2",
        "proxy_ssl_certificate /wirelab/client.pem",
        "proxy_ssl_certificate_key /wirelab/client.key",
    }
    easy, plain = nodes["easy"].texts["nginx.conf"], nodes["plain"].texts["nginx.conf"]
    assert re.findall(r"proxy_ssl\S* .*;", easy) == ["proxy_ssl_server_name on;", "proxy_ssl_name other.lab;"]
    assert ("both.shop.lab:443" in easy, "both.shop.lab:8080" in plain, "proxy_ssl" in plain) == (True, True, False)


@pytest.mark.slow
def test_an_app_is_told_its_certificate_and_whose_clients_it_takes() -> None:
    environment = all_of(NAMED)["api-1"].spec.environment
    assert {name: value for name, value in environment.items() if name.startswith("TLS_")} == {
        "TLS_CERTIFICATE_FILE": "/wirelab/tls-8443.pem",
        "TLS_KEY_FILE": "/wirelab/tls-8443.key",
        "TLS_CLIENT_AUTHORITY_FILE": "/wirelab/ca.pem",
    }
    assert not [name for name in all_of()["app-1"].spec.environment if name.startswith("TLS_")]


def test_an_app_listens_where_it_is_told() -> None:
    one = all_of()["app-1"]
    assert one.spec.environment["LISTEN"] == f"{one.spec.attachments[0].address}:8080"
    assert one.probe == "tcp:8080"


def test_an_app_listens_on_ipv6_where_it_has_it() -> None:
    """On both, for its name leads to both addresses."""
    text = "name: t\ntitle: T\nnetworks: {both: {ipv6: true}}\nnodes:\n  app: {role: app}\n"
    assert all_of(text)["app"].spec.environment["LISTEN"] == "*:80"


def test_a_private_key_is_with_those_who_need_it_alone() -> None:
    """The server has its own; who uses it has the one that opens it; nobody else has either."""
    nodes = all_of()
    holders = {name: {node for node in nodes if name in nodes[node].texts} for name in ("host.key", "shell.key")}
    assert holders == {"host.key": {"shell"}, "shell.key": {"client"}}
    assert {node for node in nodes if "tls-443.key" in nodes[node].texts} == {"proxy"}
    public = nodes["shell"].texts["authorized_keys"]
    assert public.startswith("ssh-ed25519 ")
    assert nodes["client"].texts["shell.known_hosts"].startswith("shell.shop.lab ssh-ed25519 ")
    assert "ListenAddress 0.0.0.0:2222\n" in nodes["shell"].texts["sshd_config"]
    assert "    Port 2222\n" in nodes["client"].texts["shell.ssh_config"]


@pytest.mark.slow
def test_every_node_of_the_lab_trusts_its_authority() -> None:
    for one in all_of().values():
        assert one.texts["ca.pem"].startswith("-----BEGIN CERTIFICATE-----")
        assert one.spec.environment["CURL_CA_BUNDLE"] == "/wirelab/ca.pem"
        assert one.spec.environment["SSL_CERT_FILE"] == "/wirelab/ca.pem"


@pytest.mark.slow
def test_a_new_authority_starts_no_node_anew() -> None:
    """Certificates are read again at a signal, what is trusted at each use."""
    first, second = all_of(), all_of()
    assert first["client"].texts["ca.pem"] != second["client"].texts["ca.pem"]
    for node in ("dns", "db", "app-1", "proxy", "other"):
        assert first[node].spec.labels["wirelab.spec"] == second[node].spec.labels["wirelab.spec"]
    assert first["proxy"].loaded != second["proxy"].loaded


def test_a_lab_without_tls_knows_no_authority() -> None:
    text = "name: t\ntitle: T\nnodes:\n  app: {role: app}\n  client: {role: client}\n"
    for one in all_of(text).values():
        assert "ca.pem" not in one.texts
        assert "SSL_CERT_FILE" not in one.spec.environment


def test_ports_need_a_privilege_where_the_file_says_so() -> None:
    nodes = all_of()
    assert nodes["other"].spec.sysctls["net.ipv4.ip_unprivileged_port_start"] == "1024"
    assert "net.ipv4.ip_unprivileged_port_start" not in nodes["client"].spec.sysctls
