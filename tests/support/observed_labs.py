"""Observed values for planning tests: nothing at all, or a lab that stands just as a plan has made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Network
from typing import Any

from orchestrator.model.scenario import Scenario
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.plan import AwaitReady, MakeCapture, MakeNetwork, MakeNode, Plan, SetRoutes, WriteFiles
from orchestrator.planning.planner import up
from orchestrator.planning.snapshot import (
    ContainerRecord,
    ObservedContainer,
    ObservedFiles,
    ObservedNetwork,
    ObservedVolume,
    Snapshot,
)
from orchestrator.reading.scenario import read_scenario
from orchestrator.rendering.plans import plan_text

LAB = "shop"
SEED = {"seed.sql": "create table items (name text);"}
IMAGES = {name: f"wirelab/{name}:1" for name in ("dns", "database", "app", "client", "capture", "proxy")}
STARTED = "2026-01-01T00:00:00.000000001Z"
INODE = 7

BASIC = """\
name: shop
title: A server that is also a client
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}
"""


@cache
def scenario(text: str) -> Scenario:
    return read_scenario(text, file="scenario.yaml", read_companion=SEED.get).scenario


def nothing() -> Snapshot:
    """An engine on which nothing stands."""
    return Snapshot("/state/shop", "run1", IMAGES, secrets={"db": Secret("pass-word")})


def planned(text: str, observed: Snapshot, texts: Mapping[str, str] = SEED) -> tuple[Topology, Plan]:
    topology = assign_addresses(LAB, scenario(text), observed, texts)
    return topology, up(topology, observed)


def plan_of(text: str, observed: Snapshot, texts: Mapping[str, str] = SEED) -> str:
    """The plan as people read it; nothing where there is nothing to do."""
    plan = planned(text, observed, texts)[1]
    return plan_text(plan) if plan else ""


def standing(text: str) -> Snapshot:
    """What is seen after the plan for a fresh lab was carried out, by a later command."""
    _, plan = planned(text, nothing())
    return made_by(plan, replace(nothing(), run="run2"))


def made_by(plan: Plan, observed: Snapshot) -> Snapshot:
    """What is seen after a plan for a fresh lab was carried out, where this was seen before."""
    for step in plan.steps:
        match step.action:
            case MakeNetwork(spec, network):
                own6 = (spec.subnet6,) if spec.subnet6 else ()
                made = ObservedNetwork(
                    f"id-{network}",
                    spec.name,
                    (spec.subnet,),
                    spec.internal,
                    spec.labels,
                    spec.gateway_unanswered,
                    own6,
                    spec.host_closed,
                    spec.bridge,
                )
                observed = replace(observed, networks=(*observed.networks, made))
            case MakeCapture(spec, _):
                container = ObservedContainer("id-capture", spec.name, "running", STARTED, 0, spec.labels, {})
                observed = replace(observed, containers=(*observed.containers, container))
            case WriteFiles(node, texts):
                observed = with_files(observed, node, ObservedFiles(texts, INODE))
            case MakeNode(node, spec, loaded):
                ends = {f"id-{attach.network}": attach.address for attach in spec.attachments}
                ends6 = {f"id-{attach.network}": attach.address6 for attach in spec.attachments if attach.address6}
                container = ObservedContainer(
                    f"id-{node}", spec.name, "running", STARTED, 0, spec.labels, ends, "", ends6, ends, ends6
                )
                record = ContainerRecord(container.id, loaded=loaded, resolver=INODE)
                volumes = tuple(ObservedVolume(volume.name, volume.labels) for volume in spec.volumes)
                observed = replace(
                    observed, containers=(*observed.containers, container), volumes=(*observed.volumes, *volumes)
                )
                observed = with_files(observed, node, replace(observed.files[node], record=record))
            case SetRoutes(node, routes):
                files = observed.files[node]
                assert files.record
                observed = with_files(
                    observed, node, replace(files, record=replace(files.record, routed=routes, routed_at=STARTED))
                )
                observed = replace(
                    observed, routes={**observed.routes, node: () if routes == "none" else tuple(routes.split(", "))}
                )
            case AwaitReady(node):
                files = observed.files[node]
                assert files.record
                observed = with_files(observed, node, replace(files, record=replace(files.record, ready=STARTED)))
            case other:
                raise AssertionError(f"a fresh lab needs no {other}")
    return observed


def with_files(observed: Snapshot, node: str, files: ObservedFiles) -> Snapshot:
    return replace(observed, files={**observed.files, node: files})


def with_container(observed: Snapshot, node: str, **changes: object) -> Snapshot:
    """The same, with one node's container changed by somebody."""
    changed = tuple(
        replace(container, **changes) if container.labels["wirelab.node"] == node else container  # type: ignore[arg-type]
        for container in observed.containers
    )
    return replace(observed, containers=changed)


def without_container(observed: Snapshot, node: str) -> Snapshot:
    left = tuple(container for container in observed.containers if container.labels["wirelab.node"] != node)
    return replace(observed, containers=left)


def foreign(subnet: str, name: str = "theirs") -> ObservedNetwork:
    return ObservedNetwork(f"id-{name}", name, (IPv4Network(subnet),), False, {})


def listed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A network that was made from this body, as the engine lists it."""
    return {"Id": "1", **config}
