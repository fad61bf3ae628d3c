"""Puts a check to recorded answers, in a lab whose addresses are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from orchestrator.checks.findings import Judgement
from orchestrator.checks.interfaces import addresses_of
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.kinds.sql import END, MESSAGE
from orchestrator.checks.probes import CheckContext, Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.checks.steps import run_steps
from orchestrator.checks.target_time import processor_probe
from orchestrator.model.checks import KINDS, BaseCheck, kind_of
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

SHOP = """\
name: shop
title: A server that is also a client
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  dns:    {role: dns}
  db:     {role: database}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}
  web:    {role: service, image: 'nginx:1', listens: [{port: 80}]}
  proxy:  {role: proxy, uses: [app]}
  shell:  {role: ssh}
"""
PORT, WORD, BEGAN = 20123, "w0123456789", 1000.0


def shop(text: str = SHOP) -> Topology:
    """dns .10, db .11, app .12, client .13, web .14, proxy .15, shell .16"""
    scenario = read_scenario(text, file="scenario.yaml", read_companion=dict[str, str]().get).scenario
    return assign_addresses("shop", scenario, Snapshot("/s", "r", {}, secrets={"db": Secret("x")}), {})


# root .10, tld .11, auth .12, resolver .13, second .14, app .15, client .16: the lab of tests/recordings/dig
TREE = """\
name: tree
title: Who knows what
domain: shop.lab
networks: {lab: {subnet: 192.168.68.0/24}}
nodes:
  root:     {role: dns, zones: {".": {delegates: {lab: tld}}}}
  tld:      {role: dns, zones: {lab: {delegates: {shop: auth}}}}
  auth:     {role: dns, zones: {shop.lab: {}}}
  resolver: {role: dns, hints: [root]}
  second:   {role: dns, forward: [resolver]}
  app:      {role: app}
  client:   {role: client, resolvers: [resolver, second]}
"""


def check(**keys: Any) -> BaseCheck:
    keys = {("from" if key == "from_" else key): value for key, value in keys.items()}
    whole: Mapping[str, Any] = {"name": "A claim", **keys}
    return KINDS[str(kind_of(dict(whole)))].model_validate(whole)


OWN_INTERFACES: Mapping[Probe, ProbeResult] = MappingProxyType({})


ALL_HAVE_TIME: Mapping[str, ProbeResult] = MappingProxyType({})


def judged(
    one: BaseCheck, *answers: ProbeResult, lab: str = SHOP, processor: Mapping[str, ProbeResult] = ALL_HAVE_TIME
) -> Judgement:
    """The judgement; every answer must have been asked for, and none more."""
    return conversation(one, *answers, lab=lab, processor=processor)[0]


def conversation(
    one: BaseCheck,
    *answers: ProbeResult,
    lab: str = SHOP,
    interfaces: Mapping[Probe, ProbeResult] = OWN_INTERFACES,
    processor: Mapping[str, ProbeResult] = ALL_HAVE_TIME,
) -> tuple[Judgement, list[Probe]]:
    """The judgement, and the questions in their order, without those for `interfaces` and for processor time.

    Where these do not say otherwise, each node has its own addresses. `processor` has by node what comes of a little
    work in it; a node that is not named does it at once.
    """
    left = list(answers)
    asked: list[Probe] = []
    topology = shop(lab)

    def run_probes(probes: Sequence[Probe]) -> list[ProbeResult]:
        if all(probe == processor_probe(probe.node) for probe in probes):
            return [processor.get(probe.node, ran()) for probe in probes]
        if all(isinstance(probe, RunProgram) and probe.argv[:2] == ("ip", "-j") for probe in probes):
            return [interfaces.get(probe, own_interfaces(topology, probe)) for probe in probes]
        asked.extend(probes)
        assert len(left) >= len(probes), f"no answer was recorded for {probes}"
        return [left.pop(0) for _ in probes]

    judgement = run_steps(check_steps(one, CheckContext(topology, WORD, PORT, BEGAN)), run_probes)
    assert not left, f"nobody asked for {left}"
    return judgement, asked


def own_interfaces(topology: Topology, probe: Probe) -> ProbeResult:
    """What ip(8) says in a node where all is well and nobody was spoken to yet."""
    addresses = [{"local": str(address)} for address in topology.addresses_of(probe.node)]
    one = {"ifname": "eth0", "flags": ["UP"], "address": "02:42:00:00:00:01", "addr_info": addresses}
    return ran(json.dumps([one] if probe == addresses_of(probe.node) else []))


def ran(out: str = "", err: str = "", code: int = 0, started: float = BEGAN) -> ProgramResult:
    return ProgramResult(code, out, err, started)


def rows(table: str = "") -> ProgramResult:
    """What psql prints of a statement that succeeded."""
    return ran(f"{table}{psql_outcome()}{psql_outcome()}")


def refused(code: str, message: str, err: str = "", table: str = "") -> ProgramResult:
    """What psql prints of a statement that the server refuses, after the rows of another one before it."""
    late = psql_outcome("25P02", "current transaction is aborted, commands ignored until end of transaction block")
    return ran(f"{table}{psql_outcome(code, message)}{late}", f"ERROR:  {message}\n{err}")


def psql_outcome(code: str = "", message: str = "") -> str:
    """How psql tells the end of a statement, or of the look at its constraints."""
    return f"{MESSAGE}\n{message}\n{END} {'true' if code else 'false'} {code or '00000'}\n"
