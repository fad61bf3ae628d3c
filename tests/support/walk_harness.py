"""A lab in which all is well but for what a test breaks: its answers, and the walk of a check that ended so."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from check_harness import rows
from dns_bytes import printed, question_of

from orchestrator.checks.dns_query import ASK
from orchestrator.checks.exhaustion import Exhausted
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import (
    GetExhausted,
    GetNodeState,
    LogText,
    LookAtNetwork,
    NodeExhausted,
    NodeState,
    Probe,
    ProbeResult,
    ProgramResult,
    ReadLog,
    RunProgram,
)
from orchestrator.checks.walk import Walk
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.lab.diagnosis_runner import DiagnosisRunner
from orchestrator.model.checks import KINDS, kind_of
from orchestrator.model.roles import ROLES
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.desired import resolver_text
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

FAR = """
name: far
title: Two networks, a router, a group, and a resolver that asks others
domain: shop.lab
networks: {near: null, office: null}
nodes:
  resolver: {role: dns, networks: [near], hints: [auth]}
  auth:     {role: dns, networks: [near], zones: {".": {}, shop.lab: {}}}
  db:       {role: database, networks: [near]}
  app:      {role: app, networks: [near], uses: [db], replicas: 2}
  gate:     {role: proxy, networks: [near], uses: [app]}
  router:   {role: router, networks: [near, office]}
  client:   {role: client, networks: [near], resolvers: [resolver], uses: [app]}
  clerk:    {role: client, networks: [office], resolvers: [resolver], uses: [app]}
"""
FOUND = """;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1
;; flags: qr rd ra; QUERY: 1, ANSWER: 1

;; ANSWER SECTION:
{rows}

;; SERVER: {server}#53({server}) (UDP)
"""
LOST = ";; communications error to {server}#53: timed out\n;; no servers could be reached\n"
Rule = Callable[[Probe], ProbeResult | None]


@dataclass
class SimulatedLab:
    """Answers as a lab gives them in which all is well, after `rules` had their say."""

    topology: Topology
    rules: list[Rule] = field(default_factory=list)
    asked: list[Probe] = field(default_factory=list)

    def __call__(self, probes: Sequence[Probe]) -> list[ProbeResult]:
        self.asked += probes
        return [self.answer(probe) for probe in probes]

    def answer(self, probe: Probe) -> ProbeResult:
        ruled = next((found for rule in self.rules if (found := rule(probe)) is not None), None)
        if ruled is not None:
            return ruled
        if isinstance(probe, GetNodeState):
            return NodeState("running")
        if isinstance(probe, GetExhausted):
            return NodeExhausted()
        if isinstance(probe, LookAtNetwork | ReadLog):
            return LogText("")
        assert isinstance(probe, RunProgram)
        return ProgramResult(0, self.out(probe), "")

    def out(self, run: RunProgram) -> str:
        match run.argv:
            case ("ss", *_):
                node = self.topology.node(run.node)
                listeners = ROLES[node.role].listeners_of(node)
                return "".join(
                    f"{listener.protocol} LISTEN 0 9 0.0.0.0:{listener.port} 0.0.0.0:*\n" for listener in listeners
                )
            case ("ip", "-j", "addr"):
                own = [{"local": str(address)} for address in self.topology.addresses(run.node)]
                return json.dumps([{"ifname": "eth0", "flags": ["UP"], "addr_info": own}])
            case ("ip", *_):
                return json.dumps([{"dev": "eth0"}])
            case ("cat", "/etc/hosts"):
                return f"127.0.0.1 localhost\n{self.topology.addresses(run.node)[0]} 0123456789ab\n"
            case ("cat", *_):
                return resolver_text(self.topology, run.node)
            case ("python3", *_) if ASK in run.argv:
                return self.dug(run)
            case ("bash", _, _, host, port):
                return f"{host}\naccepted\nESTAB 0 0 {host}:40000 {host}:{port}\n"
            case ("curl", *_):
                return "[]"
            case ("env" | "psql", *_):
                return rows("1\n").out
            case _:
                return "1\n"

    def dug(self, run: RunProgram) -> str:
        (server, *_) = self.topology.resolvers_of(run.node)
        question = question_of(run)
        name = question.partition(" ")[0]
        answers = self.topology.answers(run.node, name.partition(".")[0])
        rows = "\n".join(f"{name} 60 IN A {address}" for address in answers)
        return printed(FOUND.format(rows=rows, server=self.topology.address_for(run.node, server)), question)


def far(text: str = FAR) -> SimulatedLab:
    scenario = read_scenario(text, file="far", read_companion=dict[str, str]().get).scenario
    return SimulatedLab(assign_addresses("far", scenario, Snapshot("/s", "r", {}, secrets={"db": Secret("x")}), {}))


def state(node: str, word: str, code: int = 0) -> Rule:
    return lambda probe: NodeState(word, code) if probe == GetNodeState(node) else None


def exhausted(node: str, *resources: Exhausted) -> Rule:
    return lambda probe: NodeExhausted(resources) if probe == GetExhausted(node) else None


def out_of_memory(node: str) -> Rule:
    return lambda probe: NodeState("stopped", 137, True) if probe == GetNodeState(node) else None


def program(name: str, answer: ProbeResult, node: str = "") -> Rule:
    def rule(probe: Probe) -> ProbeResult | None:
        fits = isinstance(probe, RunProgram) and probe.argv[0] == name and node in ("", probe.node)
        return answer if fits else None

    return rule


def dns_reply(answer: ProgramResult, node: str = "", server: str = "") -> Rule:
    """What is answered to a DNS question of a node, or to a server; the output is written as dig(1) does."""

    def rule(probe: Probe) -> ProbeResult | None:
        if not isinstance(probe, RunProgram) or ASK not in probe.argv or node not in ("", probe.node):
            return None
        if server and server not in probe.argv:
            return None
        return replace(answer, out=printed(answer.out, question_of(probe)))

    return rule


def tcp(ended: str) -> Rule:
    """How every connection attempt ends: `silent 3`, or what bash says."""

    def rule(probe: Probe) -> ProbeResult | None:
        if isinstance(probe, RunProgram) and probe.argv[0] == "bash":
            return ProgramResult(1, f"{probe.argv[3]}\n{ended}\n", "")
        return None

    return rule


def walked(world: SimulatedLab, verdict: str = "fail", actual: str = "it is not so", **keys: Any) -> Walk:
    """The walk of a check that ended so."""
    evidence = keys.pop("evidence", ())
    whole = {"name": "A claim", **{("from" if key == "from_" else key): value for key, value in keys.items()}}
    check = KINDS[str(kind_of(whole))].model_validate(whole)
    finding = Finding("A claim", "?", "?", Judgement(verdict, "it is so", actual, evidence), 0.1)  # type: ignore[arg-type]
    walker = DiagnosisRunner(Commands(world.topology), world, lambda: 1000.0)
    (found,) = walker.explain([check], [finding], include_passed=True)
    assert found.why
    return found.why


CONNECTS = {"from_": "client", "connects": "app-1.shop.lab:80"}
