"""nginx.conf of a proxy: what it listens on, and to whom it passes requests."""

from __future__ import annotations

import pytest
from observed_labs import nothing, planned

from orchestrator.model.roles.proxy.files import files

SCENARIO = """\
name: shop
title: A proxy
domain: shop.lab
nodes:
  dns:    {role: dns}
  app:    {role: app, replicas: 2}
  other:  {role: service, command: [sleep, infinity], listens: [{port: 53, protocol: udp}, {port: 8080}]}
  web:    {role: proxy, %s}
"""


def conf_of(settings: str) -> str:
    topology, _ = planned(SCENARIO % settings, nothing())
    return files(topology, "web")["nginx.conf"]


def test_each_server_that_it_uses_is_named_with_its_first_tcp_port() -> None:
    """Replicas one by one; a port of UDP is none for HTTP."""
    servers = [
        line.split()[1] for line in conf_of("uses: [app, other]").splitlines() if " server " in line and ":" in line
    ]
    assert servers == ["app-1.shop.lab:80", "app-2.shop.lab:80", "other.shop.lab:8080"]


def test_a_request_without_a_host_is_passed_on_with_the_address_that_was_asked() -> None:
    """HTTP/1.0 needs no Host (RFC 1945), and the server behind refuses HTTP/1.1 without one (RFC 9112, section 3.2)."""
    conf = conf_of("uses: [app]")
    assert 'map $host $called { "" $server_addr; default $host; }' in conf
    assert "proxy_set_header Host $called;" in conf


@pytest.mark.parametrize(
    ("way", "word"),
    [("in_turn", None), ("least_connections", "least_conn;"), ("same_client_same_server", "ip_hash;")],
)
def test_the_way_of_balancing_is_nginx_s_own_word(way: str, word: str | None) -> None:
    """In turn is what nginx does without a word."""
    found = [one for one in ("least_conn;", "ip_hash;") if one in conf_of(f"uses: [app], balance: {way}")]
    assert found == ([word] if word else [])


def test_without_servers_it_answers_by_itself() -> None:
    """No upstream, no passing on."""
    conf = conf_of("listens: [{port: 8080}]")
    assert "listen 0.0.0.0:8080;" in conf
    assert "proxy_pass" not in conf
    assert 'return 200 "web answers' in conf
