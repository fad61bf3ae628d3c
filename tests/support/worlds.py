"""A lab in which all is well but for what a test breaks: its answers, and the walk of a check that ended so."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.probes import Answer, NodeState, Question, Ran, Run, StateOf
from orchestrator.diagnosis.suggested_commands import Commands
from orchestrator.diagnosis.walk import Walk
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
Rule = Callable[[Question], Answer | None]


@dataclass
class World:
    """Answers as a lab gives them in which all is well, after `rules` had their say."""

    topology: Topology
    rules: list[Rule] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += questions
        return [self.answer(question) for question in questions]

    def answer(self, question: Question) -> Answer:
        ruled = next((found for rule in self.rules if (found := rule(question)) is not None), None)
        if ruled is not None:
            return ruled
        if isinstance(question, StateOf):
            return NodeState("running")
        assert isinstance(question, Run)
        return Ran(0, self.out(question), "")

    def out(self, run: Run) -> str:
        match run.argv:
            case ("ss", *_):
                node = self.topology.node(run.node)
                listeners = ROLES[node.role].listeners_of(node)  # type: ignore[attr-defined]
                return "".join(f"{one.protocol} LISTEN 0 9 0.0.0.0:{one.port} 0.0.0.0:*\n" for one in listeners)
            case ("ip", "-j", "addr"):
                own = [{"local": str(address)} for address in self.topology.addresses(run.node)]
                return json.dumps([{"ifname": "eth0", "flags": ["UP"], "addr_info": own}])
            case ("ip", *_):
                return json.dumps([{"dev": "eth0"}])
            case ("cat", "/etc/hosts"):
                return f"127.0.0.1 localhost\n{self.topology.addresses(run.node)[0]} 0123456789ab\n"
            case ("cat", *_):
                return resolver_text(self.topology, run.node)
            case ("dig", *_, name):
                return self.dug(run.node, name)
            case ("bash", _, _, host, port):
                return f"{host}\nESTAB 0 0 {host}:40000 {host}:{port}\n"
            case ("curl", *_):
                return "[]"
            case _:
                return "1\n"

    def dug(self, asker: str, name: str) -> str:
        (server, *_) = self.topology.resolvers_of(asker)
        node = name.partition(".")[0]
        rows = "\n".join(f"{name} 60 IN A {address}" for address in self.topology.answers(asker, node))
        return FOUND.format(rows=rows, server=self.topology.address_for(asker, server))


def far(text: str = FAR) -> World:
    scenario = read_scenario(text, file="far", beside={}.get).scenario
    return World(assign_addresses("far", scenario, Snapshot("/s", "r", {}, secrets={"db": Secret("x")}), {}))


def state(node: str, word: str, code: int = 0) -> Rule:
    return lambda question: NodeState(word, code) if question == StateOf(node) else None


def program(name: str, answer: Answer, node: str = "") -> Rule:
    def rule(question: Question) -> Answer | None:
        fits = isinstance(question, Run) and question.argv[0] == name and node in ("", question.node)
        return answer if fits else None

    return rule


def tcp(code: int, err: str) -> Rule:
    def rule(question: Question) -> Answer | None:
        fits = isinstance(question, Run) and question.argv[0] == "bash"
        return Ran(code, f"{question.argv[3]}\n", err) if fits and isinstance(question, Run) else None

    return rule


def walked(world: World, verdict: str = "fail", actual: str = "it is not so", **keys: Any) -> Walk:
    """The walk of a check that ended so."""
    whole = {"name": "A claim", **{("from" if key == "from_" else key): value for key, value in keys.items()}}
    check = KINDS[str(kind_of(whole))].model_validate(whole)
    finding = Finding("A claim", "?", "?", Judgement(verdict, "it is so", actual), 0.1)  # type: ignore[arg-type]
    walker = DiagnosisRunner(Commands(world.topology), world, lambda: 1000.0)
    (found,) = walker.explained([check], [finding], green_too=True)
    assert found.why
    return found.why


CONNECTS = {"from_": "client", "connects": "app-1.shop.lab:80"}
