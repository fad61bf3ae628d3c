"""Files of the scenario's folder that a node sees."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.checks.peer_evidence import peer_source_of
from orchestrator.model.mounted_files import kept_as
from orchestrator.model.roles import ROLES
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import DesiredNode, desired
from orchestrator.planning.labels import SPEC
from orchestrator.planning.snapshot import Snapshot
from orchestrator.planning.specs import Bind
from orchestrator.reading.scenario import read_scenario

IMAGES = {name: f"wirelab/{name}:1" for name in ("dns", "app", "client", "proxy")}
LAB = """\
name: shop
title: Files
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  web:    {role: proxy, files: {/wirelab/nginx.conf: nginx.conf, /etc/ssl/site.pem: certs/site.pem}}
  plain:  {role: proxy}
  client: {role: client, files: {/etc/motd: motd}}
"""
BESIDE = {"nginx.conf": "events {}\n", "certs/site.pem": "PEM\n", "motd": "hello\n"}
PEM = kept_as("/etc/ssl/site.pem")


def wanted(node: str, **beside: str) -> DesiredNode:
    texts = {**BESIDE, **beside}
    reading = read_scenario(LAB, file="scenario.yaml", read_companion=texts.get)
    topology = assign_addresses("shop", reading.scenario, Snapshot("/s", "r", IMAGES), dict(reading.texts))
    return desired(replace(topology, texts=texts), Snapshot("/s", "r", IMAGES), node)


def test_a_file_is_mounted_where_the_author_says() -> None:
    """Read-only, as all that a container sees of the machine; below /wirelab it takes the place of wirelab's own."""
    web = wanted("web")
    assert web.texts["nginx.conf"] == "events {}\n"
    assert web.texts[PEM] == "PEM\n"
    assert web.spec.binds[2:] == (Bind(f"/s/web/files/{PEM}", "/etc/ssl/site.pem"),)
    assert "access_log /dev/stdout lab" in wanted("plain").texts["nginx.conf"]
    assert wanted("plain").spec.binds[2:] == ()


def test_names_of_two_files_do_not_meet() -> None:
    assert kept_as("/etc/a/x.conf") != kept_as("/etc/b/x.conf")
    assert kept_as("/wirelab/x.conf") == "x.conf"


def test_a_changed_file_makes_the_node_anew() -> None:
    """A role that reads its own files again at a signal, too: of the author's nobody knows who reads them."""
    before = wanted("web").spec.labels[SPEC]
    assert wanted("web").spec.labels[SPEC] == before
    assert wanted("web", **{"nginx.conf": "events { }\n"}).spec.labels[SPEC] != before
    assert wanted("web", **{"certs/site.pem": "other\n"}).spec.labels[SPEC] != before
    assert wanted("plain", motd="other\n").spec.labels[SPEC] == wanted("plain").spec.labels[SPEC]


def test_of_a_configuration_of_the_authors_wirelab_expects_no_more_than_the_ports() -> None:
    """Its log may be of another form, and it need not answer wirelab's own probe."""
    assert wanted("web").probe == "tcp:80"
    assert wanted("plain").probe == ROLES["proxy"].ready
    nodes = read_scenario(LAB, file="scenario.yaml", read_companion=BESIDE.get).scenario.nodes
    assert [peer_source_of(nodes[name]).name for name in ("web", "plain")] == ["its socket table", "its access log"]
    assert not nodes["client"].is_customized
