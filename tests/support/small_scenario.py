"""The smallest scenario in which a name resolves, for tests that need any lab: a client and a DNS server."""

from __future__ import annotations

# Ends in the list of checks, which each test writes itself.
SMALL_NODES = """\
name: small
title: A client and a DNS server
domain: shop.lab
nodes:
  dns: {role: dns}
  client: {role: client}
checks:
"""
