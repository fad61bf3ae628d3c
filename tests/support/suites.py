"""A small scenario for the suites and scripts that use a lab from Python."""

from __future__ import annotations

SMALL = """\
name: small
title: One name
domain: shop.lab
nodes:
  dns: {role: dns}
  client: {role: client}
checks:
  - name: The name is known
    from: client
    resolves: client.shop.lab
    to: client
"""
