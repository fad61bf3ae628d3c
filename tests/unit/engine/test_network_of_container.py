"""How a container remembers the network on which it was made: by its id, or by its name where names are unique."""

from __future__ import annotations

import json
from contextlib import closing
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, ClassVar

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import DockerEngine
from orchestrator.planning.specs import Attach, ContainerSpec

ID, NAME = "f" * 64, "wirelab-basic-lab"


class Making(Answers):
    """An engine with one network, which notes what container it is to make."""

    made: ClassVar[list[dict[str, Any]]]

    def do_GET(self) -> None:
        if not self.pinged():
            self.whole({"Id": ID, "Name": NAME})

    def do_POST(self) -> None:
        self.made.append(json.loads(self.asked()))
        self.whole({"Id": "c1"})


@pytest.mark.parametrize(("version", "known_as"), [("1.41", ID), ("1.43", ID), ("1.44", NAME), ("1.51", NAME)])
def test_by_its_name_where_no_two_networks_have_the_same(tmp_path: Path, version: str, known_as: str) -> None:
    """Engine 26 starts no container whose network has gone, if it knows that network by its id."""
    made: list[dict[str, Any]] = []
    answers = type("OfThisTest", (Making,), {"made": made, "api_version": version})
    spec = ContainerSpec("node", "image", {}, attachments=(Attach("lab", ID, IPv4Address("10.1.2.3")),))
    with served(tmp_path / "e", answers) as url, closing(DockerEngine(url)) as engine:
        engine.make_container(spec)
    (body,) = made
    assert body["HostConfig"]["NetworkMode"] == known_as
    assert list(body["NetworkingConfig"]["EndpointsConfig"]) == [known_as]
