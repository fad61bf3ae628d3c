"""Addresses and interfaces that are not as they must be, though there is a way."""

from __future__ import annotations

import json

from walk_harness import CONNECTS, far, program, tcp, walked

from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult, RunProgram


def test_an_asker_that_has_the_address_of_the_server_itself_is_named() -> None:
    """Its own kernel answers, and refuses: no packet leaves it."""
    world = far()
    address = str(world.topology.address_for("client", "app-1"))

    def local(probe: Probe) -> ProbeResult | None:
        own = isinstance(probe, RunProgram) and (probe.node, probe.argv[-1]) == ("client", address)
        return ProgramResult(0, json.dumps([{"type": "local", "dst": address, "dev": "lo"}]), "") if own else None

    world.rules += [local, tcp("connect: Connection refused")]
    walk = walked(world, **CONNECTS)
    assert walk.broken
    assert walk.broken.name == "route"
    said = f"client itself has the address {address} of app-1, and sends what is for app-1 to itself."
    assert walk.sentence == said
    assert walk.also == ()


def test_an_interface_that_takes_only_the_smallest_packets_is_named() -> None:
    """The handshake passes, and then nothing does: the server is not to blame."""
    world = far()
    address = str(world.topology.address_for("client", "app-1"))
    interface = {"ifname": "eth0", "flags": ["UP"], "mtu": 100, "addr_info": [{"local": address}]}

    def addresses(probe: Probe) -> ProbeResult | None:
        own = isinstance(probe, RunProgram) and (probe.node, *probe.argv) == ("app-1", "ip", "-j", "addr")
        return ProgramResult(0, json.dumps([interface]), "") if own else None

    world.rules += [addresses, program("curl", ProgramResult(28, "", "curl: (28) Operation timed out"), "client")]
    walk = walked(world, from_="client", http="http://app-1.shop.lab/items")
    assert walk.broken
    assert walk.broken.name == "route"
    assert walk.sentence == "The network interface eth0 of app-1 takes no packet of more than 100 bytes (its MTU)."
    interface["mtu"] = 1400
    assert "route" not in [layer.name for layer in walked(world, **CONNECTS).layers if layer.verdict == "fail"]
