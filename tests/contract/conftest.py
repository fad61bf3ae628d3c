"""The same cases on the fake engine and on a real one; what a case made is gone when it ends."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from contract_setup import ContractSetup
from own_images import client_image
from swarm_in_memory import SwarmFake

from orchestrator.engine.fake import FakeEngine
from orchestrator.engine.opening import open_engine
from orchestrator.engine.protocol import Engine
from orchestrator.lab.split_engine import SplitEngine

SOCKET = Path("/var/run/docker.sock")
# Ranges that neither labs (192.168.0.0/16) nor an engine's default pools (172.17-31, 192.168) take.
RANGES = IPv4Network("10.192.0.0/11")


def _free(engine: Engine) -> Iterator[IPv4Network]:
    """Ranges that no network has now, in any order: another process looks for one at the same time."""
    ranges = list(RANGES.subnets(new_prefix=24))
    random.shuffle(ranges)
    for subnet in ranges:
        if not any(subnet.overlaps(other) for network in engine.networks() for other in network.subnets):
            yield subnet


def _real() -> tuple[Engine, str]:
    url = os.environ.get("DOCKER_HOST") or (f"unix://{SOCKET}" if SOCKET.exists() else "")
    if not url:
        pytest.skip("no engine: DOCKER_HOST is not set")
    import docker

    client = docker.DockerClient(base_url=url)
    image = client_image(client)
    client.close()
    if image is None:
        pytest.skip("no image of ours: wirelab images build client")
    return open_engine(url), image


def _fake() -> tuple[Engine, str]:
    return FakeEngine(["wirelab/client:1"]), "wirelab/client:1"


def _split() -> tuple[Engine, str]:
    """Two fakes as one engine, as a split lab has them."""
    swarm: list[SwarmFake] = []
    return SplitEngine(
        {name: SwarmFake(n, swarm, ["wirelab/client:1"]) for n, name in enumerate("ab")}
    ), "wirelab/client:1"


ENGINES: dict[str, Callable[[], tuple[Engine, str]]] = {"fake": _fake, "split-fake": _split, "real": _real}


@pytest.fixture(params=ENGINES)
def world(request: pytest.FixtureRequest) -> Iterator[ContractSetup]:
    engine, image = ENGINES[request.param]()
    one = ContractSetup(engine, image, f"contract={uuid.uuid4().hex[:10]}", iter(()))
    one = replace(one, subnets=_free(engine))
    yield one
    for container in engine.containers(one.label):
        engine.remove_container(container.id)
    for network in engine.networks():
        if network.labels.get("contract") == one.labels["contract"]:
            engine.remove_network(network.id)
    for volume in engine.volumes(one.label):
        engine.remove_volume(volume.name)
    assert not engine.containers(one.label)
    engine.close()
